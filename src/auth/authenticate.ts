/**
 * A request's proof -> Principal. One authenticator judges it; a bad proof is never followed by another.
 */

import { authUnavailable } from "../errors.ts";
import type { Budget } from "../session/budget.ts";
import type { Principal } from "../session/types.ts";
import { withTimeout } from "../upstream/semaphore.ts";
import { findProof, isProofCookie, type Proof, type ProofHeaders } from "./credential.ts";

/** Throws `unauthenticated`, or `auth_unavailable` where the proof cannot be judged at the moment. */
export type Judge = (proof: string) => Promise<Principal>;

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

export function createAuthentication(authenticators: Authenticators): Authentication {
  const { jwt, introspection, tokenCookie, session } = authenticators;
  const rules = {
    jwt: jwt !== undefined,
    introspection: introspection !== undefined,
    tokenCookie,
    sessionCookie: session?.cookie,
  };

  function judge(proof: Proof, budget: Budget): Promise<Principal> | undefined {
    switch (proof.kind) {
      case "jwt":
        return jwt?.(proof.token);
      case "opaque":
        return introspection && withinBudget(introspection(proof.token), budget);
      case "session":
        return session && withinBudget(session.judge(proof.value), budget);
    }
  }

  return {
    async authenticate(headers, budget) {
      const principal = await judge(findProof(rules, headers), budget);
      if (principal) return principal;
      throw new Error("a proof was found that nothing is configured for");
    },
    takesCookies: tokenCookie !== undefined || session !== undefined,
    isByCookie: (headers) => isProofCookie(rules, headers),
  };
}

/** The question to the partner may be shared with other requests, so the wait ends and the question goes on. */
function withinBudget<T>(asked: Promise<T>, budget: Budget): Promise<T> {
  return withTimeout(asked, budget.remainingMs(), () => authUnavailable({ reason: "deadline" }));
}
