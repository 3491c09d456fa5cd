/** CLIENT spans of calls to the partner's own systems. Source: OpenTelemetry, Semantic conventions for HTTP spans. */

import { inSpan, type Tracing, toTraceHeaders } from "../telemetry/tracing.ts";
import type { Exchange } from "./exchange.ts";

/** `name` stands for the URL, which is configured and may hold anything. */
export function withExchangeSpan(
  exchange: Exchange,
  name: string,
  tracing: Tracing | undefined,
): Exchange {
  if (!tracing) return exchange;
  const { SpanKind, SpanStatusCode } = tracing.api;
  return (request, timeoutMs) =>
    inSpan(
      tracing,
      name,
      { kind: SpanKind.CLIENT, attributes: { "http.request.method": request.method } },
      async (span) => {
        const headers = { ...request.headers, ...toTraceHeaders(tracing) };
        const result = await exchange({ ...request, headers }, timeoutMs);
        if (result.kind === "answer") span.setAttribute("http.response.status_code", result.status);
        else {
          span.setAttribute("error.type", result.failure);
          span.setStatus({ code: SpanStatusCode.ERROR });
        }
        return result;
      },
    );
}
