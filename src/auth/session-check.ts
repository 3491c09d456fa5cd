/**
 * The partner's own session cookie -> Principal, by asking the partner.
 *
 * `GET` with the session's cookies and nothing else of the request, answered by 200 and JSON claims, or by 401 or 403 if
 * nobody is logged in, as with nginx's `auth_request` and Ory Oathkeeper's cookie authenticator. Many endpoints answer 200
 * without content instead, which is accepted too. Nothing is cached: a user who logs out at the partner is logged out here with
 * the next request.
 */

import { unauthenticated } from "../errors.ts";
import type { Claims, Principal } from "../session/types.ts";
import { toIdText } from "../session/user-id.ts";
import { isObject } from "../text.ts";
import type { Exchange, ExchangeRequest } from "../upstream/exchange.ts";
import type { Authenticator } from "./authenticate.ts";
import { findTenantOfAnswer, requireCurrent, type TenantTrust, toPrincipal } from "./claims.ts";
import { createLoginCall, type LoginAnswer } from "./login-client.ts";

export type SessionCheckOptions = {
  url: URL;
  /** With as many connections as `MAX_LOGIN_CALLS`. */
  exchange: Exchange;
  tenants: readonly TenantTrust[];
  /** Wall clock, in milliseconds since the epoch. */
  now?: () => number;
};

/** The credential is a `Cookie` header of the session's cookies alone. */
export function createSessionAuthenticator(options: SessionCheckOptions): Authenticator {
  const { url, exchange, tenants, now = Date.now } = options;
  const call = createLoginCall({ operation: "partner.session_check", exchange });

  return async function authenticateBySession(cookies, timeoutMs) {
    const claims = readClaims(await call(toSessionRequest(url, cookies), timeoutMs));
    requireCurrent(claims, now() / 1000);
    return toUser(findTenantOfAnswer(tenants, claims), claims);
  };
}

/** Throws `unauthenticated` if nobody is logged in, and `auth_unavailable` for an unusable answer. */
function readClaims(answer: LoginAnswer): Claims {
  const { status, body } = answer;
  if (status === 401 || status === 403) throw unauthenticated("no_session");
  if (status !== 200 || body === undefined) throw answer.failed();
  const claims = findLogin(body);
  if (!claims) throw unauthenticated("no_session");
  return claims;
}

/**
 * The claims of the user who is logged in; `undefined` if nobody is: `null`, `false`, a list, `{}`,
 * `{"user":null}`, or a session that is not said to be active, where that is a question, or is said to be over.
 */
export function findLogin(body: unknown): Claims | undefined {
  if (!isObject(body)) return undefined;
  const isEmpty = Object.values(body).every((value) => value == null || value === false);
  const isDenied = Object.entries(body).some(
    ([name, value]) => (GOOD.test(name) && !isYes(value)) || (OVER.test(name) && !isNo(value)),
  );
  return isEmpty || isDenied ? undefined : body;
}

/** Such as `active`, `isAuthenticated`, `logged_in`, `session-valid`. */
const GOOD =
  /^((is|session)[_-]?)?(active|alive|authenticated|authorized|valid|(logged|signed)[_-]?in)$/i;
/** Such as `expired`, `loggedOut`. */
const OVER = /^((is|session)[_-]?)?(expired|revoked|anonymous|(logged|signed)[_-]?out)$/i;

/** Nothing else counts as a yes: a word that is not known may be a no. */
function isYes(value: unknown): boolean {
  if (typeof value === "number") return value > 0;
  return /^(true|yes|y|t|on|1|active|valid)$/i.test(String(value).trim());
}

function isNo(value: unknown): boolean {
  return value == null || /^(false|no|n|f|off|0|)$/i.test(String(value).trim());
}

/** Data without the user's claim is the usual mistake: the endpoint must add it to its answer. */
function toUser(trust: TenantTrust, claims: Claims): Principal {
  const userId = claims[trust.userIdClaim];
  if (userId == null || userId === "") throw unauthenticated("no_user_claim");
  const subject = toIdText(claims.sub) ?? toIdText(userId);
  if (subject === undefined) throw unauthenticated("claim_sub");
  return toPrincipal(trust, subject, claims);
}

export function toSessionRequest(url: URL, cookies: string): ExchangeRequest {
  return {
    method: "GET",
    path: url.pathname + url.search,
    headers: { cookie: cookies, accept: "application/json" },
  };
}
