/**
 * One line per request, whatever happens to it, through the closed schema of logger.ts.
 */

import type { Request, RequestHandler, Response } from "express";
import type { Logger, RequestEntry } from "../logger.ts";
import { PROBLEM_TYPES } from "./problem-types.ts";

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
    method: METHODS.has(req.method) ? req.method : "_OTHER",
    route: toRoute(req.path),
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

/** Never the path as it came: that is the caller's text. */
function toRoute(path: string): string {
  if (ROUTES.has(path)) return path;
  return path.startsWith("/problems/") ? "/problems/{name}" : "unmatched";
}
