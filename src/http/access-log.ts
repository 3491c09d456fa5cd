/**
 * One line per request, whatever happens to it, through the closed schema of logger.ts.
 */

import type { Request, RequestHandler, Response } from "express";
import type { Logger, RequestEntry, RequestEvent } from "../telemetry/logger.ts";
import { PROBLEM_TYPES } from "./problem-types.ts";
import { SESSION_PATHS } from "./session.ts";

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
const SESSION_ROUTES = new Set(SESSION_PATHS);
const EMBED_ROUTES = ["/embed.js", "/embed.d.ts", "/embed.json"];
const ROUTES = new Set([...SESSION_PATHS, ...EMBED_ROUTES, "/openapi.yaml", "/docs"]);

/** The caller left, or broke HTTP, before anything was sent. nginx's number for it. */
const GONE_STATUS = 499;

/** `requestStarted`, if any, gives what is to be called when the request has ended. */
export function createAccessLog(logger: Logger, requestStarted?: () => () => void): RequestHandler {
  return function accessLog(req, res, next) {
    const startedAt = performance.now();
    const requestEnded = requestStarted?.();
    res.on("close", () => {
      requestEnded?.();
      const entry = toEntry(req, res, performance.now() - startedAt);
      logger.request(entry);
      res.locals.endSpan?.(entry);
    });
    next();
  };
}

function toEntry(req: Request, res: Response, durationMs: number): RequestEntry {
  const { requestId, traceId, principal, userHash, widgetType, error, budget, address } =
    res.locals;
  const route = toRoute(req);
  const event = isSessionRequest(req.method, route) ? toEvent(res) : undefined;
  return {
    method: toMethod(req),
    route,
    status: res.headersSent ? res.statusCode : GONE_STATUS,
    durationMs: Math.round(durationMs * 10) / 10,
    requestId,
    traceId,
    tenant: principal?.tenant.name,
    event,
    userHash,
    clientAddress: event && address,
    widgetType,
    mxCalls: budget?.spent(),
    isClientGone: !res.writableFinished,
    error,
    errorType: error && PROBLEM_TYPES[error.code].name,
  };
}

/** One of a closed set. */
function toMethod({ method }: Request): string {
  return METHODS.has(method) ? method : "_OTHER";
}

function isSessionRequest(method: string, route: string): boolean {
  return method === "POST" && SESSION_ROUTES.has(route);
}

/** What the auditor sees in the request. */
function toEvent(res: Response): RequestEvent {
  const { error } = res.locals;
  if (error?.code === "unauthenticated") return "authentication.failed";
  if (error?.code === "rate_limited") return "rate_limit.exceeded";
  if (error) return PROBLEM_TYPES[error.code].status < 500 ? "session.refused" : "session.failed";
  return res.writableFinished ? "session.opened" : "session.abandoned";
}

/** Never the path as it came: that is the caller's text. */
function toRoute({ path }: Request): string {
  if (ROUTES.has(path)) return path;
  if (path.startsWith("/docs/")) return "/docs/{file}";
  if (path.startsWith("/embed.")) return "/embed.{hash}.js";
  return path.startsWith("/problems/") ? "/problems/{name}" : "unmatched";
}
