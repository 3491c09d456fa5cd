/**
 * What an operator decides, where more than one room acts on it. Configuration builds these records; `auth` and `rate-limit`
 * take them as they are.
 */

/** Where an issuer's public keys come from. */
export type KeySource =
  /** It may lead to these hosts over plain http. */
  | { kind: "discovery"; httpHosts: readonly string[] }
  | { kind: "url"; url: URL }
  | { kind: "file"; path: string };

/** The claim that a tenant's tokens have, compared by type and value. */
export type ClaimRule = Readonly<{ name: string; value: string | number }>;

export type RateLimit = { events: number; windowMs: number };
