/**
 * Opaque bearer token -> Principal, by asking the partner's authorization server.
 *
 * An accepted token is remembered for a minute at most and never beyond its `exp`, a refused one for five seconds, each
 * by its hash. Requests with the same token share one question. The authorization server decides how long a token
 * lives, so there is no limit to it here.
 * Sources: RFC 7662, sections 2.2 and 4; RFC 9449, section 7.2, and RFC 8705, section 3 (bound tokens are no bearer
 * tokens).
 */

import { createHash } from "node:crypto";
import { LRUCache } from "lru-cache";
import * as z from "zod";
import { AppError } from "../errors.ts";
import type { Principal, Tenant } from "../session/types.ts";
import type { Judge } from "./authenticate.ts";
import { unauthenticated } from "./jwt.ts";
import { AssertedClaims, requireCurrent } from "./unsigned-claims.ts";

export type IntrospectionOptions = {
  /** Port to the authorization server: its answer, a JSON object. Throws `auth_unavailable` where there is none. */
  introspect: (token: string, timeoutMs: number) => Promise<{ active: boolean }>;
  issuer: string;
  audience: readonly string[];
  /** Refuses answers that name no audience. */
  requireAudience: boolean;
  tenant: Tenant;
  /** Wall clock in milliseconds. */
  now?: () => number;
};

const ACCEPTED_MS = 60_000;
const REFUSED_MS = 5000;
/** Characters of claims; more than ten thousand tokens of an ordinary length. */
const MAX_REMEMBERED_CHARACTERS = 16 * 1024 * 1024;
/** Apart from the accepted ones, which a flood of invented tokens must not push out. */
const MAX_REFUSED = 10_000;

const Accepted = AssertedClaims.extend({
  aud: z.union([z.string(), z.array(z.string())]).nullish(),
  /** Servers write `Bearer`; `access_token` is an older habit. */
  token_type: z
    .string()
    .regex(/^(bearer|access_token)$/i)
    .nullish(),
  /** Bound to a key, which a bearer does not prove to have. */
  cnf: z.null().optional(),
});

export function createIntrospectionAuthenticator(options: IntrospectionOptions): Judge {
  const { introspect, issuer, audience, requireAudience, tenant, now = Date.now } = options;
  const clock = { perf: { now }, ttlResolution: 0 };
  const accepted = new LRUCache<string, Principal>({
    ...clock,
    maxSize: MAX_REMEMBERED_CHARACTERS,
  });
  const refused = new LRUCache<string, AppError>({ ...clock, max: MAX_REFUSED, ttl: REFUSED_MS });
  const asking = new Map<string, Promise<Principal>>();

  async function ask(token: string, key: string, timeoutMs: number): Promise<Principal> {
    try {
      const claims = toClaims(await introspect(token, timeoutMs));
      const principal = { issuer, subject: claims.sub, claims, tenant };
      remember(key, principal, claims);
      return principal;
    } catch (error) {
      if (error instanceof AppError && error.code === "unauthenticated") refused.set(key, error);
      throw error;
    }
  }

  function toClaims(answer: { active: boolean }): AssertedClaims {
    if (!answer.active) throw unauthenticated("inactive");
    const { data: claims } = Accepted.safeParse(answer);
    if (!claims) throw unauthenticated("claims");
    requireCurrent(claims, issuer, now());
    const named = [claims.aud ?? []].flat();
    if (named.length === 0 && requireAudience) throw unauthenticated("no_audience");
    if (named.length > 0 && !named.some((name) => audience.includes(name)))
      throw unauthenticated("audience");
    return claims;
  }

  function remember(key: string, principal: Principal, { exp }: AssertedClaims): void {
    const ttl = Math.floor(Math.min(ACCEPTED_MS, exp == null ? ACCEPTED_MS : exp * 1000 - now()));
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
