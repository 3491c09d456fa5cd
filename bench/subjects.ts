/**
 * What is measured, each in a process of its own on the measured CPU: the service, the floor, the incumbent.
 */

import { once } from "node:events";
import { closeSync, existsSync, openSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { findFreePort } from "../test/load/nginx.ts";
import { startReplica } from "../test/load/replica.ts";
import { startChild } from "../test/support/child.ts";

export type SubjectName = "service" | "floor" | "incumbent";

export type Subject = AsyncDisposable & {
  name: SubjectName;
  pid: number;
  url: string;
  inspectorUrl?: string | undefined;
};

export type SubjectOptions = {
  environment: Record<string, string>;
  cpus: string | undefined;
  /** For logs. */
  folder: string;
  /** Opens the inspector of the service, to profile it. */
  inspector?: boolean;
};

const INCUMBENT = new URL(
  "./node_modules/@mxenabled/sso-api-proxy/build/src/cli.js",
  import.meta.url,
);
const START_MS = 15_000;

export function hasIncumbent(): boolean {
  return existsSync(INCUMBENT);
}

/** `npm start`, with its log in a file. */
export async function startServiceSubject(options: SubjectOptions): Promise<Subject> {
  const { environment, cpus, folder, inspector = false } = options;
  const logPath = join(folder, "service");
  const replica = await startReplica({ environment, cpus, logPath, inspector });
  return {
    name: "service",
    pid: replica.pid,
    url: `http://127.0.0.1:${replica.port}/session`,
    inspectorUrl: replica.inspectorUrl,
    [Symbol.asyncDispose]: () => replica[Symbol.asyncDispose](),
  };
}

export async function startFloor(options: SubjectOptions): Promise<Subject> {
  const { environment, cpus } = options;
  const file = fileURLToPath(new URL("./floor.ts", import.meta.url));
  const child = startChild(process.execPath, [file], {
    cpus,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    env: { PATH: process.env.PATH, NODE_ENV: "production", ...environment },
  });
  const [message] = (await once(child, "message", { signal: AbortSignal.timeout(START_MS) })) as [
    { port: number },
  ];
  return {
    name: "floor",
    pid: child.pid ?? 0,
    url: `http://127.0.0.1:${message.port}/session`,
    [Symbol.asyncDispose]: () => end(child),
  };
}

/** No login, one user for all, one call. It knows the Platform API alone. */
export async function startIncumbent(options: SubjectOptions): Promise<Subject> {
  const { environment, cpus, folder } = options;
  const port = await findFreePort();
  const log = openSync(join(folder, "incumbent.log"), "w");
  const child = startChild(process.execPath, [fileURLToPath(INCUMBENT), "--port", String(port)], {
    cpus,
    stdio: ["ignore", log, "inherit"],
    cwd: folder, // It looks for files with its configuration.
    env: {
      PATH: process.env.PATH,
      NODE_ENV: "production",
      MX_CLIENT_ID: environment.MX_PLATFORM_CLIENT_ID,
      MX_API_KEY: environment.MX_PLATFORM_API_KEY,
      MX_API_HOST: environment.MX_PLATFORM_BASE_URL,
      MX_DEFAULT_USER_GUID: "USR-1",
    },
  });
  closeSync(log);
  await untilAnswering(`http://127.0.0.1:${port}/ping`);
  return {
    name: "incumbent",
    pid: child.pid ?? 0,
    url: `http://127.0.0.1:${port}/user/widget_urls`,
    [Symbol.asyncDispose]: () => end(child),
  };
}

async function untilAnswering(url: string): Promise<void> {
  const limit = performance.now() + START_MS;
  while (performance.now() < limit) {
    const isUp = await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isUp) return;
    await sleep(50);
  }
  throw new Error(`nothing answers at ${url}`);
}

async function end(child: ReturnType<typeof startChild>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
}
