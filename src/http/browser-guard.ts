/**
 * Which pages may ask. Decides before the handler: a CORS header alone would not stop the request.
 *
 * An `Origin` that is present must be listed, or come with `Sec-Fetch-Site: same-origin`, which only a browser's own
 * page on this very origin gets. Native apps send no `Origin` and prove themselves with a token.
 * Sources: Fetch Standard, section 3.2 (CORS protocol); W3C Fetch Metadata.
 */

import type { RequestHandler } from "express";
import { AppError } from "../errors.ts";

const ALLOWED_HEADERS =
  "authorization, content-type, accept-language, accept-version, traceparent, x-csrf, x-request-id, x-callback-payload";
const EXPOSED_HEADERS = "ratelimit, retry-after, x-request-id";
const PREFLIGHT_SECONDS = "600";

/** What lets the page of a listed origin read an answer. */
export type ToCorsHeaders = (origin: string | undefined) => Record<string, string>;

export function createCorsHeaders(origins: readonly string[]): ToCorsHeaders {
  const listed = new Set(origins);
  return function toCorsHeaders(origin) {
    if (origin === undefined || !listed.has(origin)) return { Vary: "Origin" };
    return {
      Vary: "Origin",
      "Access-Control-Allow-Origin": origin,
      "Access-Control-Expose-Headers": EXPOSED_HEADERS,
    };
  };
}

export function createBrowserGuard(toCorsHeaders: ToCorsHeaders): RequestHandler {
  return function browserGuard(req, res, next) {
    const { origin } = req.headers;
    const corsHeaders = toCorsHeaders(origin);
    res.set(corsHeaders);
    if (origin === undefined) return next();
    const isListed = "Access-Control-Allow-Origin" in corsHeaders;
    if (!isListed && req.headers["sec-fetch-site"] !== "same-origin") {
      throw new AppError(
        "csrf_rejected",
        "The page's origin is not listed. The operator can add it to CORS_ORIGINS.",
      );
    }
    if (req.method === "OPTIONS") {
      res.set("Access-Control-Allow-Methods", "POST");
      res.set("Access-Control-Allow-Headers", ALLOWED_HEADERS);
      res.set("Access-Control-Max-Age", PREFLIGHT_SECONDS);
    }
    next();
  };
}
