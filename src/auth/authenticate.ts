/**
 * A request's proof -> Principal. One authenticator judges it; a bad proof is never followed by another.
 */

import { type AppError, authUnavailable } from "../errors.ts";
import { type Budget, MIN_CALL_MS } from "../session/budget.ts";
import type { Principal } from "../session/types.ts";
import { withTimeout } from "../upstream/semaphore.ts";
import { findProof, isProofCookie, type Proof, type ProofHeaders } from "./credential.ts";

/**
 * Throws `unauthenticated`, or `auth_unavailable` where the proof cannot be judged at the moment. `timeoutMs` is what the
 * caller waits; nothing is sent to the partner that could not be answered within it.
 */
export type Judge = (proof: string, timeoutMs: number) => Promise<Principal>;

/** What is undefined is not configured. */
export type Authenticators = {
  jwt: Judge | undefined;
  introspection: Judge | undefined;
  /** Name of a cookie that holds a JWT. */
  tokenCookie: string | undefined;
  session: { cookie: string; judge: Judge } | undefined;
};

export type Authentication = {
  authenticate(headers: ProofHeaders, budget: Budget): Promise<Principal>;
  /** Callers may be known by a cookie. */
  takesCookies: boolean;
  /** This one is. */
  isByCookie(headers: ProofHeaders): boolean;
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

  function judge(proof: Proof, timeoutMs: number): Promise<Principal> | undefined {
    switch (proof.kind) {
      case "jwt":
        return jwt?.(proof.token, timeoutMs);
      case "opaque":
        return introspection?.(proof.token, timeoutMs);
      case "session":
        return session?.judge(proof.value, timeoutMs);
    }
  }

  return {
    async authenticate(headers, budget) {
      const proof = findProof(rules, headers);
      const timeoutMs = Math.max(0, budget.remainingMs() - RESERVED_MS);
      const judged = judge(proof, timeoutMs);
      if (!judged) throw new Error("a proof was found that nothing is configured for");
      const principal = await withTimeout(judged, timeoutMs, tooLate);
      if (budget.remainingMs() < MIN_CALL_MS) throw tooLate(); // The timer itself may be late.
      return principal;
    },
    takesCookies: tokenCookie !== undefined || session !== undefined,
    isByCookie: (headers) => isProofCookie(rules, headers),
  };
}

/** The partner's login took the time that MX would have needed. MX has not been asked, so it is not to blame. */
function tooLate(): AppError {
  return authUnavailable({ reason: "deadline" });
}
