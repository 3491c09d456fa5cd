/**
 * Refuses a request for want of room before Express sees it: a refusal has to cost a fraction of an answer, or refusals
 * alone would use up the CPU. The answer is the one that problem.ts would give.
 *
 * Source: AWS Builders' Library, Using load shedding to avoid overload.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { AppError } from "../errors.ts";
import type { Logger } from "../telemetry/logger.ts";
import { toMethod, toRoute } from "./access-log.ts";
import { answer } from "./answer.ts";
import type { ToCorsHeaders } from "./browser-guard.ts";
import { toContent } from "./problem.ts";
import { PROBLEM_TYPES } from "./problem-types.ts";
import { toRequestId } from "./request-id.ts";

export type Shed = (req: IncomingMessage, res: ServerResponse, error: AppError) => void;

export type ShedOptions = { logger: Logger; toCorsHeaders: ToCorsHeaders };

export function createShed({ logger, toCorsHeaders }: ShedOptions): Shed {
  return function shed(req, res, error) {
    const { name, status } = PROBLEM_TYPES[error.code];
    const requestId = toRequestId(req);
    const headers = {
      ...toCorsHeaders(req.headers.origin),
      "Retry-After": String(error.retryAfterSeconds),
      "X-Request-Id": requestId,
    };
    answer(res, status, headers, toContent(error, requestId));
    logger.request({
      method: toMethod(req),
      route: toRoute(req),
      status,
      durationMs: 0,
      requestId,
      event: req.method === "POST" ? "session.failed" : undefined,
      tenant: undefined,
      mxCalls: undefined,
      isClientGone: false,
      error,
      errorType: name,
    });
  };
}
