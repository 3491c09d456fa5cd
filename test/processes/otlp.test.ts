/** The service with a collector that answers, one that hangs, and none. */

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { startIdentityProvider } from "../../packages/simulator/src/identity-provider.ts";
import { startSimulator } from "../../packages/simulator/src/simulator.ts";
import { startServiceProcess } from "../support/program.ts";
import { baseEnvironment } from "../support/start.ts";

describe("with a collector", () => {
  type Collected = { resourceSpans: { scopeSpans: { spans: { name: string }[] }[] }[] };

  async function startCollector(doesAnswer: boolean) {
    const received: string[] = [];
    const paths = new Set<string | undefined>();
    const server = createServer(async (req, res) => {
      paths.add(req.url);
      received.push(Buffer.concat(await req.toArray()).toString());
      if (doesAnswer) res.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    return {
      url: `http://127.0.0.1:${port}`,
      received,
      paths,
      names: () =>
        received
          .map((text): Collected => JSON.parse(text))
          .flatMap(({ resourceSpans }) => resourceSpans)
          .flatMap(({ scopeSpans }) => scopeSpans)
          .flatMap((scope) => scope.spans.map(({ name }) => name)),
      [Symbol.dispose]() {
        server.close();
        server.closeAllConnections();
      },
    };
  }

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

  /** Twenty sessions, then SIGTERM. */
  async function run(environment: Record<string, string>) {
    await using mx = await startSimulator();
    await using issuer = await startIdentityProvider();
    await using child = await startServiceProcess({
      ...baseEnvironment(mx, issuer, "both"),
      ...environment,
    });
    const headers = { Authorization: `Bearer ${await issuer.issueToken("canary-subject")}` };
    const ask = () => fetch(`${child.url}/session`, { method: "POST", headers });
    const statuses = (await Promise.all(Array.from({ length: 20 }, ask))).map((one) => one.status);
    child.signal("SIGTERM");
    const code = await child.exited;
    const { apiKey, ssoKey } = mx.credentials;
    return { statuses, code, output: child.output(), secrets: [apiKey, ssoKey] };
  }

  it("sends the spans, the last ones at the end, and nothing secret", async () => {
    using collector = await startCollector(true);
    const { statuses, code, secrets } = await run({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });

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

  it("fails no request, and does not hold up the end, where the collector hangs or is not there", async () => {
    using hung = await startCollector(false);
    for (const url of [hung.url, "http://127.0.0.1:1"]) {
      const { statuses, code } = await run({ OTEL_EXPORTER_OTLP_ENDPOINT: url });
      expect(statuses).toEqual(Array(20).fill(200));
      expect(code).toBe(0);
    }
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
    const { output } = await run({ NODE_OPTIONS: LOADED, ...environment });
    expect(output.includes("LOADED")).toBe(isLoaded);
  });

  it("records the share that is asked for, and of callers' traces those that they record", async () => {
    using collector = await startCollector(true);
    const { code } = await run({
      OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`,
      OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0",
    });
    expect(code).toBe(0);
    expect(collector.names()).toEqual([]);
  });
});
