/**
 * What an error of Redis means. Its messages can hold names and addresses, so only this word of it goes any further.
 *
 * The first word of an error is stable, but scripts put others before it. Source: Redis, "Redis serialization protocol
 * specification", simple errors; ioredis for those of the client.
 */

import type { RedisProblem } from "../session/settings.ts";

const WORDS: readonly (readonly [RegExp, RedisProblem])[] = [
  [/\bLOADING\b/, "loading"],
  [/\bOOM\b/, "out_of_memory"],
  [/\bREADONLY\b/, "read_only"],
  [/\bMISCONF\b/, "cannot_persist"],
  [/\bNOPERM\b/, "not_permitted"],
  [/\b(WRONGPASS|NOAUTH)\b|invalid (username-)?password|\bERR AUTH\b/, "credentials_refused"],
  [/^(MOVED|ASK|CROSSSLOT) |cluster support disabled/, "wrong_mode"],
  [/unknown (sub)?command/i, "wrong_mode"], // Sentinels know few; servers know neither those of sentinels nor of clusters.
  [
    /\b(CLUSTERDOWN|MASTERDOWN|TRYAGAIN|NOREPLICAS)\b|Too many Cluster redirections/,
    "cluster_down",
  ],
  [/timed out|ETIMEDOUT/i, "timeout"],
  [/\b(ECONN[A-Z]+|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)\b/, "unreachable"],
  [/\bNo such master\b/, "unknown_master"],
  [/^All sentinels are unreachable\. Retrying from scratch after \d+ms\.$/, "unknown_master"], // They answered, with nothing.
];

/** Looks into the errors that ioredis wraps. */
export function toRedisProblem(error: unknown): RedisProblem | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("lastNodeError" in error && error.lastNodeError instanceof Error)
    return toRedisProblem(error.lastNodeError);
  const word = WORDS.find(([pattern]) => pattern.test(error.message));
  if (word) return word[1];
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (/CERT|SELF_SIGNED|UNABLE_TO|ERR_SSL|ERR_TLS/.test(code)) return "tls_error";
  if (/^(ECONN|ENOTFOUND|EAI_|EHOST|ENET|ENOENT|EACCES|EPIPE)/.test(code)) return "unreachable";
  return undefined;
}
