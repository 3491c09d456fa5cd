/**
 * Starts the request's budget, and refuses what is more than the service can carry, before body and token cost anything.
 *
 * Source: AWS Builders' Library, Using load shedding to avoid overload.
 */

import type { RequestHandler } from "express";
import { AppError } from "../errors.ts";
import { createBudget } from "../session/budget.ts";

export type AdmissionOptions = {
  maxInFlight: number;
  deadlineMs: number;
  lifecycle: Lifecycle;
};

/** `draining`: still served, but connections are not kept (server.ts). `closing`: nothing new is taken. */
export type Lifecycle = { state: "serving" | "draining" | "closing" };

export function createAdmission({
  maxInFlight,
  deadlineMs,
  lifecycle,
}: AdmissionOptions): RequestHandler {
  let inFlight = 0;

  return function admission(_req, res, next) {
    if (lifecycle.state === "closing") {
      throw new AppError("shutting_down", "This replica is shutting down. Try again.", {
        retryAfterSeconds: 1,
      });
    }
    if (inFlight >= maxInFlight) {
      throw new AppError("overloaded", "The service is at its limit. Try again.", {
        retryAfterSeconds: 1,
      });
    }
    inFlight += 1;
    res.locals.budget = createBudget({ deadlineMs });
    res.once("close", () => {
      inFlight -= 1;
      if (!res.writableFinished) res.locals.budget.abandon();
    });
    next();
  };
}
