/**
 * A request's proof -> Principal. The proof that is present decides alone: a bad one is never followed by another.
 *
 * Source: RFC 6750, section 2.1 (the token comes in the Authorization header, never in the query).
 */

import type { Principal } from "../session/types.ts";
import { type JwtAuthenticator, unauthenticated } from "./jwt.ts";

export type Authenticate = (authorization: string | undefined) => Promise<Principal>;

export function createAuthenticate(authenticateJwt: JwtAuthenticator): Authenticate {
  return async function authenticate(authorization) {
    if (authorization === undefined) throw unauthenticated("no_proof");
    const [, token] = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(authorization) ?? [];
    if (token === undefined) throw unauthenticated("scheme");
    if (token.split(".").length !== 3) throw unauthenticated("not_a_jwt");
    return authenticateJwt(token);
  };
}
