/**
 * The types that a variable's value can have: from text to what the service works with, and what is wrong with a text, in
 * words that never repeat it.
 *
 * Lists are comma-separated, booleans `true` or `false`, durations `8s` or `250ms`.
 */

import { isIPv4, isIPv6 } from "node:net";
import * as z from "zod";

/** How documentation describes a type, and the zod schema of what TENANTS_FILE accepts for it in addition to a string. */
export const VALUE_TYPES = z.registry<{ form: string; json?: unknown }>();

export const text = z.string().register(VALUE_TYPES, { form: "text" });

export const textUpTo = (max: number, form = `text of at most ${max} characters`) =>
  z.string().max(max, `is too long: at most ${max} characters`).register(VALUE_TYPES, { form });

export const claimName = textUpTo(255, "the name of a claim, of at most 255 characters");

/** Without a `message` of its own, a fault says what documentation says. */
export const matching = (pattern: RegExp, form: string, message = `must be ${form}`) =>
  z.string().regex(pattern, message).register(VALUE_TYPES, { form });

export const path = z.string().register(VALUE_TYPES, { form: "the path of a file" });

export const split = z.string().transform((items) =>
  items
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== ""),
);

export const JSON_LIST = z.array(z.string().regex(/^[^,]+$/)).min(1);

export const audiences = split
  .refine((items) => items.length > 0, "must name at least one audience")
  .register(VALUE_TYPES, { form: "a list", json: JSON_LIST });

export const count = (min: number, max: number, noun = "whole number") => {
  const form = `a ${noun} from ${min} to ${max}`;
  return z
    .string()
    .transform((digits) => (/^\d{1,9}$/.test(digits) ? Number(digits) : Number.NaN))
    .refine((number) => number >= min && number <= max, `must be ${form}`)
    .register(VALUE_TYPES, { form, json: z.int().min(min).max(max) });
};

export const port = count(0, 65_535, "port");

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `NaN` for what is no duration. */
function parseDuration(given: string): number {
  const [, number, unit] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(given) ?? [];
  return number && unit ? Number(number) * UNITS[unit as keyof typeof UNITS] : Number.NaN;
}

/** In the largest unit that gives a whole number. */
function formatDuration(ms: number): string {
  const units = Object.entries(UNITS).filter(([, size]) => ms >= size && ms % size === 0);
  const [unit, size] = units.at(-1) ?? ["s", 1000];
  return `${ms / size}${unit}`;
}

/**
 * In milliseconds. What becomes a timer has a `max` below 2^31 ms, about 24 days: `setTimeout` takes more as 1 ms.
 * Source: Node.js, Timers.
 */
export const duration = (min: number, max: number, example = "8s or 250ms") => {
  const range = `from ${formatDuration(min)} to ${formatDuration(max)}`;
  return z
    .string()
    .transform(parseDuration)
    .refine((ms) => ms >= min && ms <= max, `must be a duration such as ${example}, ${range}`)
    .register(VALUE_TYPES, { form: `a duration ${range}` });
};

export const lifetime = duration(UNITS.m, 90 * UNITS.d, "30m, 24h or 7d");

const MAX_EVENTS = 999_999;
/** In-memory counters are cleared by a timer. */
const MAX_WINDOW_MS = 24 * UNITS.d;

const RATE_FORM = `a rate such as 60/1m (1 to ${MAX_EVENTS} events in a window of 1s to 576h), or off`;

/** Events per window, or `undefined` for off. */
export const rate = z
  .string()
  .transform((given, context) => {
    if (given === "off") return undefined;
    const [, number, window = ""] = /^(\d{1,6})\/(\d+[smh])$/.exec(given) ?? [];
    const events = Number(number);
    const windowMs = parseDuration(window);
    if (events >= 1 && windowMs >= 1000 && windowMs <= MAX_WINDOW_MS) return { events, windowMs };
    context.addIssue(`must be ${RATE_FORM}`);
    return z.NEVER;
  })
  .register(VALUE_TYPES, { form: RATE_FORM });

/** A number of proxies in a row, or their addresses and networks. Never "all". */
export const proxies = z
  .string()
  .transform((given, context) => {
    if (given === "none") return [];
    if (/^[1-9]$/.test(given)) return Number(given);
    const networks = split.parse(given);
    if (networks.length > 0 && networks.every(isNetwork)) return networks;
    context.addIssue(
      "must be a number of proxies from 1 to 9, or addresses and networks such as 10.0.0.0/8",
    );
    return z.NEVER;
  })
  .register(VALUE_TYPES, {
    form: "a number from 1 to 9, or a list of addresses and networks, or none",
  });

/**
 * Private networks are not larger than 10.0.0.0/8 and fc00::/7, others not than a /16 of IPv6, which is a registry's. What
 * begins with seven zero bits could be all of IPv4, in one of its spellings as IPv6.
 */
function isNetwork(given: string): boolean {
  const [address = "", bits, ...rest] = given.split("/");
  if (rest.length > 0 || (!isIPv4(address) && !isIPv6(address))) return false;
  if (bits === undefined) return true;
  const [minBits, maxBits] = isIPv4(address) ? [8, 32] : [minBitsOf(address), 128];
  return /^\d{1,3}$/.test(bits) && Number(bits) >= minBits && Number(bits) <= maxBits;
}

function minBitsOf(ipv6: string): number {
  const firstGroup = Number.parseInt(ipv6, 16) || 0; // `::…` has none.
  if (firstGroup < 0x02_00) return Number.POSITIVE_INFINITY;
  return firstGroup >= 0xfc_00 && firstGroup < 0xfe_00 ? 7 : 16;
}

export const flag = z
  .enum(["true", "false"], "must be true or false")
  .transform((given) => given === "true")
  .register(VALUE_TYPES, { form: "true or false", json: z.boolean() });

export const choice = <const Values extends readonly string[]>(values: Values) =>
  z
    .enum(values, `must be one of ${values.join(", ")}`)
    .register(VALUE_TYPES, { form: `one of ${values.join(", ")}` });

const ALGORITHMS = "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519".split(" ");

export const algorithms = split
  .refine(
    (items) => items.length > 0 && items.every((item) => ALGORITHMS.includes(item)),
    `must list signature algorithms from ${ALGORITHMS.join(", ")}`,
  )
  .register(VALUE_TYPES, { form: `a list of ${ALGORITHMS.join(", ")}`, json: JSON_LIST });

export const tokenType = matching(/^[A-Za-z0-9.+/-]{1,64}$/, "a token type such as at+jwt, or any");

/** It goes into headers, queries and comparisons. */
export const word = matching(/^[\x21-\x7e]{1,512}$/, "printable ASCII without spaces");

const MAX_ISSUERS = 10;

/** The names of one login. */
export const issuers = split
  .refine(
    (items) => items.every((item) => word.safeParse(item).success),
    "must be printable ASCII without spaces",
  )
  .refine((items) => items.length <= MAX_ISSUERS, `must not list more than ${MAX_ISSUERS} issuers`)
  .refine((items) => new Set(items).size === items.length, "lists an issuer twice")
  .register(VALUE_TYPES, { form: "a list of printable ASCII without spaces", json: JSON_LIST });

export const clientName = matching(/^[\x20-\x7e]{1,255}$/, "printable ASCII");

/** User name of HTTP Basic, which a colon ends. Source: RFC 7617, section 2. */
export const basicUser = matching(
  /^[\x21-\x39\x3b-\x7e]{1,255}$/,
  "printable ASCII without spaces and colons",
);

export const guid = matching(
  /^[A-Za-z0-9_-]{1,255}$/,
  "letters, digits, - and _",
  "must have letters, digits, - and _ only",
);

/** Source: RFC 6265, section 4.1.1. */
export const cookieName = matching(
  /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/,
  "a cookie name",
  "must be a cookie name such as __Host-session",
);
