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

export function createBrowserGuard(origins: readonly string[]): RequestHandler {
  const listed = new Set(origins);

  return function browserGuard(req, res, next) {
    res.vary("Origin");
    const { origin } = req.headers;
    if (origin === undefined) return next();
    if (listed.has(origin)) {
      res.set("Access-Control-Allow-Origin", origin);
      res.set("Access-Control-Expose-Headers", EXPOSED_HEADERS);
    } else if (req.headers["sec-fetch-site"] !== "same-origin") {
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
