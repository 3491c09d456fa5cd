/**
 * How many requests are served at once. What is more than the service can carry is refused before body and token cost
 * anything; what is taken gets its budget. A request counts from when its body is there: callers that send theirs slowly
 * would otherwise keep out all others.
 *
 * Of several tenants none may have more requests in flight than places are free: one whose upstream hangs ends at half of
 * all, a second one at a quarter, and there is always room for another.
 * Source: Choudhury and Hahne, Dynamic queue length thresholds for shared-memory packet switches (1998).
 */

import type { Response } from "express";
import { AppError } from "../errors.ts";
import { type Budget, createBudget } from "../session/budget.ts";

export type AdmissionOptions = {
  maxInFlight: number;
  deadlineMs: number;
  lifecycle: Lifecycle;
  /** False where there is one tenant: then it may have all. */
  isShared: boolean;
};

/** `draining`: still served, but connections are not kept (server.ts). `closing`: nothing new is taken. */
export type Lifecycle = { state: "serving" | "draining" | "closing" };

export type Admission = {
  /** Why a request that comes now is not taken; `undefined` where it is. */
  findRefusal(): AppError | undefined;
  /**
   * Takes a request, or throws `overloaded`: it counts until its answer has been sent, or its caller has gone. `undefined`
   * where he has gone already: no end would give a place back.
   */
  admit(res: Response): Budget | undefined;
  takeShare: TakeShare;
};

/** Once the tenant is known. Throws `overloaded` where it has its share in flight. Given back with the request's end. */
export type TakeShare = (tenant: string, res: Response) => void;

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
    findRefusal() {
      if (lifecycle.state === "closing") return SHUTTING_DOWN;
      return inFlight >= maxInFlight ? OVERLOADED : undefined;
    },
    admit(res) {
      if (res.closed) return undefined;
      if (inFlight >= maxInFlight) throw OVERLOADED; // Others have come while its body did.
      inFlight += 1;
      const budget = createBudget({ deadlineMs });
      res.locals.budget = budget;
      res.on("close", () => {
        inFlight -= 1;
        if (res.locals.shareOf !== undefined) count(res.locals.shareOf, -1);
        if (!res.writableFinished) budget.abandon();
      });
      return budget;
    },
    takeShare(tenant, res) {
      if (!isShared || res.closed) return; // The caller may have gone meanwhile.
      if ((shares.get(tenant) ?? 0) >= maxInFlight - shared) {
        throw new AppError("overloaded", "This tenant is at its limit. Try again.", {
          retryAfterSeconds: 1,
          reason: "tenant_share",
        });
      }
      res.locals.shareOf = tenant;
      count(tenant, 1);
    },
  };
}
