/** The result for one system: a verdict from a closed set, a message, and the next step. */

/** Each system, and what people call it. */
export const PARTIES = {
  issuer: "issuer's keys",
  platform_api: "Platform API",
  sso_api: "SSO API",
  mdx: "MDX Real Time",
  credential_lookup: "credential lookup",
  introspection: "introspection",
  session_check: "session check",
  redis: "Redis",
  egress_proxy: "proxy",
  certificate: "certificate",
  clock: "clock",
} as const;

export type Party = keyof typeof PARTIES;

/** Each verdict, and whether the service can work with it. docs/operations.md explains each. */
export const VERDICTS = {
  ok: "ok",
  /** Traffic to it is unencrypted, as ALLOW_HTTP_HOSTS allows. */
  plain_http: "warning",
  /** It refuses the key, the token or the password. */
  key_refused: "failed",
  client_refused: "failed",
  address_not_listed: "failed",
  /** MX's SSO API does not answer in either case. */
  key_or_address_refused: "failed",
  wrong_version: "failed",
  /** Another system answers there. */
  wrong_address: "failed",
  wrong_issuer: "failed",
  no_usable_key: "failed",
  /** It accepts a made-up login. */
  accepts_anything: "failed",
  /** Redis is run in another way than REDIS_MODE says. */
  wrong_mode: "failed",
  /** The sentinels have no primary of this name. */
  unknown_master: "failed",
  read_only: "failed",
  loading: "failed",
  out_of_memory: "failed",
  cannot_persist: "failed",
  rate_limited: "failed",
  unavailable: "failed",
  unexpected_answer: "failed",
  name_not_found: "failed",
  unreachable: "failed",
  no_answer: "failed",
  certificate_refused: "failed",
  /** The host asks for a client certificate, and there is none, or it takes another one. */
  client_certificate_missing: "failed",
  client_certificate_refused: "failed",
  proxy_refused: "failed",
  proxy_unreachable: "failed",
  /** One of our own. */
  certificate_expired: "failed",
  certificate_not_yet_valid: "failed",
  certificate_expires_soon: "warning",
  clock_off: "failed",
} as const satisfies Record<string, "ok" | "warning" | "failed">;

export type Verdict = keyof typeof VERDICTS;

/** Neither holds a secret, an id or a text of the party. */
export type Judgement = {
  verdict: Verdict;
  /** One sentence. */
  message: string;
  /** What to do about it; `undefined` if nothing is wrong. */
  next?: string;
};

export type Finding = Judgement & {
  party: Party;
  /** Host and port, or the path of a file: never credentials, never a query. */
  target: string;
  /** Where the party is one tenant's own. */
  tenant?: string | undefined;
};

/** Where a party is: a URL, or what may be shown of an address. */
export type Place = URL | string;

export function toTarget(place: Place): string {
  return typeof place === "string" ? place : place.host;
}
