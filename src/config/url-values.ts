/** The types of values that hold URLs, origins or widget options; otherwise as values.ts. */

import { isIPv4 } from "node:net";
import * as z from "zod";
import { createSecret } from "../secret.ts";
import { WidgetOptions } from "../session/widget-options.ts";
import { parseJson } from "../text.ts";
import { findAddressProblem, findUpstreamProblem, isLoopback } from "../upstream/upstream-url.ts";
import { parseRedisUrl } from "./redis-url.ts";
import { JSON_LIST, matching, split, textUpTo, VALUE_TYPES } from "./values.ts";

const url = (findProblem: (parsed: URL) => string | undefined) =>
  z.string().transform((text, context) => {
    const parsed = URL.canParse(text) ? new URL(text) : undefined;
    const problem = parsed ? findProblem(parsed) : "must be a URL";
    if (problem) context.addIssue(problem);
    return parsed ?? z.NEVER;
  });

/** One of the partner's own systems. Whether it may be http depends on ALLOW_HTTP_HOSTS: see process.ts. */
export const upstream = url((parsed) => findUpstreamProblem(parsed, [parsed.hostname])).register(
  VALUE_TYPES,
  { form: "an https URL (http only on loopback and at `ALLOW_HTTP_HOSTS`)" },
);

/** Inside of the network of the operator, so it may be plain http. Credentials go into OTEL_EXPORTER_OTLP_HEADERS. */
export const collector = url((parsed) => {
  const { protocol, username, password, search, hash } = parsed;
  if (!/^https?:$/.test(protocol)) return "must be an http or https URL";
  if (username || password) return "must not contain credentials: use OTEL_EXPORTER_OTLP_HEADERS";
  return search || hash ? "must have no query and no fragment" : findAddressProblem(parsed);
}).register(VALUE_TYPES, { form: "an http or https URL" });

/** MX's, which paths and queries are added to. */
export const baseUrl = url((parsed) => findUpstreamProblem(parsed))
  .refine(({ search }) => search === "", "must not have a query")
  .register(VALUE_TYPES, { form: "an https URL (http only on loopback) without a query" });

/** Names that no public host can have, in lower case, with a port where they have one. */
export const httpHosts = split
  .transform((items) => items.map((item) => item.toLowerCase()))
  .refine(
    (items) => items.every(isInternalHost),
    "must list exact host names inside the cluster, such as keycloak or keycloak:8080: without a dot, or ending in .svc, .cluster.local, .internal or .local; no addresses, no wildcards, no URLs",
  )
  .register(VALUE_TYPES, { form: "a list of host names, each with a port or without" });

function isInternalHost(item: string): boolean {
  const [, host = "", port] = /^([a-z0-9_.-]+)(?::([1-9]\d{0,4}))?$/.exec(item) ?? [];
  if (!host.split(".").every((label) => /^\w(?:[\w-]*\w)?$/.test(label))) return false;
  if (!URL.canParse(`http://${host}`) || Number(port ?? 1) > 65_535) return false;
  const parsed = new URL(`http://${host}`);
  if (parsed.hostname !== host || isIPv4(host) || findAddressProblem(parsed)) return false;
  return !host.includes(".") || /\.(svc|cluster\.local|internal|local)$/.test(host);
}

/** It may hold credentials, so it is kept as a secret. */
const secretUrl = (form: string, findProblem: (text: string) => string | undefined) =>
  z
    .string()
    .superRefine((text, context) => {
      const problem = findProblem(text);
      if (problem) context.addIssue(problem);
    })
    .transform(createSecret)
    .register(VALUE_TYPES, { form });

/** Several, too; what they have to have in common is checked in process.ts. */
export const redisUrl = secretUrl("a redis, rediss or unix URL, or several", (text) => {
  const address = parseRedisUrl(text);
  return typeof address === "string" ? address : undefined;
});

/** A forward proxy. */
export const proxy = secretUrl("an http or https URL", (text) => {
  const isHttp = URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
  return isHttp ? findAddressProblem(new URL(text)) : "must be an http or https URL";
});

/** Source: Redis, `sentinel monitor`. */
export const masterName = matching(
  /^[\w.-]{1,128}$/,
  "letters, digits, dots, - and _",
  "must have letters, digits, dots, - and _ only",
);

export const noProxy = textUpTo(4096, "a list of hosts");

/** `findProblem`: what is wrong with one entry. */
const originList = (findProblem: (item: string) => string | undefined) =>
  split
    .superRefine((items, context) => {
      const at = items.findIndex((item) => findProblem(item) !== undefined);
      const item = items[at];
      if (item === undefined) return;
      context.addIssue(`has a bad entry, number ${at + 1}${toHint(item)}: it ${findProblem(item)}`);
    })
    .register(VALUE_TYPES, {
      form: "a list of exact origins such as https://app.example.com",
      json: JSON_LIST,
    });

export const origins = originList(findOriginProblem);

/** Of pages, and of apps that show their pages under a scheme of their own. */
export const pageOrigins = originList((item) =>
  isAppOrigin(item) ? undefined : findOriginProblem(item),
);

function findOriginProblem(item: string): string | undefined {
  const origin = /^https?:\/\//.test(item) && URL.canParse(item) ? new URL(item).origin : "";
  if (origin !== item || item.includes("*"))
    return "must be an exact origin such as https://app.example.com, without a path or final slash and without wildcards";
  if (item.startsWith("http:") && !isLocalName(new URL(item)))
    return "must be https: plain http can be changed in transit (http only on loopback)";
  return undefined;
}

/** The host, if it is a URL. The rest of a value is never shown. */
function toHint(item: string): string {
  const host = URL.canParse(item) ? new URL(item).host : "";
  return host === "" ? "" : ` (${host})`;
}

/** Scheme, host and port. `new URL` knows no origin of such a scheme. */
function isAppOrigin(item: string): boolean {
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\/[A-Za-z0-9._-]+(?::\d{1,5})?$/.exec(item) ?? [];
  return scheme !== undefined && !UNSAFE_SCHEMES.has(scheme);
}

/** In front of all routes. Nothing that a router, a proxy or a browser could read in another way. */
export const basePath = matching(
  /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]+)+$/,
  "a path such as /mx",
  "must be a path such as /mx: letters, digits, - . _ ~ and /, without a final slash and without dot segments",
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
export const redirects = split
  .refine(
    (items) => items.every(isSafeRedirect),
    "must list https URLs or URLs of app schemes such as myapp://done, whole and without wildcards",
  )
  .transform((items) => items.map((item) => new URL(item).href))
  .register(VALUE_TYPES, { form: "a list of https URLs and URLs of app schemes", json: JSON_LIST });

function isSafeRedirect(item: string): boolean {
  if (!/^[\x21-\x7e]+$/.test(item) || item.includes("*") || !URL.canParse(item)) return false;
  const { username, password, protocol, hostname } = new URL(item);
  if (username || password) return false;
  if (protocol === "http:") return isLoopback(hostname);
  return protocol === "https:" || !UNSAFE_SCHEMES.has(protocol.slice(0, -1));
}

export const schemes = split
  .transform((items) => items.map((item) => item.toLowerCase()))
  .refine(
    (items) => items.every((item) => /^[a-z][a-z0-9+.-]*$/.test(item) && !UNSAFE_SCHEMES.has(item)),
    "must list app schemes such as mx or myapp, without the colon",
  )
  .register(VALUE_TYPES, { form: "a list of app schemes", json: JSON_LIST });

export const widgetTypes = split
  .refine(
    (items) => items.length > 0 && items.every((item) => /^[a-z][a-z0-9_]{0,63}$/.test(item)),
    "must list widget types such as connect_widget",
  )
  .register(VALUE_TYPES, { form: "a list of widget types", json: JSON_LIST });

const fits = (type: z.ZodType) => z.string().refine((given) => type.safeParse(given).success);

const PolicyOptions = WidgetOptions.extend({
  widget_type: z.string(),
  client_redirect_url: fits(redirects),
  ui_message_webview_url_scheme: fits(schemes),
}).partial();

/** A JSON object of MX's options. */
export const options = z
  .string()
  .transform((text, context) => {
    const parsed = PolicyOptions.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    const where = issue?.code === "unrecognized_keys" ? issue.keys[0] : issue?.path[0];
    const name =
      typeof where === "string" && where in PolicyOptions.shape ? `, wrong at ${where}` : "";
    context.addIssue(`must be a JSON object of MX's widget options${name}`);
    return z.NEVER;
  })
  .register(VALUE_TYPES, { form: "a JSON object of MX's widget options", json: PolicyOptions });
