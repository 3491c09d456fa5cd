/**
 * What is wrong with the environment apart from the values of variables: names that are nearly ours, and settings of Node that
 * would undo what this service promises.
 *
 * A misspelt variable would be ignored, and its absence could go unnoticed for long. One edit or two decide, so that names
 * which merely share a prefix are left alone.
 */

import { countEdits } from "../text.ts";
import type { Faults } from "./faults.ts";
import { type Environment, isKnown, KNOWN_NAMES } from "./variables.ts";

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
export function show(name: string): string {
  return /^[\w.-]{1,128}$/.test(name)
    ? name
    : JSON.stringify(name.slice(0, 128).replace(/\P{ASCII}|\x7f/gu, "?"));
}

/** `flags` as `process.execArgv` has them. */
export function checkProcess(
  environment: Environment,
  flags: readonly string[],
  faults: Faults,
): void {
  const { NODE_TLS_REJECT_UNAUTHORIZED, NODE_DEBUG, DEBUG = "", NODE_OPTIONS = "" } = environment;
  if (NODE_TLS_REJECT_UNAUTHORIZED === "0") {
    faults.add(
      "NODE_TLS_REJECT_UNAUTHORIZED",
      "must not switch off certificate checks; use NODE_EXTRA_CA_CERTS for a CA of your own",
    );
  }
  if (NODE_DEBUG)
    faults.add("NODE_DEBUG", "must be empty: Node would print requests, with their keys");
  if (!/^(0|1|false|true|no|yes|off|on)?$/i.test(DEBUG)) {
    faults.add("DEBUG", "must be empty: packages would print what they send and receive");
  }
  const isProduction = environment.MX_ENVIRONMENT === "production";
  const unsafe = isProduction ? [...UNSAFE_FLAGS, INSPECTOR] : [...UNSAFE_FLAGS, PUBLIC_INSPECTOR];
  const findUnsafe = (given: readonly string[]) =>
    unsafe.find(({ flag }) => flag.test(given.join(" ")));
  const fromEnvironment = findUnsafe([NODE_OPTIONS]);
  const fromCommand = findUnsafe(flags);
  if (fromEnvironment) faults.add("NODE_OPTIONS", fromEnvironment.message);
  if (fromCommand) faults.add("A flag of node", fromCommand.message);
}

/** Node takes `_` for `-` in the names of its flags. */
const UNSAFE_FLAGS = [
  { flag: /--insecure[-_]http[-_]parser\b/, message: "must not loosen the HTTP parser" },
  { flag: /--(tls[-_]keylog|trace[-_]tls)\b/, message: "must not log TLS keys" },
  { flag: /--tls[-_](min|max)[-_]v1\.[01]\b/, message: "must not allow old versions of TLS" },
  { flag: /--tls[-_]cipher[-_]list\b/, message: "must not change the ciphers of TLS" },
  {
    flag: /--(jitless|no[-_]expose[-_]wasm)\b/,
    message: "must not switch off WebAssembly: the client for upstreams needs it",
  },
];
const INSPECTOR = {
  flag: /--inspect\b/,
  message: "must not open a debugger in production: it reads every secret",
};
const PUBLIC_INSPECTOR = {
  flag: /--inspect(-brk|-wait|-port)?[= ](?!\d+\b(?!\.)|127\.|localhost\b|\[::1\])[\w[:.]/,
  message: "must not open a debugger to the network: it reads every secret",
};
