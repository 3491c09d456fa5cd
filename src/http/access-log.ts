/**
 * One line per request, whatever happens to it, through the closed schema of logger.ts.
 */

import type { IncomingMessage } from "node:http";
import type { Request, RequestHandler, Response } from "express";
import type { Logger, RequestEntry } from "../logger.ts";
import { PROBLEM_TYPES } from "./problem-types.ts";
import { toPath } from "./request-check.ts";

const METHODS = new Set([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "PATCH",
  "OPTIONS",
  "TRACE",
  "CONNECT",
]);
const ROUTES = new Set(["/session", "/user/widget_urls", "/openapi.yaml"]);

export function createAccessLog(logger: Logger): RequestHandler {
  return function accessLog(req, res, next) {
    const startedAt = performance.now();
    res.once("close", () => logger.request(toEntry(req, res, performance.now() - startedAt)));
    next();
  };
}

function toEntry(req: Request, res: Response, durationMs: number): RequestEntry {
  const { requestId, tenant, error, budget } = res.locals;
  return {
    method: toMethod(req),
    route: toRoute(req),
    status: res.statusCode,
    durationMs: Math.round(durationMs * 10) / 10,
    requestId,
    tenant,
    mxCalls: budget?.spent(),
    isClientGone: !res.writableFinished,
    error,
    errorType: error && PROBLEM_TYPES[error.code].name,
  };
}

/** One of a closed set. */
export function toMethod({ method = "" }: IncomingMessage): string {
  return METHODS.has(method) ? method : "_OTHER";
}

/** Never the path as it came: that is the caller's text. */
export function toRoute(req: IncomingMessage): string {
  const path = toPath(req);
  if (ROUTES.has(path)) return path;
  return path.startsWith("/problems/") ? "/problems/{name}" : "unmatched";
}
