/**
 * What a request carries on its way through the middleware, and the two facts that everything else needs: its id and the
 * address it came from.
 *
 * `X-Request-Id` is taken over if it has the form `^[A-Za-z0-9_-]{8,64}$`, and replaced otherwise; the log then has both.
 */

import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { NextFunction, Request, Response } from "express";
import type { AppError } from "../errors.ts";
import type { Budget } from "../session/budget.ts";
import type { Principal } from "../session/types.ts";
import type { RequestEntry } from "../telemetry/log-entries.ts";
import { findClientAddress } from "./client-address.ts";

declare global {
  namespace Express {
    // biome-ignore lint/style/useConsistentTypeDefinitions: Express merges this declaration
    interface Locals {
      requestId: string;
      /** The id that came, if `requestId` is another one. */
      receivedRequestId?: string | undefined;
      /** IP address of the caller; `undefined` once the connection is gone. */
      address: string | undefined;
      /** Once the request is admitted. */
      budget?: Budget;
      /** Once the caller is authenticated. */
      principal?: Principal;
      /** The caller's pseudonym in the log: telemetry/logger.ts. */
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
  const received = findReceivedId(req);
  const isUsable = received !== undefined && USABLE_ID.test(received);
  res.locals.requestId = isUsable ? received : randomUUID();
  if (!isUsable) res.locals.receivedRequestId = toLoggedId(received);
  res.locals.address = findClientAddress(req); // Read now: a connection that is gone has none.
  res.set("X-Request-Id", res.locals.requestId);
  next();
}

const USABLE_ID = /^[A-Za-z0-9_-]{8,64}$/;

/** `X-Request-Id`, else what AWS's load balancers send. */
function findReceivedId({ headers }: IncomingMessage): string | undefined {
  const received = headers["x-request-id"] || headers["x-amzn-trace-id"];
  return Array.isArray(received) ? received.join(", ") : received;
}

/** Ids of gateways, such as Kong's `uuid#n` and AWS's `Root=1-…`. What looks like a credential or a URL is no id. */
function toLoggedId(received: string | undefined): string | undefined {
  if (received === undefined || !/^[\x20-\x7e]+$/.test(received)) return undefined;
  return CREDENTIAL.test(received) ? undefined : received.slice(0, 128);
}

/**
 * `eyJ` is how the Base64 of a JSON object begins; three long parts between dots are a JWT, however it begins; a widget
 * URL ends with 96 hexadecimal digits. Nothing of unbounded length comes first: that would be tried from each character.
 */
const CREDENTIAL = /eyJ|bearer|basic|:\/\/|[\w-]{10}\.[\w-]{10,}\.[\w-]|[\da-f]{65}/i;

/** Throws where the middleware that should have set it comes later: a fault in the list of http/session.ts. */
export function admittedRequest(res: Response): { principal: Principal; budget: Budget } {
  const { principal, budget } = res.locals;
  if (principal && budget) return { principal, budget };
  throw new Error("the request is not admitted and authenticated yet");
}
