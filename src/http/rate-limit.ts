/**
 * Limits how often one caller may ask: per address before anything is read, per address for logins that fail, per user.
 *
 * The two by address are off by default: without TRUSTED_PROXIES they would throttle the load balancer.
 * Source of the RateLimit fields: draft-ietf-httpapi-ratelimit-headers-11; a draft, so they may change.
 */

import type { RequestHandler } from "express";
import { AppError } from "../errors.ts";
import { toAddressKey } from "./client-address.ts";
import { admittedRequest } from "./request-context.ts";

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

export function createAddressLimit(limiter: Limiter | undefined): RequestHandler {
  return async function limitByAddress(_req, res, next) {
    await limiter?.take(toAddressKey(res.locals.address));
    next();
  };
}

/** Counts only logins that fail: a good token is not held up by a neighbour's bad ones, until the limit. */
export async function limitFailures<T>(
  limiter: Limiter | undefined,
  address: string | undefined,
  authenticate: () => Promise<T>,
): Promise<T> {
  if (!limiter) return authenticate();
  const key = toAddressKey(address);
  await limiter.check(key);
  try {
    return await authenticate();
  } catch (error) {
    if (error instanceof AppError && error.code === "unauthenticated") await limiter.take(key);
    throw error;
  }
}

export function createUserLimit(limiter: Limiter | undefined): RequestHandler {
  return async function limitByUser(_req, res, next) {
    if (limiter) {
      const { issuer, subject, tenant } = admittedRequest(res).principal;
      const left = await limiter.take(`${tenant.name}\0${issuer}\0${subject}`);
      res.set("RateLimit", `"user";r=${left.remaining};t=${left.resetSeconds}`);
    }
    next();
  };
}
