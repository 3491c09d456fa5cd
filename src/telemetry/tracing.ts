/**
 * Spans through OpenTelemetry's API. Without an SDK there is no tracer, and then nothing of this is installed, nor the API
 * loaded here.
 *
 * Attributes are words of closed sets, numbers and names from the configuration: no key, id, path or query can get in, as
 * nothing is taken from a request, a URL or an error's text. `tracestate` and `baggage` are neither read nor sent: what a caller
 * puts there would go on to MX and to the collector.
 * Sources: OpenTelemetry, Semantic conventions for HTTP spans; W3C Trace Context, section 3.2.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Span, SpanContext, SpanOptions, Tracer } from "@opentelemetry/api";
import { AppError } from "../errors.ts";
import type { OpenSession } from "../session/open-session.ts";
import type { OtlpOptions } from "./otlp.ts";

export type OpenTelemetryApi = typeof import("@opentelemetry/api");

export type Tracing = {
  api: OpenTelemetryApi;
  tracer: Tracer;
  /** TRACE_PROPAGATION: whether MX and the partner are sent `traceparent`. */
  doesPropagate: boolean;
};

/** Where every copy of the API's version 1 keeps what an SDK has registered. Source: OpenTelemetry JS, API, global-utils. */
const REGISTERED = Symbol.for("opentelemetry.js.api.1");

/**
 * With the tracer of an SDK that was registered before; else one that sends spans as `options` say. `undefined` where there is
 * neither.
 */
export async function openTracing(
  version: string,
  options: OtlpOptions | undefined,
  doesPropagate: boolean,
): Promise<Tracing | undefined> {
  if (!options && !(REGISTERED in globalThis)) return undefined;
  const api = await import("@opentelemetry/api");
  if (options && !findTracer(api, version)) (await import("./otlp.ts")).exportSpans(options);
  const tracer = findTracer(api, version);
  return tracer && { api, tracer, doesPropagate };
}

/** `undefined` where no SDK has been registered. */
function findTracer(
  { ProxyTracerProvider, trace }: OpenTelemetryApi,
  version: string,
): Tracer | undefined {
  const provider = trace.getTracerProvider();
  return provider instanceof ProxyTracerProvider
    ? provider.getDelegateTracer("mx-session-bff", version)
    : provider.getTracer("mx-session-bff", version);
}

/** Sends the spans that are left, for at most `timeoutMs`: a collector may hang. */
export async function flushSpans({ api }: Tracing, timeoutMs: number): Promise<void> {
  const { ProxyTracerProvider, trace } = api;
  const provider = trace.getTracerProvider();
  const delegate = provider instanceof ProxyTracerProvider ? provider.getDelegate() : provider;
  if (!("shutdown" in delegate) || typeof delegate.shutdown !== "function") return;
  const flushed = Promise.resolve(delegate.shutdown()).catch(() => {});
  await Promise.race([flushed, sleep(timeoutMs)]);
}

/** Does the work as the parent of the spans within. Of a failure, only the code is recorded. */
export function inSpan<T>(
  { api, tracer }: Tracing,
  name: string,
  options: SpanOptions,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  return tracer.startActiveSpan(name, options, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      span.setAttribute("error.type", error instanceof AppError ? error.code : "internal_error");
      span.setStatus({ code: api.SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** For an upstream, if it may be sent: the active span as the parent of its own. */
export function toTraceHeaders({ api, doesPropagate }: Tracing): Record<string, string> {
  const { context, trace } = api;
  const spanContext = doesPropagate && trace.getSpanContext(context.active());
  return spanContext ? { traceparent: formatTraceparent(spanContext) } : {};
}

/** With a span around each call, where there is tracing. */
export function withSpan<Arguments extends unknown[], Result>(
  name: string,
  work: (...values: Arguments) => Promise<Result>,
  tracing: Tracing | undefined,
): (...values: Arguments) => Promise<Result> {
  return tracing ? (...values) => inSpan(tracing, name, {}, () => work(...values)) : work;
}

/** The same. What changes at MX stands on the span as events. */
export function withOpenSessionSpan(
  openSession: OpenSession,
  tracing: Tracing | undefined,
): OpenSession {
  if (!tracing) return openSession;
  return (principal, request, context) =>
    inSpan(tracing, "open session", {}, (span) => {
      const audit: typeof context.audit = (event) => {
        span.addEvent(event);
        context.audit(event);
      };
      return openSession(principal, request, { ...context, audit });
    });
}

/** Version, trace, parent, flags; zeros alone are no id. A later version may add fields at the end. */
const TRACEPARENT =
  /^(?!ff)([\da-f]{2})-(?!0+-)([\da-f]{32})-(?!0+-)([\da-f]{16})-([\da-f]{2})(-.*)?$/;

/** `undefined` where it is not valid. */
export function parseTraceparent(header: string): SpanContext | undefined {
  const [, version, traceId, spanId, flags = "", rest] = TRACEPARENT.exec(header) ?? [];
  if (!traceId || !spanId || (version === "00" && rest !== undefined)) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
}

export function formatTraceparent({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags & 1 ? "01" : "00"}`;
}
