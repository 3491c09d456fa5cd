/**
 * Who asks too often waits: per address before anything is read, per address for logins that fail, per user.
 *
 * The two by address are off by default: without TRUSTED_PROXIES they would throttle the load balancer.
 * Source of the RateLimit fields: draft-ietf-httpapi-ratelimit-headers-11; a draft, so they may change.
 */

import type { Response } from "express";
import { AppError } from "../errors.ts";
import type { Principal } from "../session/types.ts";
import { toAddressKey } from "./client-address.ts";

/** Ports to the counters; what is undefined is off. */
export type RateLimits = {
  user: Limiter | undefined;
  address: Limiter | undefined;
  failures: Limiter | undefined;
};

export type Limiter = {
  take(key: string): Promise<{ remaining: number; resetSeconds: number }>;
  check(key: string): Promise<void>;
};

export async function limitAddress(limiter: Limiter | undefined, res: Response): Promise<void> {
  if (limiter) await limiter.take(toKey(res));
}

/** Counts only logins that fail: who has a good token is not held up by a neighbour's bad ones, until the limit. */
export async function limitFailures<T>(
  limiter: Limiter | undefined,
  res: Response,
  authenticate: () => Promise<T>,
): Promise<T> {
  if (!limiter) return authenticate();
  const key = toKey(res);
  await limiter.check(key);
  try {
    return await authenticate();
  } catch (error) {
    if (error instanceof AppError && error.code === "unauthenticated") await limiter.take(key);
    throw error;
  }
}

export async function limitUser(
  limiter: Limiter | undefined,
  principal: Principal,
  res: Response,
): Promise<void> {
  if (!limiter) return;
  const { issuer, subject, tenant } = principal;
  const { remaining, resetSeconds } = await limiter.take(`${tenant.name}\0${issuer}\0${subject}`);
  res.locals.headers.RateLimit = `"user";r=${remaining};t=${resetSeconds}`;
}

function toKey({ locals }: Response): string {
  locals.addressKey ??= toAddressKey(locals.address);
  return locals.addressKey;
}
