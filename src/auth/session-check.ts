/**
 * The partner's own session cookie -> Principal, by asking the partner.
 *
 * `GET` with that one cookie and nothing else of the request, answered by 200 and JSON claims, or by 401 or 403 if nobody
 * is logged in, as nginx's `auth_request` and Ory Oathkeeper's cookie authenticator ask. Nothing is remembered: a user who
 * logs out at the partner is logged out here with the next request.
 */

import * as z from "zod";
import type { Claims } from "../session/types.ts";
import type { ExchangeRequest } from "../upstream/exchange.ts";
import type { Authenticator } from "./authenticate.ts";
import { requireCurrent, requireSubject } from "./claims.ts";
import type { LoginAnswer, LoginCall } from "./login-client.ts";
import { unauthenticated } from "./refusals.ts";
import { requireIssuer, type TenantTrust, toPrincipal } from "./trust.ts";

/** Where sessions are checked, and the name of their cookie. */
export type SessionEndpoint = { url: URL; cookie: string };

export type SessionCheckOptions = {
  call: LoginCall;
  endpoint: SessionEndpoint;
  trust: TenantTrust;
  /** Wall clock, in milliseconds since the epoch. */
  now?: () => number;
};

/** Whom the partner says yes to. It has to say so. */
const Claimed = z.looseObject({ sub: z.string().min(1) });

export function createSessionAuthenticator(options: SessionCheckOptions): Authenticator {
  const { call, endpoint, trust, now = Date.now } = options;

  return async function authenticateBySession(cookieValue, timeoutMs) {
    const claims = readClaims(await call(toSessionRequest(endpoint, cookieValue), timeoutMs));
    requireIssuer(trust, claims);
    requireCurrent(claims, now() / 1000);
    return toPrincipal(trust, requireSubject(claims), claims);
  };
}

function readClaims(answer: LoginAnswer): Claims {
  if (answer.status === 401 || answer.status === 403) throw unauthenticated("no_session");
  const { data: claims } = Claimed.safeParse(answer.body);
  if (answer.status !== 200 || !claims) throw answer.failed();
  return claims;
}

export function toSessionRequest(
  { url, cookie }: SessionEndpoint,
  cookieValue: string,
): ExchangeRequest {
  return {
    method: "GET",
    path: url.pathname + url.search,
    headers: { cookie: `${cookie}=${cookieValue}`, accept: "application/json" },
  };
}
