/**
 * The header that continues a trace. `tracestate` and `baggage` are neither taken nor sent: what a caller puts there would
 * go on to MX and to the collector.
 *
 * Source: W3C Trace Context, section 3.2.
 */

import { isSpanContextValid, type SpanContext } from "@opentelemetry/api";

/** Version, trace, parent, flags. A later version may add fields at the end. */
const TRACEPARENT = /^(?!ff)([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/;

/** `undefined` where it is not valid. */
export function parseTraceparent(header: string): SpanContext | undefined {
  const [, version, traceId = "", spanId = "", flags = "", rest] = TRACEPARENT.exec(header) ?? [];
  if (version === "00" && rest !== undefined) return undefined;
  const parsed = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
  return isSpanContextValid(parsed) ? parsed : undefined;
}

export function formatTraceparent({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags & 1 ? "01" : "00"}`;
}
