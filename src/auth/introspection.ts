/**
 * Opaque bearer token -> Principal, by asking the partner's authorization server.
 *
 * An accepted token is remembered for a minute at most and never beyond its `exp`, a refused one for five seconds, each
 * by its hash. Concurrent requests with the same token share one call. The authorization server decides how long a token
 * lives, so there is no limit to it here.
 * Sources: RFC 7662, sections 2 and 4; RFC 6749, section 2.3.1.
 */

import { createHash } from "node:crypto";
import { LRUCache } from "lru-cache";
import * as z from "zod";
import { AppError, unauthenticated } from "../errors.ts";
import type { Secret } from "../secret.ts";
import type { Claims, Principal } from "../session/types.ts";
import type { Exchange, ExchangeRequest } from "../upstream/exchange.ts";
import type { Authenticator } from "./authenticate.ts";
import {
  findTenantOfAnswer,
  requireAudience,
  requireBearerClaims,
  requireBearerTokenType,
  requireCurrent,
  requireSubject,
  type TenantTrust,
  toAudience,
  toPrincipal,
  toSeconds,
} from "./claims.ts";
import { createLoginCall } from "./login-client.ts";

/** How to call the authorization server. */
export type IntrospectionEndpoint = {
  url: URL;
  clientId: string;
  clientSecret: Secret;
  /** Whether id and secret go into the header or into the body. Source: RFC 6749, section 2.3.1. */
  method: "client_secret_basic" | "client_secret_post";
  /** Refuses answers that name no audience. */
  requireAudience: boolean;
};

export type IntrospectionOptions = {
  endpoint: IntrospectionEndpoint;
  /** With as many connections as `MAX_LOGIN_CALLS`. */
  exchange: Exchange;
  tenants: readonly TenantTrust[];
  /** Wall clock, in milliseconds since the epoch: claims are judged by it. */
  now?: () => number;
  /** Milliseconds of a clock that never goes back: what is remembered ends by it. */
  monotonicNow?: () => number;
};

const ACCEPTED_MS = 60_000;
const REFUSED_MS = 5000;
/** Characters of claims; more than ten thousand tokens of an ordinary length. */
const MAX_REMEMBERED_CHARACTERS = 16 * 1024 * 1024;
/** Apart from the accepted ones, which a flood of invented tokens must not push out. */
const MAX_REFUSED = 10_000;

const Introspection = z.looseObject({ active: z.boolean() });

export function createIntrospectionAuthenticator(options: IntrospectionOptions): Authenticator {
  const { endpoint, exchange, tenants, now = Date.now } = options;
  const { monotonicNow = () => performance.now() } = options;
  const call = createLoginCall({ operation: "partner.introspection", exchange });
  const clock = { perf: { now: monotonicNow }, ttlResolution: 0 };
  const accepted = new LRUCache<string, Principal>({
    ...clock,
    maxSize: MAX_REMEMBERED_CHARACTERS,
  });
  const refused = new LRUCache<string, AppError>({ ...clock, max: MAX_REFUSED, ttl: REFUSED_MS });
  const asking = new Map<string, Promise<Principal>>();

  /** Throws `auth_unavailable` if there is no usable answer, for example because our own credentials are refused. */
  async function ask(token: string, key: string, timeoutMs: number): Promise<Principal> {
    const answer = await call(toIntrospectionRequest(endpoint, token), timeoutMs);
    const { data: claims } = Introspection.safeParse(answer.body);
    if (answer.status !== 200 || !claims) throw answer.failed();
    try {
      const principal = accept(claims);
      remember(key, principal);
      return principal;
    } catch (error) {
      if (error instanceof AppError && error.code === "unauthenticated") refused.set(key, error);
      throw error;
    }
  }

  function accept(claims: Claims): Principal {
    if (claims.active !== true) throw unauthenticated("inactive");
    requireBearerClaims(claims);
    requireBearerTokenType(claims.token_type);
    requireCurrent(claims, now() / 1000);
    const trust = findTenantOfAnswer(tenants, claims);
    if (endpoint.requireAudience || toAudience(claims, trust).length > 0)
      requireAudience(claims, trust);
    return toPrincipal(trust, requireSubject(claims, trust.userIdClaim), claims);
  }

  function remember(key: string, principal: Principal): void {
    const exp = toSeconds(principal.claims, "exp");
    const leftMs = exp === undefined ? ACCEPTED_MS : exp * 1000 - now();
    const ttl = Math.floor(Math.min(ACCEPTED_MS, leftMs));
    const size = JSON.stringify(principal.claims).length;
    if (ttl > 0) accepted.set(key, principal, { ttl, size });
  }

  return async function authenticateByIntrospection(token, timeoutMs) {
    const key = createHash("sha256").update(token).digest("base64");
    const known = accepted.get(key);
    if (known) return known;
    const refusal = refused.get(key);
    if (refusal) throw refusal;
    const asked = asking.get(key) ?? ask(token, key, timeoutMs).finally(() => asking.delete(key));
    asking.set(key, asked);
    return asked;
  };
}

export function toIntrospectionRequest(
  { url, clientId, clientSecret, method }: IntrospectionEndpoint,
  token: string,
): ExchangeRequest {
  const secret = clientSecret.reveal();
  const basic = Buffer.from(`${formEncode(clientId)}:${formEncode(secret)}`).toString("base64");
  const isBasic = method === "client_secret_basic";
  return {
    method: "POST",
    path: url.pathname + url.search,
    headers: {
      ...(isBasic && { authorization: `Basic ${basic}` }),
      "content-type": "application/x-www-form-urlencoded",
      accept: "application/json",
    },
    body: new URLSearchParams({
      token,
      token_type_hint: "access_token",
      ...(!isBasic && { client_id: clientId, client_secret: secret }),
    }).toString(),
  };
}

/** As RFC 6749, section 2.3.1, wants it before it becomes Basic. */
function formEncode(text: string): string {
  return new URLSearchParams([["", text]]).toString().slice(1);
}
