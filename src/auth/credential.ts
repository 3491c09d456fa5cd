/**
 * The credential that a request brings, and which authenticator is responsible for it.
 *
 * The one that is present decides alone: an `Authorization` header before any cookie, whatever is in it.
 * Credentials may be as long as the headers that they come in (http/server.ts): tokens with many groups have 12 kB.
 * Sources: RFC 9110, section 11.4 (credentials); RFC 6750, section 2.1 (never in the query); RFC 6265, sections 4.1.1 and
 * 4.2.1 (cookies).
 */

import { unauthenticated } from "./refusals.ts";

export type CredentialHeaders = Readonly<{
  authorization?: string | undefined;
  cookie?: string | undefined;
}>;

export type CredentialRules = {
  /** Whether JWTs are verified here. */
  jwt: boolean;
  /** Whether the authorization server is asked about bearer tokens that are not. */
  introspection: boolean;
  /** Name of a cookie that holds a JWT. */
  tokenCookie: string | undefined;
  /** Name of the partner's own session cookie. */
  sessionCookie: string | undefined;
};

export type Credential =
  | { kind: "jwt"; token: string }
  | { kind: "opaque"; token: string }
  | { kind: "session"; value: string };

/** Throws `unauthenticated` if there is none, or one that nothing here can judge. */
export function findCredential(rules: CredentialRules, headers: CredentialHeaders): Credential {
  const { authorization, cookie } = headers;
  if (authorization !== undefined) return toBearerCredential(rules, authorization);
  const tokens = findCookies(cookie, rules.tokenCookie);
  if (tokens.length > 0) return { kind: "jwt", token: onlyOne(tokens) };
  const sessions = findCookies(cookie, rules.sessionCookie);
  if (sessions.length > 0) return { kind: "session", value: onlyOne(sessions) };
  throw unauthenticated("no_credential");
}

/** Whether a browser may have added the credential by itself, whichever page made the request. */
export function hasCredentialCookie(
  rules: CredentialRules,
  { authorization, cookie }: CredentialHeaders,
): boolean {
  const names = [rules.tokenCookie, rules.sessionCookie];
  return authorization === undefined && names.some((name) => findCookies(cookie, name).length > 0);
}

function toBearerCredential(rules: CredentialRules, authorization: string): Credential {
  const [, token] = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(authorization) ?? [];
  if (token === undefined) throw unauthenticated("scheme");
  if (rules.jwt && token.split(".").length === 3) return { kind: "jwt", token };
  if (rules.introspection) return { kind: "opaque", token };
  throw unauthenticated(rules.jwt ? "not_a_jwt" : "no_bearer_tokens_here");
}

/** The values of all cookies of exactly this name, as they came. */
function findCookies(header: string | undefined, name: string | undefined): string[] {
  if (header === undefined || name === undefined) return [];
  return header
    .split(";")
    .map(stripBlanks)
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
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

/** A second cookie of the name was set for another path or by a neighbouring host: nobody can say which one is meant. */
function onlyOne([value = "", ...others]: readonly string[]): string {
  if (others.length > 0) throw unauthenticated("cookie_twice");
  if (!COOKIE_VALUE.test(value)) throw unauthenticated("cookie_value");
  return value;
}

const COOKIE_VALUE = /^("?)[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+\1$/;
