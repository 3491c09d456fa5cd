/**
 * Errors as problem details: the only place where a code becomes a status.
 *
 * Source: RFC 9457. Of an error that is not ours nothing is shown; what Express and its parsers throw is translated.
 */

import type { ErrorRequestHandler, Response } from "express";
import { AppError, type ErrorCode } from "../errors.ts";
import { PROBLEM_TYPES } from "./problem-types.ts";

export const PROBLEM_CONTENT_TYPE = "application/problem+json; charset=utf-8";

/** Ends the request with the problem that fits. Keeps the error for the log. */
export function createProblemHandler(): ErrorRequestHandler {
  return function problemHandler(thrown: unknown, req, res, next) {
    const error = toAppError(thrown);
    res.locals.error = error;
    if (res.headersSent) return next(thrown);
    const { status } = PROBLEM_TYPES[error.code];
    if (error.retryAfterSeconds !== undefined)
      res.set("Retry-After", String(error.retryAfterSeconds));
    if (status === 401) res.set("WWW-Authenticate", challenge(req.headers.authorization));
    res
      .status(status)
      .set("Content-Type", PROBLEM_CONTENT_TYPE)
      .send(toProblem(error, res.locals.requestId));
  };
}

export function toProblem(error: AppError, requestId: string): string {
  const { name, status, title } = PROBLEM_TYPES[error.code];
  return JSON.stringify({
    type: `/problems/${name}`,
    title,
    status,
    detail: error.message,
    request_id: requestId,
    ...(error.errors && { errors: error.errors }),
  });
}

/** Answers what no route took. `allow` lists the methods of the path. */
export function refuseMethod(res: Response, allow: string): never {
  res.set("Allow", allow);
  throw new AppError("method_not_allowed", `This path answers ${allow}.`);
}

/** Source: RFC 6750, section 3: no error code where no token came. */
function challenge(authorization: string | undefined): string {
  return authorization === undefined ? "Bearer" : 'Bearer error="invalid_token"';
}

function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  const code = parserCode(thrown);
  if (code) return new AppError(code, PARSER_MESSAGES[code]);
  return new AppError("internal_error", "Something went wrong in the service.", { cause: thrown });
}

type ParserCode = Extract<
  ErrorCode,
  "invalid_request" | "payload_too_large" | "unsupported_media_type"
>;

const PARSER_MESSAGES: Record<ParserCode, string> = {
  invalid_request:
    "The body must be a JSON object, complete and in UTF-8, and the path must be well encoded.",
  payload_too_large: "The body must not have more than 16 kB.",
  unsupported_media_type: "The body must be uncompressed JSON in UTF-8.",
};

/** Errors of body-parser and of Express's router carry a status. Their messages and fields repeat what was sent. */
function parserCode(thrown: unknown): ParserCode | undefined {
  if (!(thrown instanceof Error) || !("status" in thrown)) return undefined;
  if (thrown.status === 413) return "payload_too_large";
  if (thrown.status === 415) return "unsupported_media_type";
  return thrown.status === 400 ? "invalid_request" : undefined;
}
