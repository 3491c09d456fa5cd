/**
 * Which pages may read an answer. Every answer to a listed origin carries the headers, so that a page can read why it was
 * refused, too.
 *
 * This refuses nothing: the browser sends a simple request whatever the headers say. csrf.ts refuses.
 * Source: Fetch Standard, section 3.2 (CORS protocol).
 */

import type { Request, RequestHandler, Response } from "express";

/** What is granted to a preflight that asks for no header in particular. */
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
      if (takesCookies && !isAppOrigin(origin)) res.set("Access-Control-Allow-Credentials", "true");
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
      res.set("Access-Control-Allow-Headers", toAllowedHeaders(req));
      res.vary("Access-Control-Request-Headers");
      res.set("Access-Control-Max-Age", PREFLIGHT_SECONDS);
    }
    res.status(204).end();
  };
}

/**
 * All that the page asks for: monitoring adds headers (baggage, sentry-trace, x-datadog-…) that nobody can list beforehand,
 * and what is not used here does no harm. What is no field name is left out. Source: RFC 9110, section 5.6.2 (token).
 */
function toAllowedHeaders({ headers }: Request): string {
  const names = headers["access-control-request-headers"]?.split(",") ?? [];
  const tokens = names.flatMap((name) => TOKEN.exec(name)?.[1] ?? []);
  return tokens.length > 0 ? tokens.join(", ").toLowerCase() : ALLOWED_HEADERS;
}

const TOKEN = /^[ \t]*([\w!#$%&'*+.^`|~-]+)[ \t]*$/;

/** Of an app's own scheme, such as capacitor://localhost. Any app can claim one, and the browser's rules for cookies end there. */
export function isAppOrigin(origin: string | undefined): boolean {
  return origin !== undefined && !/^https?:/i.test(origin);
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
