/**
 * `POST /session`, and `POST /user/widget_urls`, the path that MX's SDK examples have.
 */

import type { IncomingHttpHeaders } from "node:http";
import { type Request, type RequestHandler, type Response, Router } from "express";
import { AppError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { ToPseudonym } from "../pseudonym.ts";
import type { Budget } from "../session/budget.ts";
import type { OpenSession } from "../session/open-session.ts";
import type { Principal } from "../session/types.ts";
import type { TakeShare } from "./admission.ts";
import { requireOrigin } from "./browser-guard.ts";
import { toClientAddress } from "./client-address.ts";
import { refuseMethod } from "./problem.ts";
import { limitFailures, limitUser, type RateLimits } from "./rate-limit.ts";

export type SessionRouterOptions = {
  openSession: OpenSession;
  authenticate: (headers: IncomingHttpHeaders, budget: Budget) => Promise<Principal>;
  logger: Logger;
  toPseudonym: ToPseudonym;
  rateLimits: RateLimits;
  takeShare: TakeShare;
};

export const SESSION_PATHS = ["/session", "/user/widget_urls"];
const JSON_TYPE = "application/json; charset=utf-8";

/** `before` runs for every method, in its order, and is matched once. */
export function createSessionRouter(
  before: readonly RequestHandler[],
  options: SessionRouterOptions,
): Router {
  const { openSession, authenticate, rateLimits, takeShare, logger, toPseudonym } = options;
  const router = Router({ caseSensitive: true, strict: true });
  const route = router.route(SESSION_PATHS).all(...before);

  route.post(async (req, res) => {
    const principal = await limitFailures(rateLimits.failures, res, () =>
      authenticate(req.headers, res.locals.budget),
    );
    const { tenant } = principal;
    res.locals.tenant = tenant.name;
    res.locals.userHash = toPseudonym(principal);
    requireOrigin(tenant.corsOrigins, req, res);
    takeShare(tenant.name, res);
    await limitUser(rateLimits.user, principal, res);
    const request = {
      ...tenant.parseWidgetRequest(req.body),
      language: toLanguage(req.headers["accept-language"]),
      callbackPayload: tenant.allowCallbackPayload ? toCallbackPayload(req) : undefined,
    };
    res.locals.widgetType = request.widgetType;
    const budget = tellingLog(logger, res);
    const { type, url, expiresAt } = await openSession(principal, request, budget);
    sendJson(res, { widget_url: { type, url, expires_at: toTimestamp(expiresAt) } });
  });

  route.options((_req, res) => {
    res.set("Allow", "POST, OPTIONS").status(204).end();
  });

  route.all((_req, res) => refuseMethod(res, "POST, OPTIONS"));

  return router;
}

/** The request's budget, which writes to the audit log what changes at MX, at that moment. */
function tellingLog(logger: Logger, res: Response): Budget {
  const { budget, requestId, traceId, tenant = "", userHash = "", address } = res.locals;
  return {
    ...budget,
    tell(event) {
      const clientAddress = toClientAddress(address);
      logger.change({ event, requestId, traceId, tenant, userHash, clientAddress });
    },
  };
}

/** Without what Express's `json` can do besides: settings, callbacks, entity tags, fresh answers. */
function sendJson(res: Response, content: object): void {
  const body = JSON.stringify(content);
  const length = Buffer.byteLength(body);
  res.writeHead(200, { "Content-Type": JSON_TYPE, "Content-Length": length }).end(body);
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
