/**
 * What a request carries on its way through the middleware, and the two facts that everything else needs: its id and the
 * address it came from.
 *
 * `X-Request-Id` is taken over if it cannot do harm in a log (`^[A-Za-z0-9_-]{8,64}$`), and replaced otherwise.
 */

import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { NextFunction, Request, Response } from "express";
import type { AppError } from "../errors.ts";
import type { Budget } from "../session/budget.ts";
import type { Principal } from "../session/types.ts";
import type { RequestEntry } from "../telemetry/logger.ts";
import { findClientAddress } from "./client-address.ts";

declare global {
  namespace Express {
    // biome-ignore lint/style/useConsistentTypeDefinitions: Express merges this declaration
    interface Locals {
      requestId: string;
      /** IP address of the caller; `undefined` once the connection is gone. */
      address: string | undefined;
      /** Once the request is admitted. */
      budget?: Budget;
      /** Once the caller is authenticated. */
      principal?: Principal;
      /** The caller's pseudonym in the log: telemetry/user-hash.ts. */
      userHash?: string;
      /** The tenant whose share of the places this request takes. */
      shareOf?: string;
      widgetType?: string;
      /** If a span is recording. */
      traceId?: string;
      endSpan?: (entry: RequestEntry) => void;
      error?: AppError;
    }
  }
}

export function requestContext(req: Request, res: Response, next: NextFunction): void {
  res.locals.requestId = toRequestId(req);
  res.locals.address = findClientAddress(req); // Read now: a connection that is gone has none.
  res.set("X-Request-Id", res.locals.requestId);
  next();
}

const USABLE_ID = /^[A-Za-z0-9_-]{8,64}$/;

function toRequestId({ headers }: IncomingMessage): string {
  const sent = headers["x-request-id"];
  return typeof sent === "string" && USABLE_ID.test(sent) ? sent : randomUUID();
}

/** Throws where the middleware that should have set it comes later: a fault in the list of http/session.ts. */
export function admittedRequest(res: Response): { principal: Principal; budget: Budget } {
  const { principal, budget } = res.locals;
  if (principal && budget) return { principal, budget };
  throw new Error("the request is not admitted and authenticated yet");
}
