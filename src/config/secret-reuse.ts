/**
 * No two secret variables may have the same value: a secret that serves twice is as weak as the weaker place it is kept in,
 * and hashes of two purposes must not be comparable.
 */

import { decodePercent } from "../text.ts";
import type { Faults } from "./faults.ts";
import { type Environment, SECRET_NAMES, type Variables } from "./variables.ts";

/** The variables of the process, or of one tenant with what it is called in faults: `tenants[1] (b)`. */
export type SecretHolder = { label?: string; v: Variables };

type Use = { name: string; label: string | undefined };

/** OpenTelemetry's packages read these themselves. */
const COLLECTOR_HEADERS = ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"];

/** One variable may have the same value in several tenants. */
export function reportReusedSecrets(
  holders: readonly SecretHolder[],
  environment: Environment,
  faults: Faults,
): void {
  const uses = new Map<string, Use>();

  function report({ name, label }: Use, value: string): void {
    const first = uses.get(value);
    if (!first || mayBeEqual(first.name, name)) return;
    const place = first.label && first.label !== label ? ` of ${first.label}` : "";
    faults.add(label ? `${label}: ${name}` : name, `must differ from ${first.name}${place}`);
  }

  function add(use: Use, values: readonly string[]): void {
    for (const value of values) {
      report(use, value);
      if (!uses.has(value)) uses.set(value, use);
    }
  }

  const all = MX_FIRST.flatMap((name) =>
    holders.map(({ label, v }) => ({ name, label, secret: v[name]?.reveal() })),
  );
  for (const { secret, ...use } of all) add(use, valuesOf(secret));
  for (const name of COLLECTOR_HEADERS)
    add({ name, label: undefined }, valuesOfHeaders(environment[name]));
  for (const { secret, ...use } of all)
    for (const { username } of toUrls(secret)) report(use, decodePercent(username));
}

/** MX's keys are given: where one of them equals a secret of the operator's own, that one has to change. */
const MX_FIRST = [
  ...SECRET_NAMES.filter((name) => name.startsWith("MX_")),
  ...SECRET_NAMES.filter((name) => !name.startsWith("MX_")),
];

/** MX gives one key for both. */
const OF_ONE_KEY = new Set(["MX_MDX_API_KEY", "MX_SSO_API_KEY"]);

function mayBeEqual(one: string, other: string): boolean {
  return one === other || (OF_ONE_KEY.has(one) && OF_ONE_KEY.has(other));
}

/**
 * URLs hold secrets, too: the password, or the user name where it stands alone. Blanks around a secret, which files can
 * have, make it no other secret.
 */
function valuesOf(secret = ""): string[] {
  const inUrls = toUrls(secret).map(({ username, password }) =>
    decodePercent(password || username),
  );
  return toTexts([secret, ...inUrls]);
}

/** A comma may part two URLs, or be part of one. */
function toUrls(secret = ""): URL[] {
  const items = new Set([secret, ...secret.split(",")]);
  return [...items].filter((item) => URL.canParse(item)).map((item) => new URL(item));
}

/** `name=value,name=value`, the values percent-encoded, with credentials such as `Bearer …`, or user and password in Base64. */
function valuesOfHeaders(headers = ""): string[] {
  const values = headers.split(",").map((item) => decodePercent(item.replace(/^[^=]*=/, "")));
  const words = values.flatMap((value) => [value, value.trim().replace(/^\S+\s+/, "")]);
  const inBasic = words.map((word) => Buffer.from(word, "base64").toString().split(":"));
  return toTexts([...words, ...inBasic.flatMap(([user = "", ...rest]) => [user, rest.join(":")])]);
}

/** Each once. */
function toTexts(values: readonly string[]): string[] {
  return [...new Set(values.map((value) => value.trim()))].filter((value) => value !== "");
}
