/**
 * Variables that are nearly ours: they would be ignored, and their absence could go unnoticed for long. One edit or two
 * decide, so that names which merely share a prefix are left alone.
 */

import type { Faults } from "./faults.ts";
import type { Environment } from "./types.ts";
import { isKnown, KNOWN_NAMES } from "./variables.ts";

const MAX_DISTANCE = 2;
/** Shorter names are near too many others. */
const MIN_LENGTH = 8;

export function reportMisspelt(environment: Environment, faults: Faults): void {
  for (const [name, value] of Object.entries(environment)) {
    if (!value || isKnown(name) || isForeign(name, value)) continue;
    const nearest = findNearest(name);
    if (nearest) faults.add(show(name), `is not known; is ${nearest} meant?`);
  }
}

/** The known name that is one or two edits away, capitals aside. */
export function findNearest(name: string): string | undefined {
  const upper = name.toUpperCase();
  const near = KNOWN_NAMES.filter((known) => known.length >= MIN_LENGTH)
    .map((known) => ({ known, distance: toDistance(upper, known) }))
    .filter(({ distance }) => distance <= MAX_DISTANCE);
  return near.sort((a, b) => a.distance - b.distance)[0]?.known;
}

/** Belongs to others, however near it is: to other programs, to other proxies, or to services that Kubernetes injects. */
function isForeign(name: string, value: string): boolean {
  return (
    /^(AUTH_SECRET|AUTH_URL|REDIS_SSL)$/.test(name) ||
    /^(HTTP|ALL|FTP)_PROXY$/i.test(name) ||
    /_SERVICE_(HOST|PORT)(_[A-Z0-9_]+)?$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(
      name,
    ) ||
    (name.endsWith("_PORT") && /^(tcp|udp|sctp):\/\//.test(value))
  );
}

/** Levenshtein's, row by row; beyond the maximum it does not matter by how much. */
function toDistance(one: string, other: string): number {
  if (Math.abs(one.length - other.length) > MAX_DISTANCE) return MAX_DISTANCE + 1;
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (const [above, letter] of [...one].entries()) {
    const next = [above + 1];
    for (const [at, otherLetter] of [...other].entries()) {
      const [diagonal = 0, up = 0, left = 0] = [row[at], row[at + 1], next[at]];
      next.push(Math.min(diagonal + (letter === otherLetter ? 0 : 1), up + 1, left + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}

/** A name as it may be printed: others could hold anything. */
function show(name: string): string {
  return /^\w{1,128}$/.test(name)
    ? name
    : JSON.stringify(name.slice(0, 128).replace(/[^ -~]/g, "?"));
}
