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
export type Authenticators = {
  jwt: Authenticator | undefined;
  introspection: Authenticator | undefined;
  /** Name of a cookie that holds a JWT. */
  tokenCookie: string | undefined;
  session: { cookie: string; authenticate: Authenticator } | undefined;
};

export type Authentication = ReturnType<typeof createAuthentication>;

/** What is kept of the request's time for what follows: the limit per user, which may wait for Redis, and a call to MX. */
const RESERVED_MS = MIN_CALL_MS + 150;

export function createAuthentication(authenticators: Authenticators) {
  const { tokenCookie, session } = authenticators;
  return {
    async authenticate(headers: CredentialHeaders, budget: Budget): Promise<Principal> {
      const { authenticate, text, isToken } = findCredential(authenticators, headers);
      const timeoutMs = Math.max(0, budget.remainingMs() - RESERVED_MS);
      const principal = await withTimeout(authenticate(text, timeoutMs), timeoutMs, tooLate);
      if (budget.remainingMs() < MIN_CALL_MS) throw tooLate(); // The timer itself may be late.
      return isToken ? { ...principal, token: createSecret(text) } : principal;
    },
    /** Callers may be known by a cookie. */
    takesCookies: tokenCookie !== undefined || session !== undefined,
    /** This one is: a browser may have added the credential by itself, whichever page made the request. */
    isByCookie: ({ authorization, cookie }: CredentialHeaders) =>
      authorization === undefined &&
      parseCookies(cookie).some(({ name }) => name === tokenCookie || isOfSession(session, name)),
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

type Credential = {
  authenticate: Authenticator;
  /** A token, or a `Cookie` header of the session's cookies alone. */
  text: string;
  isToken: boolean;
};

type Cookie = { name: string; value: string };

/** Throws `unauthenticated` if there is none, or no authenticator for it. */
export function findCredential(
  authenticators: Authenticators,
  { authorization, cookie }: CredentialHeaders,
): Credential {
  if (authorization !== undefined) return toBearerCredential(authenticators, authorization);
  const { jwt, tokenCookie, session } = authenticators;
  const cookies = parseCookies(cookie);
  const [token] = withoutRepeats(cookies.filter(({ name }) => name === tokenCookie));
  if (jwt && token) return { authenticate: jwt, text: token.value, isToken: true };
  const ofSession = withoutRepeats(cookies.filter(({ name }) => isOfSession(session, name)));
  if (!session || ofSession.length === 0) throw unauthenticated("no_credential");
  const text = ofSession.map(({ name, value }) => `${name}=${value}`).join("; ");
  return { authenticate: session.authenticate, text, isToken: false };
}

function toBearerCredential(
  { jwt, introspection }: Authenticators,
  authorization: string,
): Credential {
  const [, text] = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(authorization) ?? [];
  if (text === undefined) throw unauthenticated("scheme");
  if (jwt && text.split(".").length === 3) return { authenticate: jwt, text, isToken: true };
  if (introspection) return { authenticate: introspection, text, isToken: true };
  throw unauthenticated(jwt ? "not_a_jwt" : "no_bearer_tokens_here");
}

/**
 * The session's cookie, or one of its chunks: browsers take 4 kB per cookie, so frameworks cut longer ones into `name.0`
 * (Auth.js), `name_0` (oauth2-proxy), or `nameC1` (ASP.NET Core, where `name` itself says how many there are).
 */
function isOfSession(session: Authenticators["session"], name: string): boolean {
  if (!session || !name.startsWith(session.cookie)) return false;
  return /^([._C]\d{1,4})?$/.test(name.slice(session.cookie.length));
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
