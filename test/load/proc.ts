/**
 * What the kernel knows about a process.
 *
 * Source: proc(5), `stat`, `statm` and `fd`. A page has 4096 bytes, a tick is 10 ms.
 */

import { readdirSync, readFileSync } from "node:fs";

const PAGE_BYTES = 4096;
const TICK_MS = 10;

export function readRssBytes(pid: number): number {
  const [, resident] = readFileSync(`/proc/${pid}/statm`, "utf8").split(" ");
  return Number(resident) * PAGE_BYTES;
}

/** User and system time since the process began. */
export function readCpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" "); // From field 3 on.
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

export function countDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
