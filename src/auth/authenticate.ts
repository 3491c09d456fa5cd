/**
 * The credential of a request -> Principal. One authenticator is responsible for it and decides; after a bad credential, no
 * other is tried.
 *
 * An `Authorization` header comes before any cookie, whatever is in it. Credentials may be as long as the headers that they
 * come in (http/server.ts): tokens with many groups have 12 kB.
 * Sources: RFC 9110, section 11.4 (credentials); RFC 6750, section 2.1 (never in the query); RFC 6265, sections 4.1.1 and
 * 4.2.1 (cookies).
 */

import { type AppError, authUnavailable, unauthenticated } from "../errors.ts";
import { createSecret } from "../secret.ts";
import { type Budget, MIN_CALL_MS } from "../session/budget.ts";
import type { Principal } from "../session/types.ts";
import { withTimeout } from "../upstream/limits.ts";

/**
 * Throws `unauthenticated`, `forbidden` for a valid login without a tenant, or `auth_unavailable` if the login cannot be
 * checked now. `timeoutMs` is how long the caller waits. Nothing is sent to the partner without enough time for the answer.
 */
export type Authenticator = (credential: string, timeoutMs: number) => Promise<Principal>;

/** What is undefined is not configured. */
type Authenticators = {
  jwt: Authenticator | undefined;
  introspection: Authenticator | undefined;
  /** Name of a cookie that holds a JWT. */
  tokenCookie: string | undefined;
  session: { cookie: string; authenticate: Authenticator } | undefined;
};

export type Authentication = {
  authenticate(headers: CredentialHeaders, budget: Budget): Promise<Principal>;
  /** Callers may be known by a cookie. */
  takesCookies: boolean;
  /** This one is. */
  isByCookie(headers: CredentialHeaders): boolean;
};

/** What is kept of the request's time for what follows: the limit per user, which may wait for Redis, and a call to MX. */
const RESERVED_MS = MIN_CALL_MS + 150;

export function createAuthentication(authenticators: Authenticators): Authentication {
  const { jwt, introspection, tokenCookie, session } = authenticators;
  const rules = {
    jwt: jwt !== undefined,
    introspection: introspection !== undefined,
    tokenCookie,
    sessionCookie: session?.cookie,
  };

  function verify(credential: Credential, timeoutMs: number): Promise<Principal> | undefined {
    switch (credential.kind) {
      case "jwt":
        return jwt?.(credential.token, timeoutMs);
      case "opaque":
        return introspection?.(credential.token, timeoutMs);
      case "session":
        return session?.authenticate(credential.cookies, timeoutMs);
    }
  }

  return {
    async authenticate(headers, budget) {
      const credential = findCredential(rules, headers);
      const timeoutMs = Math.max(0, budget.remainingMs() - RESERVED_MS);
      const verified = verify(credential, timeoutMs);
      if (!verified) throw new Error("a credential was found that nothing is configured for");
      const principal = await withTimeout(verified, timeoutMs, tooLate);
      if (budget.remainingMs() < MIN_CALL_MS) throw tooLate(); // The timer itself may be late.
      return credential.kind === "session"
        ? principal
        : { ...principal, token: createSecret(credential.token) };
    },
    takesCookies: tokenCookie !== undefined || session !== undefined,
    isByCookie: (headers) => hasCredentialCookie(rules, headers),
  };
}

/** The partner's login took the time that MX would have needed. MX was not called, so it is not the cause. */
function tooLate(): AppError {
  return authUnavailable({ reason: "deadline" });
}

export type CredentialHeaders = Readonly<{
  authorization?: string | undefined;
  cookie?: string | undefined;
}>;

export type CredentialRules = {
  /** Whether JWTs are verified here. */
  jwt: boolean;
  /** Whether the authorization server checks bearer tokens that are not JWTs. */
  introspection: boolean;
  /** Name of a cookie that holds a JWT. */
  tokenCookie: string | undefined;
  /** Name of the partner's own session cookie. */
  sessionCookie: string | undefined;
};

type Credential =
  | { kind: "jwt"; token: string }
  | { kind: "opaque"; token: string }
  /** A `Cookie` header of the session's cookies alone. */
  | { kind: "session"; cookies: string };

type Cookie = { name: string; value: string };

/** Throws `unauthenticated` if there is none, or no authenticator for it. */
export function findCredential(rules: CredentialRules, headers: CredentialHeaders): Credential {
  const { authorization, cookie } = headers;
  if (authorization !== undefined) return toBearerCredential(rules, authorization);
  const [token] = findTokenCookies(rules, cookie);
  if (token !== undefined) return { kind: "jwt", token: token.value };
  const session = findSessionCookies(rules, cookie);
  if (session.length === 0) throw unauthenticated("no_credential");
  return { kind: "session", cookies: session.map(toPair).join("; ") };
}

/** Whether a browser may have added the credential by itself, whichever page made the request. */
export function hasCredentialCookie(
  rules: CredentialRules,
  { authorization, cookie }: CredentialHeaders,
): boolean {
  return authorization === undefined && parseCookies(cookie).some(isCredentialOf(rules));
}

function toBearerCredential(rules: CredentialRules, authorization: string): Credential {
  const [, token] = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(authorization) ?? [];
  if (token === undefined) throw unauthenticated("scheme");
  if (rules.jwt && token.split(".").length === 3) return { kind: "jwt", token };
  if (rules.introspection) return { kind: "opaque", token };
  throw unauthenticated(rules.jwt ? "not_a_jwt" : "no_bearer_tokens_here");
}

function isCredentialOf(rules: CredentialRules) {
  return ({ name }: Cookie) => name === rules.tokenCookie || isOfSession(rules, name);
}

/**
 * The session's cookie, or one of its chunks: browsers take 4 kB per cookie, so frameworks cut longer ones into `name.0`
 * (Auth.js), `name_0` (oauth2-proxy), or `nameC1` (ASP.NET Core, where `name` itself says how many there are).
 */
function isOfSession({ sessionCookie }: CredentialRules, name: string): boolean {
  if (sessionCookie === undefined || !name.startsWith(sessionCookie)) return false;
  return /^([._C]\d{1,4})?$/.test(name.slice(sessionCookie.length));
}

function findTokenCookies({ tokenCookie }: CredentialRules, header: string | undefined): Cookie[] {
  return withoutRepeats(parseCookies(header).filter(({ name }) => name === tokenCookie));
}

function findSessionCookies(rules: CredentialRules, header: string | undefined): Cookie[] {
  return withoutRepeats(parseCookies(header).filter(({ name }) => isOfSession(rules, name)));
}

/** Names and values as they came, without what is not a pair of both. */
function parseCookies(header: string | undefined): Cookie[] {
  return (header ?? "").split(";").flatMap((text) => {
    const pair = stripBlanks(text);
    const end = pair.indexOf("=");
    return end < 0 ? [] : { name: pair.slice(0, end), value: pair.slice(end + 1) };
  });
}

/**
 * Another cookie of the same name was set for another path or by a neighbouring host. Which one is meant is unknown, unless
 * their values are the same.
 */
function withoutRepeats(cookies: readonly Cookie[]): Cookie[] {
  const byName = new Map(cookies.map((cookie) => [cookie.name, cookie]));
  for (const { name, value } of cookies) {
    if (byName.get(name)?.value !== value) throw unauthenticated("cookie_twice");
    if (!COOKIE_VALUE.test(value)) throw unauthenticated("cookie_value");
  }
  return [...byName.values()];
}

const COOKIE_VALUE = /^("?)[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+\1$/;

function toPair({ name, value }: Cookie): string {
  return `${name}=${value}`;
}

/**
 * Takes off SP and HTAB, and no more: `trim()` would also take off 0xA0 and others, and so find a cookie of our name where
 * a neighbouring host was allowed to set one of another name. Source: RFC 9110, section 5.6.3.
 */
function stripBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (isBlank(text[start])) start += 1;
  while (end > start && isBlank(text[end - 1])) end -= 1;
  return text.slice(start, end);
}

function isBlank(character: string | undefined): boolean {
  return character === " " || character === "\t";
}
