/**
 * The program as an operator runs it: `src/main.ts` in a process of its own, with the environment of the test alone.
 */

import { once } from "node:events";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { startChild } from "./child.ts";

export const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

export type ProgramOptions = {
  /** Default: none, with which it serves. */
  args?: readonly string[];
  environment?: Readonly<Record<string, string | undefined>>;
  /** Of Node. */
  flags?: readonly string[];
  /** File descriptors for its standard streams. Default: what it writes is kept. */
  stdout?: number;
  stderr?: number;
  /** As for `taskset`. Default: all. */
  cpus?: string | undefined;
};

export type Program = AsyncDisposable & {
  pid: number;
  /** What it has written so far. */
  stdout(): string;
  stderr(): string;
  /** Both, in the order in which they came. */
  output(): string;
  signal(name: NodeJS.Signals): void;
  /** Its exit code, or `null` if a signal ended it; once all that it wrote has been read. */
  exited: Promise<number | null>;
};

/** Compiled code is kept here, which saves each process half of its start. */
export const COMPILE_CACHE = {
  NODE_COMPILE_CACHE: fileURLToPath(new URL("../../node_modules/.cache/node", import.meta.url)),
};

export function startProgram(options: ProgramOptions = {}): Program {
  const { args = [], environment = {}, flags = [], stdout = "pipe", stderr = "pipe" } = options;
  const child = startChild(process.execPath, [...flags, MAIN, ...args], {
    cpus: options.cpus,
    env: { PATH: process.env.PATH, ...COMPILE_CACHE, ...environment },
    cwd: tmpdir(), // Where there is no .env.
    stdio: ["ignore", stdout, stderr],
  });
  const texts = { stdout: "", stderr: "", output: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8").on("data", (text: string) => {
      texts[name] += text;
      texts.output += text;
    });
  }
  const exited = once(child, "close").then(([code]: (number | null)[]) => code ?? null);
  return {
    pid: child.pid ?? 0,
    stdout: () => texts.stdout,
    stderr: () => texts.stderr,
    output: () => texts.output,
    signal: (name) => void child.kill(name),
    exited,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

/** Runs it to its end. */
export async function runProgram(options: ProgramOptions) {
  const program = startProgram(options);
  const code = await program.exited;
  return { code, stdout: program.stdout(), stderr: program.stderr() };
}

export type ServiceProcess = Program & {
  port: number;
  url: string;
  operationsUrl: string;
};

/** Resolves when it listens. */
export async function startServiceProcess(
  environment: ProgramOptions["environment"],
  options: ProgramOptions = {},
): Promise<ServiceProcess> {
  const program = startProgram({ ...options, ...(environment && { environment }) });
  let hasEnded = false;
  void program.exited.then(() => {
    hasEnded = true;
  });
  for (;;) {
    const found = findListening(program.stdout());
    if (found) {
      return {
        ...program,
        port: found.port,
        url: `http://127.0.0.1:${found.port}`,
        operationsUrl: `http://127.0.0.1:${found.operationsPort}`,
      };
    }
    if (hasEnded) throw new Error(`The service did not start:\n${program.output()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** From the first line of the log; Node may have written others before it. */
export function findListening(log: string): { port: number; operationsPort: number } | undefined {
  const line = log
    .split("\n")
    .slice(0, -1)
    .find((each) => each.startsWith("{"));
  return line === undefined ? undefined : JSON.parse(line);
}
