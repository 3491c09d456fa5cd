/**
 * Errors as problem details: the only place where a code becomes a status.
 *
 * Nothing of an unexpected error is shown. Source: RFC 9457.
 */

import type { ErrorRequestHandler, RequestHandler, Response } from "express";
import { AppError } from "../errors.ts";
import { PROBLEM_TYPES } from "./problem-types.ts";

/** Ends the request with the problem that fits. Keeps the error for the log. */
export function createProblemHandler(basePath: string): ErrorRequestHandler {
  return function problemHandler(thrown: unknown, req, res, next) {
    const error = toAppError(thrown);
    res.locals.error = error;
    if (res.headersSent) return next(thrown);
    const { name, status, title } = PROBLEM_TYPES[error.code];
    if (error.retryAfterSeconds !== undefined)
      res.set("Retry-After", String(error.retryAfterSeconds));
    if (status === 401) res.set("WWW-Authenticate", challenge(req.headers.authorization));
    res.status(status).type("application/problem+json");
    res.json({
      type: `${basePath}/problems/${name}`,
      title,
      status,
      detail: error.message,
      request_id: res.locals.requestId,
      ...(error.errors && { errors: error.errors }),
    });
  };
}

/** Answers the methods that the routes before it did not take. `allow` lists those. */
export function methodNotAllowed(allow: string): RequestHandler {
  return function refuseOtherMethods(_req, res) {
    refuseMethod(res, allow);
  };
}

export function refuseMethod(res: Response, allow: string): never {
  res.set("Allow", allow);
  throw new AppError("method_not_allowed", `This path answers ${allow}.`);
}

export const notFound: RequestHandler = () => {
  throw new AppError("not_found", "There is nothing at this path.");
};

/** Source: RFC 6750, section 3: no error code if no token came. */
function challenge(authorization: string | undefined): string {
  return authorization === undefined ? "Bearer" : 'Bearer error="invalid_token"';
}

function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  return new AppError("internal_error", "Something went wrong in the service.", { cause: thrown });
}
