/**
 * Which pages may ask (CSRF), and which may read the answer (CORS).
 *
 * Every answer to a listed origin carries the CORS headers, so that a page can also read why it was refused. They refuse
 * nothing: the browser sends a simple request whatever the headers say. So the CSRF guard decides before the handler.
 *
 * An `Origin` that is present must be listed, or come with `Sec-Fetch-Site: same-origin`, which only a browser's own
 * page on this very origin gets. Native apps send no `Origin`, and a token.
 *
 * The browser sends a cookie by itself, whichever page made the request. So a login by cookie also needs `X-CSRF: 1`,
 * which no foreign page can add without a preflight, and a page that is known: no `Origin` together with no
 * `Sec-Fetch-Site`, or with `Sec-Fetch-Site: none`, is not a known page.
 * Sources: Fetch Standard, section 3.2 (CORS protocol); W3C Fetch Metadata; RFC 10017, "Backend For Frontend".
 */

import type { IncomingHttpHeaders } from "node:http";
import type { NextFunction, Request, RequestHandler, Response } from "express";
import { AppError, type Reason } from "../errors.ts";
import { admittedRequest } from "./request-context.ts";

/** Allowed if a preflight names no headers. */
const ALLOWED_HEADERS =
  "authorization, content-type, accept-language, accept-version, traceparent, x-csrf, x-request-id, x-callback-payload";
const EXPOSED_HEADERS = "ratelimit, retry-after, x-request-id";
const PREFLIGHT_SECONDS = "600";

export type OriginRules = {
  /** Of all tenants: a preflight does not say whose user it is for. */
  origins: ReadonlySet<string>;
  /** Port to the logins that a browser sends by itself. */
  cookieLogins: { takesCookies: boolean; isByCookie(headers: IncomingHttpHeaders): boolean };
};

export function createCorsHeaders({ origins, cookieLogins }: OriginRules): RequestHandler {
  return function corsHeaders(req, res, next) {
    const { origin } = req.headers;
    res.set("Vary", "Origin");
    if (origin !== undefined && origins.has(origin)) {
      res.set("Access-Control-Allow-Origin", origin);
      res.set("Access-Control-Expose-Headers", EXPOSED_HEADERS);
      if (cookieLogins.takesCookies && !isAppOrigin(origin))
        res.set("Access-Control-Allow-Credentials", "true");
    }
    next();
  };
}

/** Answers a preflight of a page that is listed, or of the service's own origin. `allow` lists the methods of the path. */
export function createCorsPreflight(allow: string, { origins }: OriginRules): RequestHandler {
  return function corsPreflight(req, res) {
    refuseUnlistedOrigin(req, origins);
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
 * Everything that the page asks for: monitoring adds headers (baggage, sentry-trace, x-datadog-…) that cannot be listed in
 * advance, and headers that are not used here do no harm. Invalid field names are left out. Source: RFC 9110, section 5.6.2 (token).
 */
function toAllowedHeaders({ headers }: Request): string {
  const names = headers["access-control-request-headers"]?.split(",") ?? [];
  const tokens = names.flatMap((name) => TOKEN.exec(name)?.[1] ?? []);
  return tokens.length > 0 ? tokens.join(", ").toLowerCase() : ALLOWED_HEADERS;
}

const TOKEN = /^[ \t]*([\w!#$%&'*+.^`|~-]+)[ \t]*$/;

/** Of an app's own scheme, such as capacitor://localhost. Any app can claim one, and the browser's rules for cookies do not apply to it. */
function isAppOrigin(origin: string | undefined): boolean {
  return origin !== undefined && !/^https?:/i.test(origin);
}

/** Takes back what `corsHeaders` has granted. */
function withdrawCors(res: Response): void {
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

/**
 * Refuses a page that is neither listed nor of the service's own origin, and a login by cookie unless a known page has made the
 * request on purpose.
 */
export function createCsrfGuard({ origins, cookieLogins }: OriginRules): RequestHandler {
  return function csrfGuard(req, _res, next) {
    refuseUnlistedOrigin(req, origins);
    if (cookieLogins.isByCookie(req.headers)) {
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

/** `null` and file:// stand for very different pages: sandboxed frames, files, redirects. CORS_ORIGINS does not take them. */
function refuseUnlistedOrigin(req: Request, origins: ReadonlySet<string>): void {
  const { origin } = req.headers;
  if (origin === undefined || isKnownPage(req, origins)) return;
  const isListable = origin !== "null" && !/^file:/i.test(origin);
  throw rejected("unlisted_origin", isListable ? UNLISTED : NO_ORIGIN);
}

function isKnownPage(req: Request, origins: ReadonlySet<string>): boolean {
  const { origin } = req.headers;
  return (origin !== undefined && origins.has(origin)) || isSameOrigin(req);
}

function isSameOrigin({ headers }: Request): boolean {
  return headers["sec-fetch-site"] === "same-origin";
}

const UNLISTED = "The page's origin is not listed. The operator can add it to CORS_ORIGINS.";
const NO_ORIGIN =
  "A page without an origin (null, file://) cannot send requests. Serve it from an https origin.";
const NO_COOKIE_FROM_APP =
  "A login by cookie is not accepted from an app's origin. Send a token in the Authorization header.";
const NO_PAGE =
  "A login by cookie is accepted only from a page on the service's own origin or on one in CORS_ORIGINS.";
const NO_STATIC_HEADER = "With a login by cookie, the request needs the header X-CSRF: 1.";

function rejected(reason: Reason, message: string): AppError {
  return new AppError("csrf_rejected", message, { reason });
}
