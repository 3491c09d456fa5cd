/**
 * One SERVER span per request, a child of the caller's where it sends a valid `traceparent`.
 *
 * It ends with the request, with what the access log says of it.
 * Source: OpenTelemetry, Semantic conventions for HTTP spans, "HTTP server".
 */

import {
  context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { RequestHandler } from "express";
import type { RequestEntry } from "../telemetry/log-entries.ts";
import { parseTraceparent } from "../telemetry/tracing.ts";

export function createRequestSpan(tracer: Tracer): RequestHandler {
  return function requestSpan(req, res, next) {
    const { traceparent } = req.headers;
    const caller = typeof traceparent === "string" ? parseTraceparent(traceparent) : undefined;
    const parent = caller ? trace.setSpanContext(ROOT_CONTEXT, caller) : ROOT_CONTEXT;
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
