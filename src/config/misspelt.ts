/**
 * Variables that are nearly ours: they would be ignored, and their absence could go unnoticed for long. One edit or two
 * decide, so that names which merely share a prefix are left alone.
 */

import { countEdits } from "../text.ts";
import type { Faults } from "./faults.ts";
import type { Environment } from "./types.ts";
import { isKnown, KNOWN_NAMES } from "./variables.ts";

const MAX_EDITS = 2;
/** Shorter names are near too many others. */
const MIN_LENGTH = 8;

export function reportMisspelt(environment: Environment, faults: Faults): void {
  for (const [name, value] of Object.entries(environment)) {
    if (!value || isKnown(name) || isForeign(name, value)) continue;
    const nearest = findNearest(name);
    if (nearest) faults.add(show(name), `is unknown; did you mean ${nearest}?`);
  }
}

/** The known name that is one or two edits away, capitals aside. */
export function findNearest(name: string): string | undefined {
  const upper = name.toUpperCase();
  const near = KNOWN_NAMES.filter((known) => known.length >= MIN_LENGTH)
    .filter((known) => Math.abs(known.length - upper.length) <= MAX_EDITS)
    .map((known) => ({ known, edits: countEdits(upper, known) }))
    .filter(({ edits }) => edits <= MAX_EDITS);
  return near.sort((a, b) => a.edits - b.edits)[0]?.known;
}

/** Belongs to others, however near it is: to other programs, to other proxies, or to services that Kubernetes injects. */
function isForeign(name: string, value: string): boolean {
  return (
    /^(AUTH_SECRET|AUTH_URL|REDIS_SSL|SSL_(CERT|KEY)_FILE)$/.test(name) ||
    /^(HTTP|ALL|FTP)_PROXY$/i.test(name) ||
    /_SERVICE_(HOST|PORT)(_[A-Z0-9_]+)?$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(
      name,
    ) ||
    (name.endsWith("_PORT") && /^(tcp|udp|sctp):\/\//.test(value))
  );
}

/** A name as it may be printed: others could hold anything. */
function show(name: string): string {
  return /^\w{1,128}$/.test(name)
    ? name
    : JSON.stringify(name.slice(0, 128).replace(/[^ -~]/g, "?"));
}
