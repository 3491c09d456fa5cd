/**
 * Which pages may ask. Decides before the handler: a CORS header alone would not stop the request.
 *
 * An `Origin` that is present must be listed, or come with `Sec-Fetch-Site: same-origin`, which only a browser's own
 * page on this very origin gets. Native apps send no `Origin`, and a token.
 *
 * The browser sends a cookie by itself, whichever page made the request. So a login by cookie also needs `X-CSRF: 1`,
 * which no foreign page can add without a preflight, and a page that is known: no `Origin` together with no
 * `Sec-Fetch-Site`, or with `Sec-Fetch-Site: none`, is not a known page.
 * Sources: W3C Fetch Metadata; RFC 10017, "Backend For Frontend".
 */

import type { IncomingHttpHeaders } from "node:http";
import type { NextFunction, Request, RequestHandler, Response } from "express";
import { AppError, type Reason } from "../errors.ts";
import { isAppOrigin, withdrawCors } from "./cors.ts";
import { admittedRequest } from "./request-context.ts";

/** Port to the logins that a browser sends by itself. */
export type CookieLogins = {
  takesCookies: boolean;
  isByCookie(headers: IncomingHttpHeaders): boolean;
};

/** Refuses a page that is neither listed nor of the service's own origin. `origins`: of all tenants. */
export function createOriginGuard(origins: ReadonlySet<string>): RequestHandler {
  return function originGuard(req, _res, next) {
    refuseUnlistedOrigin(req, origins);
    next();
  };
}

/** The same, and a login by cookie unless a known page has made the request on purpose. */
export function createCsrfGuard(
  origins: ReadonlySet<string>,
  { isByCookie }: CookieLogins,
): RequestHandler {
  return function csrfGuard(req, _res, next) {
    refuseUnlistedOrigin(req, origins);
    if (isByCookie(req.headers)) {
      if (isAppOrigin(req.headers.origin)) throw rejected("cookie_from_app", NO_COOKIE_FROM_APP);
      if (!isKnownPage(req, origins)) throw rejected("no_known_page", NO_PAGE);
      if (req.headers["x-csrf"] !== "1") throw rejected("no_static_header", NO_STATIC_HEADER);
    }
    next();
  };
}

/** Once the tenant is known: the origin must be one of its own, not only of some tenant. */
export function requireTenantOrigin(req: Request, res: Response, next: NextFunction): void {
  const { origin } = req.headers;
  const { corsOrigins } = admittedRequest(res).principal.tenant;
  if (origin !== undefined && !corsOrigins.includes(origin) && !isSameOrigin(req)) {
    withdrawCors(res);
    throw rejected("origin_of_other_tenant", UNLISTED);
  }
  next();
}

function refuseUnlistedOrigin(req: Request, origins: ReadonlySet<string>): void {
  if (req.headers.origin !== undefined && !isKnownPage(req, origins))
    throw rejected("unlisted_origin", isListable(req.headers.origin) ? UNLISTED : NO_ORIGIN);
}

function isKnownPage(req: Request, origins: ReadonlySet<string>): boolean {
  const { origin } = req.headers;
  return (origin !== undefined && origins.has(origin)) || isSameOrigin(req);
}

function isSameOrigin({ headers }: Request): boolean {
  return headers["sec-fetch-site"] === "same-origin";
}

/** `null` and file:// stand for very different pages: sandboxed frames, files, redirects. CORS_ORIGINS does not take them. */
function isListable(origin: string): boolean {
  return origin !== "null" && !/^file:/i.test(origin);
}

const UNLISTED = "The page's origin is not listed. The operator can add it to CORS_ORIGINS.";
const NO_ORIGIN =
  "A page without an origin of its own (null, file://) cannot ask. Serve it from an https origin.";
const NO_COOKIE_FROM_APP =
  "A login by cookie is not accepted from an app's origin. Send a token in the Authorization header.";
const NO_PAGE =
  "A login by cookie is accepted only from a known page: of the service's own origin, or of one in CORS_ORIGINS.";
const NO_STATIC_HEADER = "With a login by cookie the request needs the header X-CSRF: 1.";

function rejected(reason: Reason, message: string): AppError {
  return new AppError("csrf_rejected", message, { reason });
}
