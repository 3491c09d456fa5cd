/**
 * One line per request, whatever happens to it, through the closed schema of logger.ts.
 */

import type { Request, RequestHandler, Response } from "express";
import type { RequestEntry, RequestEvent } from "../telemetry/log-entries.ts";
import type { Logger } from "../telemetry/logger.ts";
import { HOSTED_PATHS } from "./hosted-page.ts";
import { HEALTH_PATHS } from "./operations.ts";
import { PROBLEM_TYPES } from "./problem-types.ts";
import { SESSION_PATHS } from "./session.ts";

/** Those that the log names. */
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
const ROUTES = new Set([
  ...SESSION_PATHS,
  ...HEALTH_PATHS,
  ...HOSTED_PATHS,
  "/",
  "/embed.js",
  "/embed.d.ts",
  "/embed.json",
  "/openapi.yaml",
  "/docs",
]);

/** The caller left, or broke HTTP, before anything was sent. nginx's number for it. */
const GONE_STATUS = 499;

export type AccessLogOptions = {
  logger: Logger;
  /** The entry for `logger.request` follows when it has ended. */
  requestStarted?: () => void;
  /** In front of all routes; none if empty. */
  basePath: string;
};

export function createAccessLog(options: AccessLogOptions): RequestHandler {
  const { logger, requestStarted, basePath } = options;
  return function accessLog(req, res, next) {
    const startedAt = performance.now();
    requestStarted?.();
    res.on("close", () => {
      const entry = toEntry(req, res, toRoute(req, basePath), performance.now() - startedAt);
      logger.request(entry);
      res.locals.endSpan?.(entry);
    });
    next();
  };
}

function toEntry(req: Request, res: Response, route: string, durationMs: number): RequestEntry {
  const { locals } = res;
  const { error } = locals;
  const isSessionRequest = req.method === "POST" && SESSION_PATHS.includes(route);
  const event = isSessionRequest ? toEvent(res) : undefined;
  return {
    method: METHODS.has(req.method) ? req.method : "_OTHER",
    route,
    status: res.headersSent ? res.statusCode : GONE_STATUS,
    durationMs: Math.round(durationMs * 10) / 10,
    requestId: locals.requestId,
    receivedRequestId: locals.receivedRequestId,
    traceId: locals.traceId,
    tenant: locals.principal?.tenant.name,
    event,
    userHash: locals.userHash,
    clientAddress: event && locals.address,
    widgetType: locals.widgetType,
    mxCalls: locals.budget?.spent(),
    isClientGone: !res.writableFinished,
    error,
    errorType: error && PROBLEM_TYPES[error.code].name,
  };
}

/** What the auditor sees in the request. */
function toEvent(res: Response): RequestEvent {
  const { error } = res.locals;
  if (error?.code === "unauthenticated") return "authentication.failed";
  if (error?.code === "rate_limited") return "rate_limit.exceeded";
  if (error) return PROBLEM_TYPES[error.code].status < 500 ? "session.refused" : "session.failed";
  if (!res.writableFinished) return "session.abandoned";
  return res.statusCode === 200 ? "session.opened" : "session.refused";
}

/** Never the path as it came: that is the caller's text. */
function toRoute({ originalUrl }: Request, basePath: string): string {
  const [whole = ""] = originalUrl.split("?", 1);
  if (HEALTH_PATHS.includes(whole)) return whole;
  if (!`${whole}/`.startsWith(`${basePath}/`)) return "unmatched";
  const path = whole.slice(basePath.length) || "/";
  if (ROUTES.has(path)) return path;
  const withoutSlash = path.replace(/\/$/, "");
  if (SESSION_PATHS.includes(withoutSlash)) return withoutSlash;
  if (path.startsWith("/docs/")) return "/docs/{file}";
  if (path.startsWith("/embed.")) return "/embed.{hash}.js";
  return path.startsWith("/problems/") ? "/problems/{name}" : "unmatched";
}
