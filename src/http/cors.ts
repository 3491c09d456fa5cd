/**
 * Which pages may read an answer. Every answer to a listed origin carries the headers, so that a page can read why it was
 * refused, too.
 *
 * This refuses nothing: the browser sends a simple request whatever the headers say. csrf.ts refuses.
 * Source: Fetch Standard, section 3.2 (CORS protocol).
 */

import type { RequestHandler, Response } from "express";

const ALLOWED_HEADERS =
  "authorization, content-type, accept-language, accept-version, traceparent, x-csrf, x-request-id, x-callback-payload";
const EXPOSED_HEADERS = "ratelimit, retry-after, x-request-id";
const PREFLIGHT_SECONDS = "600";

export type CorsOptions = {
  /** Of all tenants: a preflight does not say whose user it is for. */
  origins: ReadonlySet<string>;
  /** Whether a login can be a cookie. */
  takesCookies: boolean;
};

export function createCorsHeaders({ origins, takesCookies }: CorsOptions): RequestHandler {
  return function corsHeaders(req, res, next) {
    const { origin } = req.headers;
    res.set("Vary", "Origin");
    if (origin !== undefined && origins.has(origin)) {
      res.set("Access-Control-Allow-Origin", origin);
      res.set("Access-Control-Expose-Headers", EXPOSED_HEADERS);
      if (takesCookies) res.set("Access-Control-Allow-Credentials", "true");
    }
    next();
  };
}

/** Answers a preflight. `allow` lists the methods of the path. */
export function createCorsPreflight(allow: string): RequestHandler {
  return function corsPreflight(req, res) {
    res.set("Allow", allow);
    if (req.headers.origin !== undefined) {
      res.set("Access-Control-Allow-Methods", "POST");
      res.set("Access-Control-Allow-Headers", ALLOWED_HEADERS);
      res.set("Access-Control-Max-Age", PREFLIGHT_SECONDS);
    }
    res.status(204).end();
  };
}

/** Takes back what `corsHeaders` has granted. */
export function withdrawCors(res: Response): void {
  res.removeHeader("Access-Control-Allow-Origin");
  res.removeHeader("Access-Control-Expose-Headers");
  res.removeHeader("Access-Control-Allow-Credentials");
}

/** For files that are the same for everyone. */
export function openToAllOrigins(res: Response): void {
  withdrawCors(res);
  res.removeHeader("Vary");
  res.set("Access-Control-Allow-Origin", "*");
  res.set("Cross-Origin-Resource-Policy", "cross-origin");
}
