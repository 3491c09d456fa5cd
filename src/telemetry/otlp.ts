/**
 * Sends spans to an OpenTelemetry collector. Loaded only where OTEL_EXPORTER_OTLP_ENDPOINT is set.
 *
 * OpenTelemetry's packages read further variables themselves: OTEL_EXPORTER_OTLP_HEADERS, OTEL_SERVICE_NAME,
 * OTEL_RESOURCE_ATTRIBUTES and others. There is no automatic instrumentation: it would record MX's keys, which are in the
 * URLs of the SSO API. A collector that is down or hangs delays no request, and the exit by a second.
 */

import { AsyncLocalStorage } from "node:async_hooks";
import {
  type Context,
  type ContextManager,
  context,
  ROOT_CONTEXT,
  trace,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";

const TIMEOUT_MS = 2000;

export type OtlpOptions = {
  /** Of the collector, for traces: `…/v1/traces`. */
  url: URL;
  /** Whether a caller's decision to record or not holds for its children. */
  isParentBased: boolean;
  /** Of the traces that begin here, the share that is recorded, 0 to 1. */
  ratio: number;
};

/** Registers the SDK for the whole process. */
export function exportSpans({ url, isParentBased, ratio }: OtlpOptions): void {
  const root = new TraceIdRatioBasedSampler(ratio);
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ "service.name": "mx-session-bff" }).merge(
      detectResources({ detectors: [envDetector] }),
    ),
    sampler: isParentBased ? new ParentBasedSampler({ root }) : root,
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter({ url: url.href, timeoutMillis: TIMEOUT_MS }),
        exportTimeoutMillis: TIMEOUT_MS,
        maxQueueSize: 2048, // More spans than that are dropped.
        scheduledDelayMillis: 1000,
      }),
    ],
  });
  context.setGlobalContextManager(createContextManager());
  trace.setGlobalTracerProvider(provider);
}

/** Carries the active span through callbacks and promises. */
function createContextManager(): ContextManager {
  const storage = new AsyncLocalStorage<Context>();
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, work, self, ...values) => storage.run(active, () => work.apply(self, values)),
    bind: (_active, target) => target, // Not used here: it is for instrumentations.
    enable: () => manager,
    disable: () => manager,
  };
  return manager;
}
