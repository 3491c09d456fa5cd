/**
 * A child process on chosen CPUs, which never outlives the load run.
 */

import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";

export type ChildOptions = SpawnOptions & { cpus: string | undefined };

const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** `taskset` replaces itself by the command, so the child's id and its channel are the command's own. */
export function startChild(
  command: string,
  args: readonly string[],
  { cpus, ...options }: ChildOptions,
): ChildProcess {
  const child =
    cpus === undefined
      ? spawn(command, args, options)
      : spawn("taskset", ["-c", cpus, command, ...args], options);
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}
