/**
 * The service as in production: `src/main.ts` in a process of its own, with its log in a file.
 */

import { closeSync, openSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { findListening, startProgram } from "../support/program.ts";

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
  /** URL of a module that is loaded first. */
  preload?: string | undefined;
};

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
  const { environment, cpus, logPath, inspector = false, preload } = options;
  const [log, errors] = [openSync(`${logPath}.log`, "w"), openSync(`${logPath}.err`, "w")];
  const program = startProgram({
    flags: [
      ...NODE_FLAGS,
      ...(inspector ? ["--inspect=127.0.0.1:0"] : []),
      ...(preload === undefined ? [] : [`--import=${preload}`]),
    ],
    environment: { NODE_ENV: "production", NODE_COMPILE_CACHE: undefined, ...environment },
    cpus,
    stdout: log,
    stderr: errors,
  });
  let hasExited = false;
  const exited = program.exited.finally(() => {
    hasExited = true;
  });
  closeSync(log);
  closeSync(errors);

  const { port, operationsPort } = await untilDefined(() =>
    findListening(readFileSync(`${logPath}.log`, "utf8")),
  );
  const operationsUrl = `http://127.0.0.1:${operationsPort}`;
  await untilDefined(async () => ((await fetch(`${operationsUrl}/readyz`)).ok ? true : undefined));

  async function terminate() {
    const startedAt = performance.now();
    program.signal("SIGTERM");
    const code = await exited;
    return { code, tookMs: performance.now() - startedAt };
  }

  async function untilDefined<T>(find: () => T | Promise<T>): Promise<NonNullable<T>> {
    const limit = performance.now() + START_MS;
    for (;;) {
      const found = await find();
      if (found !== undefined && found !== null) return found;
      if (hasExited || performance.now() > limit) {
        program.signal("SIGKILL");
        throw new Error(`the service did not start:\n${readFileSync(`${logPath}.err`, "utf8")}`);
      }
      await sleep(20);
    }
  }

  return {
    pid: program.pid,
    port,
    operationsUrl,
    inspectorUrl: /ws:\/\/\S+/.exec(readFileSync(`${logPath}.err`, "utf8"))?.[0],
    terminate,
    async [Symbol.asyncDispose]() {
      if (!hasExited) await terminate();
    },
  };
}
