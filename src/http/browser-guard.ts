/**
 * Which pages may ask. Decides before the handler: a CORS header alone would not stop the request.
 *
 * An `Origin` that is present must be listed, or come with `Sec-Fetch-Site: same-origin`, which only a browser's own
 * page on this very origin gets. Native apps send no `Origin` and prove themselves with a token.
 *
 * A cookie is sent by the browser, whichever page made it ask. So who is known by one also sends `X-CSRF: 1`, which no
 * foreign page can add without a preflight, and has to be a page that is known: neither of the two headers, or
 * `Sec-Fetch-Site: none`, is none.
 * Sources: Fetch Standard, section 3.2 (CORS protocol); W3C Fetch Metadata; RFC 10017, "Backend For Frontend".
 */

import type { IncomingHttpHeaders } from "node:http";
import type { Request, Response } from "express";
import { AppError } from "../errors.ts";

const ALLOWED_HEADERS =
  "authorization, content-type, accept-language, accept-version, traceparent, x-csrf, x-request-id, x-callback-payload";
const EXPOSED_HEADERS = "ratelimit, retry-after, x-request-id";
const PREFLIGHT_SECONDS = "600";

/** What lets the page of a listed origin read an answer. */
export type ToCorsHeaders = (origin: string | undefined) => Record<string, string>;

/** Port to the logins that a browser sends by itself. */
export type CookieLogins = {
  takesCookies: boolean;
  isByCookie(headers: IncomingHttpHeaders): boolean;
};

/** `origins`: of all tenants, as a preflight does not say for whom it asks. */
export function createCorsHeaders(
  origins: readonly string[],
  { takesCookies }: CookieLogins,
): ToCorsHeaders {
  const listed = new Set(origins);
  return function toCorsHeaders(origin) {
    if (origin === undefined || !listed.has(origin)) return { Vary: "Origin" };
    return {
      Vary: "Origin",
      "Access-Control-Allow-Origin": origin,
      "Access-Control-Expose-Headers": EXPOSED_HEADERS,
      ...(takesCookies && { "Access-Control-Allow-Credentials": "true" }),
    };
  };
}

export type BrowserGuard = (req: Request, res: Response) => void;

export function createBrowserGuard(
  toCorsHeaders: ToCorsHeaders,
  { isByCookie }: CookieLogins,
): BrowserGuard {
  return function refuseForeignPage(req, res) {
    const { origin } = req.headers;
    const corsHeaders = toCorsHeaders(origin);
    const { headers } = res.locals;
    Object.assign(headers, corsHeaders);
    const isListed = "Access-Control-Allow-Origin" in corsHeaders;
    const isKnownPage = isListed || req.headers["sec-fetch-site"] === "same-origin";
    if (origin !== undefined && !isKnownPage) throw rejected("unlisted_origin", UNKNOWN_PAGE);
    if (req.method === "POST" && isByCookie(req.headers)) {
      if (!isKnownPage) throw rejected("no_known_page", NO_PAGE);
      if (req.headers["x-csrf"] !== "1") throw rejected("no_static_header", NO_STATIC_HEADER);
    }
    if (req.method === "OPTIONS" && origin !== undefined) {
      headers["Access-Control-Allow-Methods"] = "POST";
      headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS;
      headers["Access-Control-Max-Age"] = PREFLIGHT_SECONDS;
    }
  };
}

const UNKNOWN_PAGE = "The page's origin is not listed. The operator can add it to CORS_ORIGINS.";
const NO_PAGE =
  "A login by cookie is taken from a known page only: from the service's own origin, or from one in CORS_ORIGINS.";
const NO_STATIC_HEADER = "With a login by cookie the request needs the header X-CSRF: 1.";

/** Once the tenant is known: the page's origin must be one of its own, not only of some tenant. */
export function requireOrigin(origins: readonly string[], req: Request, res: Response): void {
  const { origin } = req.headers;
  if (origin === undefined || origins.includes(origin)) return;
  if (req.headers["sec-fetch-site"] === "same-origin") return;
  delete res.locals.headers["Access-Control-Allow-Origin"];
  delete res.locals.headers["Access-Control-Expose-Headers"];
  throw rejected("origin_of_other_tenant", UNKNOWN_PAGE);
}

function rejected(reason: string, message: string): AppError {
  return new AppError("csrf_rejected", message, { reason });
}
