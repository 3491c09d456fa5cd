/**
 * Who runs where: the service has a CPU to itself, so that what is measured is the service.
 *
 * Without `taskset`, or with one CPU, everything runs everywhere.
 */

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Lists as `taskset -c` takes them; `undefined`: anywhere. */
export type Cpus = { service: string | undefined; others: string | undefined };

export function planCpus(): Cpus {
  const [first, ...rest] = listAllowedCpus();
  const canPin = spawnSync("taskset", ["--version"]).status === 0;
  if (!canPin || first === undefined || rest.length === 0)
    return { service: undefined, others: undefined };
  return { service: String(first), others: rest.join(",") };
}

/** Moves this process, which only watches, out of the service's way. */
export function pinSelf(cpus: string | undefined): void {
  if (cpus !== undefined) spawnSync("taskset", ["-acp", cpus, String(process.pid)]);
}

/** Source: proc_pid_status(5): `Cpus_allowed_list: 0-1,4`. */
function listAllowedCpus(): number[] {
  const status = readFileSync("/proc/self/status", "utf8");
  const ranges = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1]?.split(",") ?? [];
  return ranges.flatMap((range) => {
    const [from = 0, to = from] = range.split("-").map(Number);
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
}
