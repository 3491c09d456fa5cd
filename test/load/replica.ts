/**
 * The service as in production: `src/main.ts` in a process of its own, with its log in a file.
 */

import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startChild } from "./child.ts";

export type Replica = AsyncDisposable & {
  pid: number;
  port: number;
  operationsUrl: string;
  /** Address of the inspector, where one was asked for. */
  inspectorUrl: string | undefined;
  /** SIGTERM. Gives the exit code, and the milliseconds until then. */
  terminate(): Promise<{ code: number | null; tookMs: number }>;
};

export type ReplicaOptions = {
  environment: Record<string, string>;
  cpus: string | undefined;
  /** Without ending: `.log` and `.err` are added. */
  logPath: string;
  inspector?: boolean;
};

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
/** As in `npm start`. */
const NODE_FLAGS = [
  "--disable-proto=delete",
  "--disable-sigusr1",
  "--report-exclude-env",
  "--max-semi-space-size=16",
];
const START_MS = 15_000;

/** Resolves when the service is ready. */
export async function startReplica(options: ReplicaOptions): Promise<Replica> {
  const { environment, cpus, logPath, inspector = false } = options;
  const [log, errors] = [openSync(`${logPath}.log`, "w"), openSync(`${logPath}.err`, "w")];
  const child = startChild(
    process.execPath,
    [...NODE_FLAGS, ...(inspector ? ["--inspect=127.0.0.1:0"] : []), MAIN],
    {
      cpus,
      stdio: ["ignore", log, errors],
      env: { PATH: process.env.PATH, NODE_ENV: "production", ...environment },
    },
  );
  closeSync(log);
  closeSync(errors);
  const exited = once(child, "exit") as Promise<[number | null]>;

  const { port, operationsPort } = await untilDefined(() => findListening(`${logPath}.log`));
  const operationsUrl = `http://127.0.0.1:${operationsPort}`;
  await untilDefined(async () => ((await fetch(`${operationsUrl}/readyz`)).ok ? true : undefined));

  async function terminate() {
    const startedAt = performance.now();
    child.kill("SIGTERM");
    const [code] = await exited;
    return { code, tookMs: performance.now() - startedAt };
  }

  async function untilDefined<T>(find: () => T | Promise<T>): Promise<NonNullable<T>> {
    const limit = performance.now() + START_MS;
    for (;;) {
      const found = await find();
      if (found !== undefined && found !== null) return found;
      if (child.exitCode !== null || performance.now() > limit) {
        child.kill("SIGKILL");
        throw new Error(`the service did not start:\n${readFileSync(`${logPath}.err`, "utf8")}`);
      }
      await sleep(20);
    }
  }

  return {
    pid: child.pid ?? 0,
    port,
    operationsUrl,
    inspectorUrl: /ws:\/\/\S+/.exec(readFileSync(`${logPath}.err`, "utf8"))?.[0],
    terminate,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) await terminate();
    },
  };
}

/** The first log line says where it listens. */
function findListening(path: string): { port: number; operationsPort: number } | undefined {
  const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
  const line = lines.find((each) => each.startsWith("{")); // Node's own flags print lines too.
  return line === undefined ? undefined : JSON.parse(line);
}
