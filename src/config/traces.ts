/**
 * Where spans are sent: OpenTelemetry's own variables, which count only where OTEL_EXPORTER_OTLP_ENDPOINT is set.
 *
 * Source: OpenTelemetry, Environment variable specification, "General SDK configuration"; OTLP exporter configuration.
 */

import type { Faults } from "./faults.ts";
import type { Environment, TracesConfig } from "./types.ts";

const SAMPLER = /^(?<isParentBased>parentbased_)?(?<root>always_on|always_off|traceidratio)$/;

export function toTraces(
  endpoint: URL | undefined,
  environment: Environment,
  faults: Faults,
): TracesConfig | undefined {
  if (!endpoint || environment.OTEL_SDK_DISABLED?.toLowerCase() === "true") return undefined;
  const sampler = environment.OTEL_TRACES_SAMPLER || "parentbased_always_on";
  const { isParentBased, root } = SAMPLER.exec(sampler)?.groups ?? {};
  const ratio = Number(environment.OTEL_TRACES_SAMPLER_ARG || 1);
  if (!root) {
    faults.add(
      "OTEL_TRACES_SAMPLER",
      "must be always_on, always_off, traceidratio, or one of these with parentbased_ in front",
    );
  }
  if (!(ratio >= 0 && ratio <= 1))
    faults.add("OTEL_TRACES_SAMPLER_ARG", "must be a number from 0 to 1");
  if (/grpc/.test(environment.OTEL_EXPORTER_OTLP_PROTOCOL ?? "")) {
    faults.add(
      "OTEL_EXPORTER_OTLP_PROTOCOL",
      "must not be grpc: spans are sent over HTTP, usually to port 4318",
    );
  }
  return {
    url: new URL(`${endpoint.href.replace(/\/$/, "")}/v1/traces`),
    isParentBased: isParentBased !== undefined,
    ratio: root === "always_off" ? 0 : root === "always_on" ? 1 : ratio,
  };
}
