/**
 * One CLIENT span for each call to MX, retries included, by the template of its path: never with an id or a key.
 *
 * Source: OpenTelemetry, Semantic conventions for HTTP spans, "HTTP client".
 */

import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { inSpan, type Tracing, toTraceHeaders } from "../../telemetry/tracing.ts";
import type { Send } from "../client.ts";
import type { Operation } from "../outcome.ts";

const TEMPLATES: Record<Operation, string> = {
  "sso.read_user": "/user/{user}",
  "sso.create_user": "/user",
  "sso.read_member": "/member/{member}",
  "sso.create_member": "/member",
  "sso.update_member": "/member/{member}",
  "platform.list_users": "/users",
  "platform.read_user": "/users/{user}",
  "platform.create_user": "/users",
  "platform.request_widget_url": "/users/{user}/widget_urls",
};

export type SpanTarget = { tenant: string; baseUrl: URL };

export function withSpans(send: Send, target: SpanTarget, tracing: Tracing): Send {
  const { tracer, doesPropagate } = tracing;
  const { hostname, port, protocol } = target.baseUrl;
  const fixed = {
    "server.address": hostname,
    "server.port": Number(port) || (protocol === "https:" ? 443 : 80),
    tenant: target.tenant,
  };

  return function sendInSpan(call, budget) {
    const template = TEMPLATES[call.operation];
    const attributes = {
      ...fixed,
      "http.request.method": call.method,
      "url.template": template,
      "mx.operation": call.operation,
    };
    const options = { kind: SpanKind.CLIENT, attributes };
    return inSpan(tracer, `${call.method} ${template}`, options, async (span) => {
      const headers = { ...call.headers, ...(doesPropagate && toTraceHeaders()) };
      const answer = await send({ ...call, headers }, budget);
      const { outcome, status, reason } = answer;
      span.setAttribute("mx.outcome", outcome);
      if (status !== undefined) span.setAttribute("http.response.status_code", status);
      if (outcome !== "ok" && outcome !== "not_found" && outcome !== "conflict") {
        span.setAttribute("error.type", reason ?? outcome);
        span.setStatus({ code: SpanStatusCode.ERROR });
      }
      return answer;
    });
  };
}
