/**
 * Reports the calls to one MX host: to an observer, which may count them, and as one CLIENT span each, retries included.
 *
 * A span has the template of a path, never an id or a key.
 * Source: OpenTelemetry, Semantic conventions for HTTP spans, "HTTP client".
 */

import type { Span } from "@opentelemetry/api";
import type { UpstreamReason } from "../../errors.ts";
import { inSpan, type Tracing, toTraceHeaders } from "../../telemetry/tracing.ts";
import type { Answer, Failure, MxApi, Operation, Send } from "../call.ts";
import { isStale } from "../outcome.ts";

/** None of these may throw. */
export type MxObserver = {
  /** A single call, retries included. */
  onAnswer(answer: Answer, durationMs: number): void;
  /** It met a connection that MX had closed while it was idle. */
  onStale(): void;
  /** One more call is made, because of this outcome of the last one. */
  onRetry(outcome: Failure): void;
  /** The retry budget was spent. */
  onRetryRefused(): void;
  /** A call was refused at once, without asking MX. */
  onNotSent(reason: NotSentReason): void;
  /** Are given a way to read the state at any time. */
  watchBreaker(read: () => BreakerState): void;
  watchBulkhead(read: () => BulkheadState): void;
};

export type NotSentReason = Extract<
  UpstreamReason,
  "circuit_open" | "bulkhead_full" | "bulkhead_wait"
>;

export type BreakerState = "closed" | "open" | "half_open";

export type BulkheadState = { inFlight: number; waiting: number; connections: number };

/** Around the call itself, so that neither waits nor retries count as MX's time. */
export function withObserver(
  send: Send,
  { onAnswer, onStale }: Partial<MxObserver>,
  now: () => number = () => performance.now(),
): Send {
  return async function sendObserved(call, budget) {
    const startedAt = now();
    const answer = await send(call, budget); // Rejects only where nothing was sent.
    onAnswer?.(answer, now() - startedAt);
    if (isStale(answer)) onStale?.();
    return answer;
  };
}

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
  "sso_v3.request_widget_url": "/{client}/users/{user}/urls.json",
  "mdx.create_user": "/{client}/users.json",
  "mdx.read_user": "/{client}/users/{user}.json",
  "mdx.create_member": "/{client}/users/{user}/members.json",
  "mdx.read_member": "/{client}/users/{user}/members/{member}.json",
  "mdx.update_member": "/{client}/users/{user}/members/{member}.json",
};

type SpansOptions = {
  tenant: string;
  /** Without it there are no spans. */
  tracing: Tracing | undefined;
};

export function withSpans(send: Send, { baseUrl }: MxApi, options: SpansOptions): Send {
  const { tenant, tracing } = options;
  if (!tracing) return send;
  const { SpanKind } = tracing.api;
  const { hostname, port, protocol } = baseUrl;
  const fixed = {
    "server.address": hostname,
    "server.port": Number(port) || (protocol === "https:" ? 443 : 80),
    tenant,
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
    return inSpan(tracing, `${call.method} ${template}`, options, async (span) => {
      const headers = { ...call.headers, ...toTraceHeaders(tracing) };
      const answer = await send({ ...call, headers }, budget);
      describe(tracing, span, answer);
      return answer;
    });
  };
}

function describe({ api }: Tracing, span: Span, answer: Answer): void {
  const { outcome, status } = answer;
  span.setAttribute("mx.outcome", outcome);
  if (status !== undefined) span.setAttribute("http.response.status_code", status);
  if (outcome === "ok" || outcome === "not_found" || outcome === "conflict") return;
  span.setAttribute("error.type", answer.reason ?? outcome);
  span.setStatus({ code: api.SpanStatusCode.ERROR });
}
