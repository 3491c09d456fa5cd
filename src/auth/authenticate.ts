/**
 * A request's credential -> Principal. The one authenticator that is responsible for it decides; a bad credential is never
 * followed by another.
 */

import { type AppError, authUnavailable } from "../errors.ts";
import { createSecret } from "../secret.ts";
import { type Budget, MIN_CALL_MS } from "../session/budget.ts";
import type { Principal } from "../session/types.ts";
import { withTimeout } from "../upstream/semaphore.ts";
import {
  type Credential,
  type CredentialHeaders,
  findCredential,
  hasCredentialCookie,
} from "./credential.ts";

/**
 * Throws `unauthenticated`, `forbidden` for a good login that is no tenant's, or `auth_unavailable` if nobody can tell at
 * the moment. `timeoutMs` is what the caller waits; nothing is sent to the partner that could not be answered within it.
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

  function judge(credential: Credential, timeoutMs: number): Promise<Principal> | undefined {
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
      const judged = judge(credential, timeoutMs);
      if (!judged) throw new Error("a credential was found that nothing is configured for");
      const principal = await withTimeout(judged, timeoutMs, tooLate);
      if (budget.remainingMs() < MIN_CALL_MS) throw tooLate(); // The timer itself may be late.
      return credential.kind === "session"
        ? principal
        : { ...principal, token: createSecret(credential.token) };
    },
    takesCookies: tokenCookie !== undefined || session !== undefined,
    isByCookie: (headers) => hasCredentialCookie(rules, headers),
  };
}

/** The partner's login took the time that MX would have needed. MX has not been asked, so it is not to blame. */
function tooLate(): AppError {
  return authUnavailable({ reason: "deadline" });
}
