/**
 * `POST /session`, and `POST /user/widget_urls`, the path that MX's SDK examples have.
 */

import type { IncomingHttpHeaders } from "node:http";
import type { Request, RequestHandler, Response, Router } from "express";
import { AppError } from "../errors.ts";
import type { Budget } from "../session/budget.ts";
import type { OpenSession } from "../session/open-session.ts";
import type { Principal, RequestContext } from "../session/types.ts";
import type { Logger, ToPseudonym } from "../telemetry/logger.ts";
import {
  type AdmissionOptions,
  createAddressLimit,
  createAdmission,
  createUserLimit,
  limitFailures,
  type RateLimits,
} from "./admission.ts";
import { jsonBody } from "./json-body.ts";
import {
  createCorsPreflight,
  createCsrfGuard,
  type OriginRules,
  requireTenantOrigin,
} from "./origins.ts";
import { methodNotAllowed } from "./problems.ts";
import { admittedRequest } from "./request-context.ts";

export type SessionOptions = AdmissionOptions &
  OriginRules & {
    openSession: OpenSession;
    authenticate: (headers: IncomingHttpHeaders, budget: Budget) => Promise<Principal>;
    logger: Logger;
    toPseudonym: ToPseudonym;
    rateLimits: RateLimits;
  };

export const SESSION_PATHS = ["/session", "/user/widget_urls"];
const METHODS = "POST, OPTIONS";

/** The order is the documentation: the cheapest steps come first, and each may refuse. CORS headers are set before. */
export function routeSessions(router: Router, options: SessionOptions): void {
  const { rateLimits } = options;
  const { shedLoad, admit, takeTenantShare } = createAdmission(options);
  const csrfGuard = createCsrfGuard(options);
  const limitByAddress = createAddressLimit(rateLimits.address);
  const limitByUser = createUserLimit(rateLimits.user);
  const authenticate = createAuthenticate(options);
  const openWidget = createOpenWidget(options);

  const paths = SESSION_PATHS.map((path) => `${path}{/}`); // With or without a final slash.
  router.options(paths, createCorsPreflight(METHODS, options)); // Never shed, never counted.
  router.post(
    paths,
    shedLoad,
    csrfGuard,
    limitByAddress,
    jsonBody,
    admit,
    authenticate,
    requireTenantOrigin,
    takeTenantShare,
    limitByUser,
    openWidget,
  );
  router.all(paths, methodNotAllowed(METHODS));
}

function createAuthenticate(options: SessionOptions): RequestHandler {
  return async function authenticate(req, res, next) {
    const { budget, address } = res.locals;
    if (!budget) throw new Error("a request is authenticated within its budget");
    const principal = await limitFailures(options.rateLimits.failures, address, () =>
      options.authenticate(req.headers, budget),
    );
    res.locals.principal = principal;
    res.locals.userHash = options.toPseudonym(principal);
    next();
  };
}

function createOpenWidget({ openSession, logger }: SessionOptions): RequestHandler {
  return async function openWidget(req, res) {
    const { principal } = admittedRequest(res);
    const { tenant } = principal;
    const request = {
      ...tenant.parseWidgetRequest(req.body),
      language: toLanguage(req.headers["accept-language"]),
      callbackPayload: tenant.allowCallbackPayload ? toCallbackPayload(req) : undefined,
    };
    res.locals.widgetType = request.widgetType;
    const { type, url, expiresAt } = await openSession(principal, request, toContext(logger, res));
    res.json({ widget_url: { type, url, expires_at: toTimestamp(expiresAt) } });
  };
}

/** Writes to the log what changes at MX, and what was not to be had, at that moment. */
function toContext(logger: Logger, res: Response): RequestContext {
  const { principal, budget } = admittedRequest(res);
  const { requestId, traceId, userHash = "", address: clientAddress } = res.locals;
  const common = { requestId, traceId, tenant: principal.tenant.name, userHash };
  return {
    budget,
    audit: (event) => logger.change({ ...common, event, clientAddress }),
    profileFailed: (error) => logger.profileFailed({ ...common, error }),
    profileRefused: (fields) => logger.profileRefused({ ...common, fields }),
  };
}

/** Every browser sends one; what is not well-formed is left out. Source: RFC 9110, section 12.5.4. */
function toLanguage(header: string | undefined): string | undefined {
  const isUsable = header && header !== "*" && header.length <= 256 && LANGUAGES.test(header);
  return isUsable ? header : undefined;
}

const LANGUAGE = String.raw`(?:\*|[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)(?:[ \t]*;[ \t]*q=(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?`;
const LANGUAGES = new RegExp(`^${LANGUAGE}(?:[ \\t]*,[ \\t]*${LANGUAGE})*$`);

/** Source: MX Platform API, Request widget URL: Base64, at most 1024 characters. */
function toCallbackPayload(req: Request): string | undefined {
  const payload = req.get("x-callback-payload");
  if (payload === undefined) return undefined;
  if (payload.length <= 1024 && BASE64.test(payload)) return payload;
  const detail = "must be Base64 of at most 1024 characters";
  throw new AppError("invalid_request", `The header X-Callback-Payload ${detail}.`, {
    errors: [{ header: "X-Callback-Payload", detail }],
  });
}

const BASE64 = /^(?=.)(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** RFC 3339 in UTC, whole seconds, rounded down: never later than MX thinks. */
function toTimestamp(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
