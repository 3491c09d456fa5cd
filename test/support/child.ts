/**
 * Child processes, on chosen CPUs if wanted. None outlives this process.
 */

import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export type ChildOptions = SpawnOptions & { cpus?: string | undefined };

const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** `taskset` replaces itself by the command, so the child's id and its channel are the command's own. */
export function startChild(
  command: string,
  args: readonly string[],
  { cpus, ...options }: ChildOptions = {},
): ChildProcess {
  const child =
    cpus === undefined
      ? spawn(command, args, options)
      : spawn("taskset", ["-c", cpus, command, ...args], options);
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

/** What the group of the pattern finds in the first line that matches. Rejects if the child ends without one. */
export async function findLine(
  child: ChildProcess,
  pattern: RegExp,
  stream: "stdout" | "stderr" = "stdout",
): Promise<string> {
  const output = child[stream];
  if (!output) throw new Error("There is no output to read.");
  for await (const line of createInterface(output)) {
    const [, found] = pattern.exec(line) ?? [];
    if (!found) continue;
    output.resume(); // Else the program would block on a full pipe.
    return found;
  }
  throw new Error(`${child.spawnargs.join(" ")} ended before it was ready`);
}

export type Script = AsyncDisposable & { pid: number; found: string };

/** A program for Node that says when it is ready: resolves with what the group of the pattern finds. Disposal ends it. */
export async function startScript(
  args: readonly string[],
  ready: RegExp,
  options: SpawnOptions = {},
): Promise<Script> {
  const stdio = ["ignore", "pipe", "inherit"] as const;
  const child = startChild(process.execPath, args, { stdio: [...stdio], ...options });
  const exited = once(child, "exit");
  return {
    pid: child.pid ?? 0,
    found: await findLine(child, ready),
    async [Symbol.asyncDispose]() {
      child.kill();
      await exited;
    },
  };
}
