/**
 * Errors as problem details: the only place where a code becomes a status.
 *
 * Source: RFC 9457. Of an error that is not ours nothing is shown; what Express throws is translated.
 */

import type { ErrorRequestHandler, Response } from "express";
import { AppError } from "../errors.ts";
import { answer } from "./answer.ts";
import { PROBLEM_TYPES } from "./problem-types.ts";

const TYPE = "application/problem+json; charset=utf-8";

/** Ends the request with the problem that fits. Keeps the error for the log. */
export function createProblemHandler(): ErrorRequestHandler {
  return function problemHandler(thrown: unknown, req, res, next) {
    const error = toAppError(thrown);
    res.locals.error = error;
    if (res.headersSent) return next(thrown);
    const { status } = PROBLEM_TYPES[error.code];
    const { headers, requestId } = res.locals;
    if (error.retryAfterSeconds !== undefined)
      headers["Retry-After"] = String(error.retryAfterSeconds);
    if (status === 401) headers["WWW-Authenticate"] = challenge(req.headers.authorization);
    answer(res, status, headers, toContent(error, requestId));
  };
}

export function toContent(error: AppError, requestId: string): { type: string; body: string } {
  const { name, status, title } = PROBLEM_TYPES[error.code];
  const body = JSON.stringify({
    type: `/problems/${name}`,
    title,
    status,
    detail: error.message,
    request_id: requestId,
    ...(error.errors && { errors: error.errors }),
  });
  return { type: TYPE, body };
}

/** Answers what no route took. `allow` lists the methods of the path. */
export function refuseMethod(res: Response, allow: string): never {
  res.locals.headers.Allow = allow;
  throw new AppError("method_not_allowed", `This path answers ${allow}.`);
}

/** Source: RFC 6750, section 3: no error code where no token came. */
function challenge(authorization: string | undefined): string {
  return authorization === undefined ? "Bearer" : 'Bearer error="invalid_token"';
}

function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  if (isBadPath(thrown)) return new AppError("invalid_request", "The path must be well encoded.");
  return new AppError("internal_error", "Something went wrong in the service.", { cause: thrown });
}

/** Of Express's router, which decodes parameters of paths. */
function isBadPath(thrown: unknown): boolean {
  return thrown instanceof Error && "status" in thrown && thrown.status === 400;
}
