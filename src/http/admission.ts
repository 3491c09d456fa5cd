/**
 * How much is served: how many requests at once, and how many of one caller in a while.
 *
 * Load beyond the limit is shed before body and token cost anything; what is admitted gets its budget. A request counts from
 * when its body is there: callers that send theirs slowly would otherwise keep out all others (decision 0009).
 *
 * Of several tenants none may have more requests in flight than places are free: one whose upstream hangs ends at half of
 * all, a second one at a quarter, and there is always room for another.
 *
 * Rate limits count per address before anything is read, per address for logins that fail, and per user. The two by address are
 * off by default: without TRUSTED_PROXIES they would throttle the load balancer.
 * Sources: AWS Builders' Library, Using load shedding to avoid overload; Choudhury and Hahne, Dynamic queue length
 * thresholds for shared-memory packet switches (1998); for the RateLimit fields draft-ietf-httpapi-ratelimit-headers-11, which
 * is a draft, so they may change.
 */

import type { RequestHandler } from "express";
import { AppError } from "../errors.ts";
import { createBudget } from "../session/budget.ts";
import { admittedRequest, toAddressKey } from "./request-context.ts";

export type AdmissionOptions = {
  maxInFlight: number;
  deadlineMs: number;
  lifecycle: Lifecycle;
  /** False if there is one tenant, which then may have all places. */
  isShared: boolean;
};

/** `draining`: still served, but connections are not kept (server.ts). `closing`: nothing new is taken. */
export type Lifecycle = { state: "serving" | "draining" | "closing" };

type Admission = {
  /** Refuses what comes while all places are taken, or while the replica closes. */
  shedLoad: RequestHandler;
  /** Takes a place until the answer has been sent or the caller has gone. Refuses if others took the last one meanwhile. */
  admit: RequestHandler;
  /** Once the tenant is known: refuses if it has its share in flight. */
  takeTenantShare: RequestHandler;
};

const OVERLOADED = new AppError("overloaded", "The service is at its limit. Try again.", {
  retryAfterSeconds: 1,
});
const SHUTTING_DOWN = new AppError("shutting_down", "This replica is shutting down. Try again.", {
  retryAfterSeconds: 1,
});

export function createAdmission(options: AdmissionOptions): Admission {
  const { maxInFlight, deadlineMs, lifecycle, isShared } = options;
  let inFlight = 0;
  const shares = new Map<string, number>();
  let shared = 0;

  function count(tenant: string, change: 1 | -1): void {
    shares.set(tenant, (shares.get(tenant) ?? 0) + change);
    shared += change;
  }

  return {
    shedLoad(_req, _res, next) {
      if (lifecycle.state === "closing") return next(SHUTTING_DOWN);
      if (inFlight >= maxInFlight) return next(OVERLOADED);
      next();
    },
    admit(_req, res, next) {
      if (res.closed) return; // The caller has gone, so no event would free the place.
      if (inFlight >= maxInFlight) throw OVERLOADED;
      inFlight += 1;
      const budget = createBudget({ deadlineMs });
      res.locals.budget = budget;
      res.on("close", () => {
        inFlight -= 1;
        if (res.locals.shareOf !== undefined) count(res.locals.shareOf, -1);
        if (!res.writableFinished) budget.abandon();
      });
      next();
    },
    takeTenantShare(_req, res, next) {
      if (!isShared) return next();
      if (res.closed) return; // As above.
      const { name } = admittedRequest(res).principal.tenant;
      if ((shares.get(name) ?? 0) >= maxInFlight - shared) {
        throw new AppError("overloaded", "This tenant is at its limit. Try again.", {
          retryAfterSeconds: 1,
          reason: "tenant_share",
        });
      }
      res.locals.shareOf = name;
      count(name, 1);
      next();
    },
  };
}

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

/** Counts only failed logins: until the limit, a valid token is not affected by a neighbour's bad ones. */
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
