/**
 * One SERVER span per request, a child of the caller's where it sends a valid `traceparent`.
 *
 * It ends with the request, with what the access log says of it. `tracestate` and `baggage` of callers are not taken.
 * Source: W3C Trace Context; OpenTelemetry, Semantic conventions for HTTP spans, "HTTP server".
 */

import {
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { RequestHandler } from "express";
import type { RequestEntry } from "../telemetry/logger.ts";

export function createRequestSpan(tracer: Tracer): RequestHandler {
  return function requestSpan(req, res, next) {
    const { traceparent } = req.headers;
    const parent =
      typeof traceparent === "string"
        ? propagation.extract(ROOT_CONTEXT, { traceparent })
        : ROOT_CONTEXT;
    const span = tracer.startSpan("request", { kind: SpanKind.SERVER }, parent);
    if (span.isRecording()) res.locals.traceId = span.spanContext().traceId;
    res.locals.endSpan = (entry) => end(span, entry);
    context.with(trace.setSpan(parent, span), next);
  };
}

function end(span: Span, entry: RequestEntry): void {
  const { method, route, status, requestId, tenant, errorType, isClientGone } = entry;
  span.updateName(`${method} ${route}`);
  span.setAttributes({
    "http.request.method": method,
    "http.route": route,
    "http.response.status_code": status,
    request_id: requestId,
    ...(tenant !== undefined && { tenant }),
    ...(errorType !== undefined && { "error.type": errorType }),
    ...(isClientGone && { "client.gone": true }),
  });
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}
