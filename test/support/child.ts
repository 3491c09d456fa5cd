/**
 * A child process on chosen CPUs, which never outlives the load run.
 */

import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";

export type ChildOptions = SpawnOptions & { cpus: string | undefined };

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
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => process.off("exit", kill));
  return child;
}
