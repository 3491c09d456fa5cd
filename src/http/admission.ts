/**
 * How many requests are served at once. What is more than the service can carry is refused before body and token cost
 * anything; what is taken gets its budget.
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

export type Admission = {
  /** Why a request that comes now is not taken; `undefined` where it is. */
  findRefusal(): AppError | undefined;
  /** Takes a request: it counts until its answer has been sent, or its caller has gone. */
  admit: RequestHandler;
};

const OVERLOADED = new AppError("overloaded", "The service is at its limit. Try again.", {
  retryAfterSeconds: 1,
});
const SHUTTING_DOWN = new AppError("shutting_down", "This replica is shutting down. Try again.", {
  retryAfterSeconds: 1,
});

export function createAdmission(options: AdmissionOptions): Admission {
  const { maxInFlight, deadlineMs, lifecycle } = options;
  let inFlight = 0;

  return {
    findRefusal() {
      if (lifecycle.state === "closing") return SHUTTING_DOWN;
      return inFlight >= maxInFlight ? OVERLOADED : undefined;
    },
    admit(_req, res, next) {
      inFlight += 1;
      res.locals.budget = createBudget({ deadlineMs });
      res.once("close", () => {
        inFlight -= 1;
        if (!res.writableFinished) res.locals.budget.abandon();
      });
      next();
    },
  };
}
