/**
 * OpenTelemetry's own instrumentation of HTTP, as an admission webhook puts it into NODE_OPTIONS. It records URLs, and the
 * SSO API takes its key in the URL.
 */

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { runProgram, startServiceProcess } from "../support/program.ts";
import { start, startUpstreams } from "../support/start.ts";

const APM = `--import=${new URL("../support/injected-apm.mjs", import.meta.url)}`;
const OWN_TRACING = `--import=${new URL("../../src/telemetry/otlp.ts", import.meta.url)}`;
const PASSIVE = `--import=data:text/javascript,${encodeURIComponent(`
  import { subscribe } from "node:diagnostics_channel";
  import { createHook } from "node:async_hooks";
  subscribe("undici:client:connected", () => {});
  subscribe("http.server.request.start", () => {});
  createHook({ init() {} }).enable();
`)}`;

const folder = mkdtempSync(join(tmpdir(), "apm-"));
const spans = join(folder, "spans");
const upstreams = await startUpstreams();
const { mx } = upstreams;
afterAll(async () => {
  await upstreams[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

function toEnvironment(apis: "platform" | "both", changes: Record<string, string>) {
  return { ...upstreams.environment(apis), APM_SPANS: spans, ...changes };
}

async function run(environment: Record<string, string | undefined>, ...args: string[]) {
  const { code, stdout, stderr } = await runProgram({ args, environment });
  return { code, output: stdout + stderr };
}

describe("where the SSO API is configured, an instrumentation that listens to requests", () => {
  it("keeps the service from starting, and --check says so", async () => {
    const environment = toEnvironment("both", { NODE_OPTIONS: APM });

    const [started, checked] = await Promise.all([run(environment), run(environment, "--check")]);

    expect(started.code).toBe(1);
    expect(checked.code).toBe(2);
    for (const { output } of [started, checked]) {
      expect(output).toMatch(/^ {2}NODE_OPTIONS must not load .* ALLOW_PRELOADS=true$/m);
      expect(output).not.toContain("injected-apm");
    }
    expect(existsSync(spans)).toBe(false);
    expect(mx.calls.count).toBe(0);
  });

  it("is let in by ALLOW_PRELOADS=true, with a warning", async () => {
    const environment = toEnvironment("both", { NODE_OPTIONS: APM, ALLOW_PRELOADS: "true" });

    const { code, output } = await run(environment, "--check", "--json");
    await using service = await startServiceProcess(environment);

    expect(code).toBe(0);
    expect(JSON.parse(output).configuration.warnings).toEqual([
      { name: "foreign_listener", message: expect.stringContaining("TRACE_PROPAGATION") },
    ]);
    await expect.poll(service.output).toContain('"warning":"foreign_listener"');
    expect(readFileSync(spans, "utf8")).toContain(mx.credentials.ssoKey); // So it was worth refusing.
  });

  it("that comes later is shown no request with the key", async () => {
    await using service = await start({ apis: "sso" });
    expect((await service.post("ada")).status).toBe(200);
    service.mx.calls.clear();
    const seen: string[] = [];
    const listener = (message: unknown) => void seen.push(JSON.stringify(message));
    subscribe("undici:request:create", listener);
    try {
      expect((await service.post("ada")).status).toBe(503);
    } finally {
      unsubscribe("undici:request:create", listener);
    }
    expect(seen.join("")).not.toContain(service.mx.credentials.ssoKey);
    expect(service.mx.calls.count).toBe(0);
    expect(service.log.at(-1)).toContain('"upstream.reason":"foreign_listener"');
    expect((await service.post("ada")).status).toBe(200);
  });
});

describe("the service starts", () => {
  it("with a warning where only the Platform API is configured", async () => {
    const environment = toEnvironment("platform", { NODE_OPTIONS: APM });

    const { code, output } = await run(environment, "--check");
    await using service = await startServiceProcess(environment);

    expect(code).toBe(0);
    expect(output).toMatch(/^WARNING configuration .* TRACE_PROPAGATION/m);
    await expect
      .poll(service.output)
      .toMatch(/"level":"warn".*"configuration.warning".*"foreign_listener"/);
  });

  it.each([
    ["the service's own tracing", OWN_TRACING],
    ["hooks that see no request to MX", PASSIVE],
  ])("with %s, and without a warning", async (_what, NODE_OPTIONS) => {
    await using service = await startServiceProcess(toEnvironment("both", { NODE_OPTIONS }));
    await expect.poll(service.output).toContain("configuration.loaded");
    service.signal("SIGTERM");
    expect(await service.exited).toBe(0);
    expect(service.output()).not.toContain("configuration.warning");
  });
});
