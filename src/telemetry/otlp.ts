/**
 * Sends spans to an OpenTelemetry collector: `node --import ./src/telemetry/otlp.ts src/main.ts`. Optional.
 *
 * Set by OpenTelemetry's own variables: OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS, OTEL_SERVICE_NAME,
 * OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER. Its packages are no production dependencies (docs/observability.md).
 * There is no automatic instrumentation: it would record MX's keys, as they stand in the URLs of the SSO API.
 * A collector that is dead or hangs costs no request, and at the end a second.
 */

import { context, propagation, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";

const TIMEOUT_MS = 2000;

const provider = new TracerProvider({
  resource: resourceFromAttributes({ "service.name": "mx-session-bff" }).merge(
    detectResources({ detectors: [envDetector] }),
  ),
  sampler: toSampler(process.env.OTEL_TRACES_SAMPLER, Number(process.env.OTEL_TRACES_SAMPLER_ARG)),
  spanProcessors: [
    new BatchSpanProcessor({
      exporter: new OTLPTraceExporter({ timeoutMillis: TIMEOUT_MS }),
      exportTimeoutMillis: TIMEOUT_MS,
      maxQueueSize: 2048, // More spans than that are dropped.
      scheduledDelayMillis: 1000,
    }),
  ],
});
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(new W3CTraceContextPropagator());
trace.setGlobalTracerProvider(provider);

/** Source: OpenTelemetry, Environment variable specification, "General SDK configuration". */
function toSampler(name = "parentbased_always_on", ratio: number): Sampler {
  const [, isParentBased, kind] =
    /^(parentbased_)?(always_on|always_off|traceidratio)$/.exec(name) ?? [];
  if (!kind)
    throw new Error("OTEL_TRACES_SAMPLER must be a sampler of OpenTelemetry's specification");
  const root =
    kind === "always_on"
      ? new AlwaysOnSampler()
      : kind === "always_off"
        ? new AlwaysOffSampler()
        : new TraceIdRatioBasedSampler(Number.isNaN(ratio) ? 1 : ratio);
  return isParentBased ? new ParentBasedSampler({ root }) : root;
}
