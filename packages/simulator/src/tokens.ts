/** The identity provider's tokens: what stands in them, and for whom it has issued them. */

import type { DemoUsers } from "./demo-users.ts";
import { createSigningKey, type KeyRing } from "./signing-key.ts";

export type TokenOptions = {
  /** In every token, besides. Default: none. */
  claims?: Readonly<Record<string, unknown>> | undefined;
  /** Whether tokens hold the profile, too; userinfo always does. Default: true. */
  profileInTokens?: boolean | undefined;
  /** Default: "mx-session-bff". */
  audience?: string | undefined;
  /** Milliseconds since the epoch. Default: Date.now. */
  now?: (() => number) | undefined;
};

export type TokenOverrides = {
  /** Claims to add or replace; `undefined` removes one. */
  claims?: Readonly<Record<string, unknown>> | undefined;
  /** Header parameters to add or replace; `undefined` removes one. The token is signed as ever. */
  header?: Readonly<Record<string, unknown>> | undefined;
  /** Signs with a key that was never published, under the id of the one that was. */
  foreignKey?: boolean | undefined;
};

export type Tokens = {
  /** A signed token. Userinfo knows it, unless a foreign key has signed it. */
  issue(subject: string, overrides?: TokenOverrides): Promise<string>;
  accept(token: string, subject: string): void;
  subjectOf(token: string): string | undefined;
};

export const TOKEN_LIFETIME_SECONDS = 300;
/** That userinfo remembers. */
const MAX_TOKENS = 10_000;

export function createTokens(
  issuer: string,
  users: DemoUsers,
  keys: KeyRing,
  options: TokenOptions,
): Tokens {
  const { audience = "mx-session-bff", claims: extra = {}, now = Date.now } = options;
  const { profileInTokens = true } = options;
  const subjects = new Map<string, string>();

  function accept(token: string, subject: string): void {
    if (subjects.size >= MAX_TOKENS) subjects.clear();
    subjects.set(token, subject);
  }

  async function issue(subject: string, overrides: TokenOverrides = {}): Promise<string> {
    const key = keys.current;
    const iat = Math.floor(now() / 1000);
    const exp = iat + TOKEN_LIFETIME_SECONDS;
    const profile = profileInTokens ? profileOf(users, subject) : {};
    const claims = { iss: issuer, sub: subject, aud: audience, iat, exp, ...extra, ...profile };
    const header = { alg: key.algorithm, typ: "JWT", kid: key.id };
    const signer = overrides.foreignKey ? await createSigningKey(key.algorithm) : key;
    // What is overridden with `undefined` does not get into JSON.
    const all = { ...claims, ...overrides.claims };
    const token = await signer.sign({ ...header, ...overrides.header }, all);
    if (!overrides.foreignKey) accept(token, String(all.sub));
    return token;
  }

  return { issue, accept, subjectOf: (token) => subjects.get(token) };
}

export function profileOf(users: DemoUsers, subject: string): Readonly<Record<string, unknown>> {
  return (Object.hasOwn(users, subject) && users[subject]) || {};
}
