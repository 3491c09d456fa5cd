import { describe, expect, it } from "vitest";
import { ConfigError } from "../../../src/config/faults.ts";
import { loadConfig } from "../../../src/config/load.ts";

const MINIMAL = {
  AUTH_ISSUER: "https://login.bank.com",
  AUTH_AUDIENCE: "mx-session-bff",
  MX_PLATFORM_CLIENT_ID: "client-1",
  MX_PLATFORM_API_KEY: "5f1d7a84c9b2e6035f1d7a84c9b2e603",
};
const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://otel-collector:4318" };

const tracesOf = (environment: Record<string, string>) =>
  loadConfig({ ...MINIMAL, ...environment }).traces;

function faultsOf(environment: Record<string, string>): string[] {
  try {
    loadConfig({ ...MINIMAL, ...environment });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.faults.map(({ variable, message }) => `${variable} ${message}`);
  }
}

describe("traces", () => {
  it.each([
    ["http://otel-collector:4318", "http://otel-collector:4318/v1/traces"],
    ["https://collector.example.com/", "https://collector.example.com/v1/traces"],
    ["https://collector.example.com/otlp/", "https://collector.example.com/otlp/v1/traces"],
  ])("of %s go to %s", (endpoint, url) => {
    expect(tracesOf({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })?.url.href).toBe(url);
  });

  it.each([
    [undefined, undefined, true, 1],
    ["always_on", "0.5", false, 1],
    ["always_off", "0.5", false, 0],
    ["traceidratio", "0.25", false, 0.25],
    ["parentbased_always_off", undefined, true, 0],
    ["parentbased_traceidratio", "0.01", true, 0.01],
  ])(
    "with the sampler %s and %s are parent-based: %s, of the rest %s",
    (name, ratio, based, share) => {
      const environment = {
        ...ENDPOINT,
        ...(name && { OTEL_TRACES_SAMPLER: name }),
        ...(ratio && { OTEL_TRACES_SAMPLER_ARG: ratio }),
      };
      expect(tracesOf(environment)).toMatchObject({ isParentBased: based, ratio: share });
    },
  );

  it("are off without an endpoint, whatever else is set", () => {
    const environment = { OTEL_TRACES_SAMPLER: "xray", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" };
    expect(tracesOf(environment)).toBeUndefined();
    expect(tracesOf({ ...ENDPOINT, OTEL_SDK_DISABLED: "TRUE" })).toBeUndefined();
  });

  it.each([
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: "otel-collector:4317" },
      /^OTEL_EXPORTER_OTLP_ENDPOINT must be/,
    ],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "canary" }, /^OTEL_EXPORTER_OTLP_ENDPOINT must be a URL/],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "https://u:canary@c.example.com" }, /HEADERS$/],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "https://c.example.com/?key=canary" }, /no query/],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://169.254.169.254:4318" }, /metadata address$/],
    [{ ...ENDPOINT, OTEL_TRACES_SAMPLER: "canary" }, /^OTEL_TRACES_SAMPLER must be always_on/],
    [
      { ...ENDPOINT, OTEL_TRACES_SAMPLER_ARG: "canary" },
      /^OTEL_TRACES_SAMPLER_ARG must be a number/,
    ],
    [{ ...ENDPOINT, OTEL_TRACES_SAMPLER_ARG: "2" }, /^OTEL_TRACES_SAMPLER_ARG must be a number/],
    [{ ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, /^OTEL_EXPORTER_OTLP_PROTOCOL must not/],
  ])("with %j are a fault", (environment, message) => {
    const faults = faultsOf(environment);
    expect(faults).toEqual([expect.stringMatching(message)]);
    expect(faults.join()).not.toContain("canary");
  });
});
