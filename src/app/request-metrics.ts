/** Metrics of requests: what callers asked for, and the result. */

import { SESSION_PATHS } from "../http/session.ts";
import { SESSION_EVENTS, type SessionEvent } from "../session/types.ts";
import {
  PARSER_REFUSALS,
  type ParserRefusal,
  type RequestEntry,
} from "../telemetry/log-entries.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Meters } from "./meters.ts";

const METHODS = new Set(["GET", "POST", "OPTIONS"]);
const SESSION_ROUTES = new Set(SESSION_PATHS);
/** Alerts fire on the first of these. They start at 0, so that it shows as an increase. */
const DECLARED_RESULTS = ["opened", "upstream-rejected", "upstream-bad-response"];
/** Types of widgets with a series of their own: those that come first. Further ones are `other`. */
const MAX_WIDGET_TYPES = 20;

export type RequestMetrics = ReturnType<typeof createRequestMetrics>;

export function createRequestMetrics(meters: Meters, tenants: readonly string[]) {
  const sessionMetrics = createSessionMetrics(meters, tenants);
  const observe = meters.histogram(
    "http_server_request_duration_seconds",
    "Duration of requests for sessions.",
    ["http_route", "http_response_status_class"],
  );
  const countRequest = meters.counter(
    "http_server_requests_total",
    "Requests on the public port, by what they were answered.",
    ["http_request_method", "http_route", "http_response_status_code", "error_type"],
  );
  const countParserRefusal = meters.counter(
    "bff_parser_refusals_total",
    "What came to a port and is no HTTP/1.1 request, by what it looks like.",
    ["kind"],
  );
  for (const kind of PARSER_REFUSALS) countParserRefusal({ kind }, 0);
  let active = 0;
  meters.gauge(
    "http_server_active_requests",
    "Requests in flight on the public port.",
    () => active,
  );

  return {
    /** A request has begun. */
    requestStarted() {
      active += 1;
    },
    /** It has ended. */
    request(entry: RequestEntry) {
      active -= 1;
      const { method, route, status, errorType = "", durationMs } = entry;
      if (SESSION_ROUTES.has(route)) {
        const http_response_status_class = `${Math.floor(status / 100)}xx`;
        observe({ http_route: route, http_response_status_class }, durationMs);
      }
      countRequest({
        http_request_method: METHODS.has(method) ? method : "_OTHER",
        http_route: route,
        http_response_status_code: status,
        error_type: errorType,
      });
      sessionMetrics.request(entry);
    },
    parserRefusal: (kind: ParserRefusal) => countParserRefusal({ kind }),
    sessionEvent: sessionMetrics.event,
  };
}

function createSessionMetrics({ counter }: Meters, tenants: readonly string[]) {
  const countSession = counter(
    "bff_sessions_total",
    "Session requests of authenticated users, by how they ended.",
    ["tenant", "result"],
  );
  const countWidgetUrl = counter("bff_widget_urls_total", "Widget URLs handed out.", [
    "widget_type",
  ]);
  const countEvent = counter(
    "bff_provisioning_total",
    "Users and Members that were created, updated or completed at MX.",
    ["tenant", "event"],
  );
  const countLoginFailure = counter(
    "bff_authentication_failures_total",
    "Requests whose login was not accepted.",
    ["reason"],
  );
  const widgetTypes = new Set<string>();
  const toWidgetType = (type: string) => {
    if (widgetTypes.size < MAX_WIDGET_TYPES) widgetTypes.add(type);
    return widgetTypes.has(type) ? type : "other";
  };
  for (const tenant of tenants) {
    for (const event of SESSION_EVENTS) countEvent({ tenant, event }, 0);
    for (const result of DECLARED_RESULTS) countSession({ tenant, result }, 0);
  }

  return {
    request({ route, status, tenant, error, errorType, isClientGone, widgetType }: RequestEntry) {
      if (error?.code === "unauthenticated")
        countLoginFailure({ reason: error.reason ?? "unknown" });
      if (!SESSION_ROUTES.has(route) || tenant === undefined) return;
      const isOpened = status === 200 && !isClientGone;
      countSession({ tenant, result: isOpened ? "opened" : errorType || "abandoned" });
      if (isOpened && widgetType) countWidgetUrl({ widget_type: toWidgetType(widgetType) });
    },
    event: (tenant: string, event: SessionEvent) => countEvent({ tenant, event }),
  };
}

/** What is logged is also counted. */
export function withMetrics(
  logger: Logger,
  metrics: Pick<RequestMetrics, "request" | "sessionEvent">,
): Logger {
  return {
    ...logger,
    request(entry) {
      metrics.request(entry);
      logger.request(entry);
    },
    change(entry) {
      metrics.sessionEvent(entry.tenant, entry.event);
      logger.change(entry);
    },
  };
}
