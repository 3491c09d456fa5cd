/**
 * Each environment variable by itself: its type, its default, and what is wrong with a value, in words.
 *
 * Lists are comma-separated, booleans `true` or `false`, durations `8s` or `250ms`. An empty variable counts as unset.
 * Secrets can come as `NAME_FILE`, a path to a file with the value; one line break at its end is dropped.
 */

import { isIPv4, isIPv6 } from "node:net";
import * as z from "zod";
import { createSecret } from "../secret.ts";
import { WIDGET_TYPES, WidgetOptions } from "../session/widget-options.ts";
import { findAddressProblem, findUpstreamProblem, isLoopback } from "../upstream/upstream-url.ts";
import type { ConfigFault } from "./faults.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

const list = z.string().transform((text) =>
  text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== ""),
);

const port = z
  .string()
  .regex(/^\d{1,5}$/, "must be a port from 0 to 65535")
  .transform(Number)
  .refine((number) => number <= 65_535, "must be a port from 0 to 65535");

const count = (min: number, max: number) =>
  z
    .string()
    .transform((text) => (/^\d{1,9}$/.test(text) ? Number(text) : Number.NaN))
    .refine(
      (number) => number >= min && number <= max,
      `must be a whole number from ${min} to ${max}`,
    );

/** In milliseconds. */
const duration = (min: number, max: number) =>
  z
    .string()
    .transform((text) => {
      const [, number, unit] = /^(\d{1,9})(ms|s|m)$/.exec(text) ?? [];
      return number && unit
        ? Number(number) * { ms: 1, s: 1000, m: 60_000 }[unit as "ms"]
        : Number.NaN;
    })
    .refine(
      (ms) => ms >= min && ms <= max,
      `must be a duration such as 8s or 250ms, from ${min}ms to ${max / 1000}s`,
    );

/** Events per window, or `undefined` for off. */
const rate = z.string().transform((text, context) => {
  if (text === "off") return undefined;
  const [, events, number, unit] = /^([1-9]\d{0,5})\/([1-9]\d{0,4})(s|m|h)$/.exec(text) ?? [];
  if (events && number && unit) {
    return {
      events: Number(events),
      windowMs: Number(number) * { s: 1000, m: 60_000, h: 3_600_000 }[unit as "s"],
    };
  }
  context.addIssue({ code: "custom", message: "must be a rate such as 60/1m, or off" });
  return z.NEVER;
});

/** A number of proxies in a row, or their addresses and networks. Never "all". */
const proxies = z.string().transform((text, context) => {
  if (text === "none") return [];
  if (/^[1-9]$/.test(text)) return Number(text);
  const networks = list.parse(text);
  if (networks.length > 0 && networks.every(isNetwork)) return networks;
  context.addIssue({
    code: "custom",
    message:
      "must be a number of proxies from 1 to 9, or addresses and networks such as 10.0.0.0/8",
  });
  return z.NEVER;
});

/** Private networks are not larger than 10.0.0.0/8 and fc00::/7; `::…` in bits could be all of IPv4. */
function isNetwork(text: string): boolean {
  const [address = "", bits, ...rest] = text.split("/");
  const [minBits, maxBits] = isIPv4(address) ? [8, 32] : [7, 128];
  if (rest.length > 0 || (!isIPv4(address) && !isIPv6(address))) return false;
  if (bits === undefined) return true;
  if (!/^\d{1,3}$/.test(bits) || address.startsWith("::")) return false;
  return Number(bits) >= minBits && Number(bits) <= maxBits;
}

const flag = z
  .enum(["true", "false"], "must be true or false")
  .transform((text) => text === "true");

const choice = <const Values extends readonly string[]>(values: Values) =>
  z.enum(values, `must be one of ${values.join(", ")}`);

/** An upstream: https, or http on loopback; no credentials, no fragment. */
const upstream = z.string().transform((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const problem = url ? findUpstreamProblem(url) : "must be a URL";
  if (!url || problem) {
    context.addIssue({ code: "custom", message: problem ?? "" });
    return z.NEVER;
  }
  return url;
});

/** One that paths and queries are added to. */
const baseUrl = upstream.refine((url) => url.search === "", "must not have a query");

/** It may hold credentials, so it is kept as a secret. */
const secretUrl = (protocol: RegExp, message: string) =>
  z
    .string()
    .refine((text) => URL.canParse(text) && protocol.test(new URL(text).protocol), message)
    .refine(
      (text) => !URL.canParse(text) || !findAddressProblem(new URL(text)),
      "must not be a link-local or cloud metadata address",
    )
    .transform(createSecret);

const redisUrl = secretUrl(/^rediss?:$/, "must be a redis or rediss URL");

/** A forward proxy. */
const proxy = secretUrl(/^https?:$/, "must be an http or https URL");

const origins = list
  .refine(
    (items) =>
      items.every(
        (item) =>
          /^https?:\/\//.test(item) &&
          URL.canParse(item) &&
          new URL(item).origin === item &&
          !item.includes("*"),
      ),
    "must list exact origins such as https://app.example.com, without a path and without wildcards",
  )
  .refine(
    (items) => items.every((item) => !item.startsWith("http:") || isLocalName(new URL(item))),
    "must be https: what comes by plain http can be changed on its way (http only on loopback)",
  );

/** Loopback, and names that no public host can have. Source: RFC 6761, section 6. */
function isLocalName({ hostname }: URL): boolean {
  return isLoopback(hostname) || /\.(localhost|test)$/.test(hostname);
}

/** What an app cannot have for its own. */
const UNSAFE_SCHEMES = new Set(
  "javascript data blob file vbscript about http https ws wss ftp".split(" "),
);

/** Compared, and sent to MX, as `new URL(...).href` writes them. */
const redirects = list
  .refine(
    (items) =>
      items.every(
        (item) =>
          /^[\x21-\x7e]+$/.test(item) &&
          !item.includes("*") &&
          URL.canParse(item) &&
          isSafeRedirect(new URL(item)),
      ),
    "must list https URLs or URLs of app schemes such as myapp://done, whole and without wildcards",
  )
  .transform((items) => items.map((item) => new URL(item).href));

function isSafeRedirect(url: URL): boolean {
  if (url.username || url.password) return false;
  if (url.protocol === "http:") return isLoopback(url.hostname);
  return url.protocol === "https:" || !UNSAFE_SCHEMES.has(url.protocol.slice(0, -1));
}

const schemes = list
  .transform((items) => items.map((item) => item.toLowerCase()))
  .refine(
    (items) => items.every((item) => /^[a-z][a-z0-9+.-]*$/.test(item) && !UNSAFE_SCHEMES.has(item)),
    "must list app schemes such as mx or myapp, without the colon",
  );

const widgetTypes = list.refine(
  (items) => items.length > 0 && items.every((item) => /^[a-z][a-z0-9_]{0,63}$/.test(item)),
  "must list widget types such as connect_widget",
);

/** A JSON object of MX's options. */
const options = z.string().transform((text, context) => {
  const parsed = PolicyOptions.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.code === "unrecognized_keys" ? issue.keys[0] : issue?.path[0];
  const name =
    typeof where === "string" && where in PolicyOptions.shape ? `, wrong at ${where}` : "";
  context.addIssue({
    code: "custom",
    message: `must be a JSON object of MX's widget options${name}`,
  });
  return z.NEVER;
});

const PolicyOptions = WidgetOptions.extend({
  widget_type: z.string().optional(),
  client_redirect_url: z
    .string()
    .refine((text) => redirects.safeParse(text).success)
    .optional(),
  ui_message_webview_url_scheme: z
    .string()
    .refine((text) => schemes.safeParse(text).success)
    .optional(),
});

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];

const algorithms = list.refine(
  (items) => items.length > 0 && items.every((item) => ALGORITHMS.includes(item)),
  `must list signature algorithms out of ${ALGORITHMS.join(", ")}`,
);

/** Printable ASCII without white space: it goes into headers, queries and comparisons. */
const word = z.string().regex(/^[\x21-\x7e]{1,512}$/, "must be printable ASCII without spaces");

/** Source: RFC 6265, section 4.1.1. */
const cookieName = z
  .string()
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/, "must be a cookie name such as __Host-session");

/** HMAC keys of our own making: long, and not a few characters or one word again and again. */
const strongSecret = z
  .string()
  .min(32, "must have at least 32 characters; for example from: openssl rand -base64 48")
  .max(4096, "is too long")
  .refine(
    (text) => new Set(text).size >= 10 && !/^(.{1,12}?)\1+.{0,11}$/s.test(text),
    "can be guessed; make one with: openssl rand -base64 48",
  )
  .transform(createSecret);

/** What documents, templates and slips of a program have where a key belongs. */
const PLACEHOLDER =
  /^(<.*>|\{\{.*\}\}|\$\{.*\}|[.…*]+|x{3,}|(change|replace)[ _-]?(me|this|it)|your[ _-].*|placeholder|todo|null|undefined)$/i;

const isReal = (text: string) => !PLACEHOLDER.test(text.trim());

const secret = z
  .string()
  .regex(/^[^\p{Cc}]{1,4096}$/u, "must be one line")
  .refine((text) => text.trim() !== "", "must not be blank")
  .refine(isReal, "is a placeholder; put in the real one")
  .transform(createSecret);

/** A bearer token of our own making, which opens every user's credentials. */
const ownToken = word
  .min(12, "must have at least 12 characters; for example from: openssl rand -base64 48")
  .refine(
    (text) => isReal(text) && new Set(text).size >= 6,
    "can be guessed; make one with: openssl rand -base64 48",
  )
  .transform(createSecret);

const VARIABLES = {
  HOST: z.string().default("0.0.0.0"),
  PORT: port.default(3000),
  OPERATIONS_PORT: port.default(9090),
  LOG_LEVEL: choice(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
  CORS_ORIGINS: origins.default([]),
  TRUSTED_PROXIES: proxies.default([]),
  AUDIT_KEY: strongSecret.optional(),
  TRACE_PROPAGATION: flag.default(false),

  AUTH_ISSUER: word.optional(),
  AUTH_AUDIENCE: list
    .refine((items) => items.length > 0, "must name at least one audience")
    .optional(),
  AUTH_JWKS_URL: upstream.optional(),
  AUTH_JWKS_FILE: z.string().optional(),
  AUTH_ALGORITHMS: algorithms.default(["RS256", "PS256", "ES256", "EdDSA"]),
  AUTH_TOKEN_TYPE: z
    .string()
    .regex(/^[A-Za-z0-9.+/-]{1,64}$/, "must be a token type such as at+jwt, or any")
    .default("any"),
  AUTH_JWT: flag.default(true),
  AUTH_COOKIE: cookieName.optional(),
  AUTH_INTROSPECTION_URL: upstream.optional(),
  AUTH_INTROSPECTION_CLIENT_ID: z
    .string()
    .regex(/^[\x20-\x7e]{1,255}$/, "must be printable ASCII")
    .optional(),
  AUTH_INTROSPECTION_CLIENT_SECRET: secret.optional(),
  AUTH_INTROSPECTION_REQUIRE_AUDIENCE: flag.default(true),
  AUTH_SESSION_CHECK_URL: upstream.optional(),
  AUTH_SESSION_COOKIE: cookieName.optional(),

  TENANTS_FILE: z.string().optional(),
  USER_ID_CLAIM: z.string().max(255, "is too long").default("sub"),
  USER_ID_MODE: choice(["claim", "hmac"]).default("claim"),
  USER_ID_SECRET: strongSecret.optional(),

  MX_ENVIRONMENT: choice(["integration", "production"]).default("integration"),
  MX_PLATFORM_BASE_URL: baseUrl.optional(),
  MX_PLATFORM_CLIENT_ID: z
    .string()
    .regex(/^[\x21-\x39\x3b-\x7e]{1,255}$/, "must be printable ASCII without spaces and colons")
    .optional(),
  MX_PLATFORM_API_KEY: secret.optional(),
  MX_PLATFORM_VERSION: choice(["v20250224", "v20111101"]).default("v20250224"),
  MX_SSO_BASE_URL: baseUrl.optional(),
  MX_SSO_API_KEY: secret.optional(),
  MX_SSO_CLIENT_GUID: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,255}$/, "must have letters, digits, - and _ only")
    .optional(),
  MX_CONNECTIONS: count(1, 2000).default(100),

  MEMBER_CREDENTIALS: choice(["none", "claim", "derived", "lookup"]).default("none"),
  MEMBER_USERKEY_CLAIM: z.string().max(255, "is too long").optional(),
  MEMBER_USERKEY_EXPIRES: flag.default(false),
  MEMBER_USERKEY_SECRET: strongSecret.optional(),
  MEMBER_LOOKUP_URL: upstream.optional(),
  MEMBER_LOOKUP_TOKEN: ownToken.optional(),

  WIDGET_TYPES: widgetTypes.default([...WIDGET_TYPES]),
  WIDGET_DEFAULTS: options.default({}),
  WIDGET_FORCED: options.default({}),
  CLIENT_REDIRECT_URLS: redirects.default([]),
  WEBVIEW_SCHEMES: schemes.default(["mx"]),
  WIDGET_URL_ORIGINS: origins.default([]),
  ALLOW_CALLBACK_PAYLOAD: flag.default(false),

  HTTPS_PROXY: proxy.optional(),
  NO_PROXY: z.string().max(4096, "is too long").default(""),

  REQUEST_DEADLINE: duration(1000, 60_000).default(8000),
  MAX_IN_FLIGHT: count(1, 100_000).default(200),
  DRAIN_DELAY: duration(0, 60_000).default(5000),
  RATE_LIMIT_USER: rate.prefault("60/1m"),
  RATE_LIMIT_ADDRESS: rate.optional(),
  RATE_LIMIT_FAILURES: rate.optional(),
  REDIS_URL: redisUrl.optional(),
} as const;

export const VARIABLE_NAMES = Object.keys(VARIABLES);

/** Those that can also be given as `NAME_FILE`. */
export const SECRET_NAMES = [
  "AUDIT_KEY",
  "AUTH_INTROSPECTION_CLIENT_SECRET",
  "USER_ID_SECRET",
  "MX_PLATFORM_API_KEY",
  "MX_SSO_API_KEY",
  "MEMBER_USERKEY_SECRET",
  "MEMBER_LOOKUP_TOKEN",
  "HTTPS_PROXY",
  "REDIS_URL",
] as const;

export function isKnown(name: string): boolean {
  const secret = name.replace(/_FILE$/, "");
  return VARIABLE_NAMES.includes(name) || SECRET_NAMES.some((known) => known === secret);
}

/** The others belong to the process, however many tenants it has. */
export function isOfTenant(name: string): boolean {
  return /^(AUTH|USER_ID|MX|MEMBER|WIDGET|CLIENT_REDIRECT|WEBVIEW|CORS|ALLOW_CALLBACK)_/.test(name);
}

/** What such a login proves belongs to one tenant by configuration. */
export function needsSingleTenant(name: string): boolean {
  return /^AUTH_(COOKIE|INTROSPECTION|JWT$|SESSION)/.test(name);
}

export type Variables = { [Name in keyof typeof VARIABLES]: z.infer<(typeof VARIABLES)[Name]> };

/** Faulty variables have their default, or nothing, so that the others can still be checked. */
export function readVariables(
  environment: Environment,
  readFile: (path: string) => string,
): { variables: Variables; faults: ConfigFault[] } {
  const faults: ConfigFault[] = [];
  const values = Object.entries(VARIABLES).map(([variable, schema]) => {
    const text = readText(variable, environment, readFile, faults);
    const parsed = schema.safeParse(text);
    if (parsed.success) return [variable, parsed.data];
    faults.push({ variable, message: parsed.error.issues[0]?.message ?? "is not valid" });
    return [variable, schema.safeParse(undefined).data];
  });
  return { variables: Object.fromEntries(values), faults };
}

function readText(
  variable: string,
  environment: Environment,
  readFile: (path: string) => string,
  faults: ConfigFault[],
): string | undefined {
  const text = environment[variable] || undefined;
  const fileVariable = `${variable}_FILE`;
  const path = SECRET_NAMES.some((name) => name === variable)
    ? environment[fileVariable]
    : undefined;
  if (!path) return text;
  if (text) {
    faults.push({ variable: fileVariable, message: `and ${variable} exclude each other` });
    return text;
  }
  try {
    const content = readFile(path).replace(/\r?\n$/, "");
    if (content !== "") return content;
    faults.push({ variable: fileVariable, message: "names an empty file" });
  } catch {
    faults.push({ variable: fileVariable, message: "names a file that cannot be read" });
  }
  return undefined;
}
