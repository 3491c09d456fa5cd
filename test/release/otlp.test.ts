/** The service with a collector that answers, and with none. One that hangs: test/release/otlp-silent.test.ts. */

import { describe, expect, it } from "vitest";
import { runTwentySessions, startCollector } from "../support/collector.ts";

describe("with a collector", () => {
  /** Says which of the SDK's modules are loaded. */
  const LOADED = `--import=data:text/javascript,${encodeURIComponent(`
    import { registerHooks } from "node:module";
    let isLoaded = false;
    registerHooks({
      load(url, context, next) {
        isLoaded ||= /opentelemetry.(sdk|exporter|resources)/.test(url);
        return next(url, context);
      },
    });
    process.on("exit", () => isLoaded && console.error("LOADED"));`)}`;

  it("sends the spans, the last ones at the end, and nothing secret", async () => {
    using collector = await startCollector(true);
    const { statuses, code, secrets } = await runTwentySessions({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    });

    expect(statuses).toEqual(Array(20).fill(200));
    expect(code).toBe(0);
    expect([...collector.paths]).toEqual(["/v1/traces"]);
    const names = collector.names();
    expect(names.filter((name) => name === "POST /session")).toHaveLength(20);
    expect(names).toContain("POST /users/{user}/widget_urls");
    const text = collector.received.join("");
    expect(text).toContain("mx-session-bff");
    for (const secret of [...secrets, "canary", "USR-", "eyJ"]) expect(text).not.toContain(secret);
  });

  it.each<[string, Record<string, string>, boolean]>([
    [
      "loads the SDK with an endpoint",
      { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1/" },
      true,
    ],
    ["loads none of it without", {}, false],
    [
      "loads none of it where it is switched off",
      { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1", OTEL_SDK_DISABLED: "true" },
      false,
    ],
  ])("the service %s", async (_what, environment, isLoaded) => {
    const { output } = await runTwentySessions({ NODE_OPTIONS: LOADED, ...environment });
    expect(output.includes("LOADED")).toBe(isLoaded);
  });

  it("records the share that is asked for, and of callers' traces those that they record", async () => {
    using collector = await startCollector(true);
    const { code } = await runTwentySessions({
      OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`,
      OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0",
    });
    expect(code).toBe(0);
    expect(collector.names()).toEqual([]);
  });
});
