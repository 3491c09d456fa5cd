/**
 * `POST /session`, and `POST /user/widget_urls`, the path that MX's SDK examples have.
 */

import type { IncomingHttpHeaders } from "node:http";
import type { Request, RequestHandler, Response } from "express";
import { AppError } from "../errors.ts";
import type { Budget } from "../session/budget.ts";
import type { OpenSession } from "../session/open-session.ts";
import type { Principal } from "../session/types.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { ToPseudonym } from "../telemetry/user-hash.ts";
import type { Admission } from "./admission.ts";
import { answer } from "./answer.ts";
import { type BrowserGuard, requireOrigin } from "./browser-guard.ts";
import { toClientAddress } from "./client-address.ts";
import { readJsonBody } from "./json-body.ts";
import { refuseMethod } from "./problem.ts";
import { limitAddress, limitFailures, limitUser, type RateLimits } from "./rate-limit.ts";

export type SessionOptions = {
  openSession: OpenSession;
  authenticate: (headers: IncomingHttpHeaders, budget: Budget) => Promise<Principal>;
  refuseForeignPage: BrowserGuard;
  logger: Logger;
  toPseudonym: ToPseudonym;
  rateLimits: RateLimits;
  admission: Pick<Admission, "admit" | "takeShare">;
};

export const SESSION_PATHS = ["/session", "/user/widget_urls"];
const METHODS = "POST, OPTIONS";
const JSON_TYPE = "application/json; charset=utf-8";

/** One step after the other, each of which may refuse: first what costs least. */
export function createSessionHandler(options: SessionOptions): RequestHandler {
  const { openSession, authenticate, refuseForeignPage } = options;
  const { rateLimits, admission, logger, toPseudonym } = options;

  return async function session(req, res) {
    refuseForeignPage(req, res); // First, so that a page can read why it is refused.
    await limitAddress(rateLimits.address, res);
    const body = await readJsonBody(req);
    const budget = admission.admit(res);
    if (!budget) return;
    if (req.method === "OPTIONS")
      return answer(res, 204, { ...res.locals.headers, Allow: METHODS });
    if (req.method !== "POST") refuseMethod(res, METHODS);

    const principal = await limitFailures(rateLimits.failures, res, () =>
      authenticate(req.headers, budget),
    );
    const { tenant } = principal;
    res.locals.tenant = tenant.name;
    res.locals.userHash = toPseudonym(principal);
    requireOrigin(tenant.corsOrigins, req, res);
    admission.takeShare(tenant.name, res);
    await limitUser(rateLimits.user, principal, res);
    const request = {
      ...tenant.parseWidgetRequest(body),
      language: toLanguage(req.headers["accept-language"]),
      callbackPayload: tenant.allowCallbackPayload ? toCallbackPayload(req) : undefined,
    };
    res.locals.widgetType = request.widgetType;
    const audited = withAuditLog(logger, budget, res);
    const { type, url, expiresAt } = await openSession(principal, request, audited);
    const widgetUrl = { type, url, expires_at: toTimestamp(expiresAt) };
    const content = { type: JSON_TYPE, body: JSON.stringify({ widget_url: widgetUrl }) };
    answer(res, 200, res.locals.headers, content);
  };
}

/** The request's budget, which writes to the audit log what changes at MX, at that moment. */
function withAuditLog(logger: Logger, budget: Budget, res: Response): Budget {
  const { requestId, traceId, tenant = "", userHash = "", address } = res.locals;
  return {
    ...budget,
    audit(event) {
      const clientAddress = toClientAddress(address);
      logger.change({ event, requestId, traceId, tenant, userHash, clientAddress });
    },
  };
}

/** Every browser sends one; what does not look like one is left out. Source: RFC 9110, section 12.5.4. */
function toLanguage(header: string | undefined): string | undefined {
  return header && header !== "*" && /^[A-Za-z0-9*,;=. -]{1,256}$/.test(header)
    ? header
    : undefined;
}

/** Source: MX Platform API, Request widget URL: Base64, at most 1024 characters. */
function toCallbackPayload(req: Request): string | undefined {
  const payload = req.get("x-callback-payload");
  if (payload === undefined) return undefined;
  if (payload.length <= 1024 && BASE64.test(payload)) return payload;
  throw new AppError(
    "invalid_request",
    "The header X-Callback-Payload must be Base64 of at most 1024 characters.",
    {
      errors: [
        { header: "X-Callback-Payload", detail: "must be Base64 of at most 1024 characters" },
      ],
    },
  );
}

const BASE64 = /^(?=.)(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** RFC 3339 in UTC, whole seconds, rounded down: never later than MX thinks. */
function toTimestamp(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
