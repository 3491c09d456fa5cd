/** Traces: spans of a request through to MX, with an SDK in this process. */

import { context, SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { afterEach, describe, expect, it } from "vitest";
import { openTracing } from "../../src/telemetry/tracing.ts";
import { holdPlace } from "../support/hold.ts";
import { type StartOptions, start } from "../support/start.ts";

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
const exporter = new InMemorySpanExporter();
const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
const tracer = provider.getTracer("test");

afterEach(() => exporter.reset());

const startTraced = (options: StartOptions = {}) => start({ ...options, tracer });
const spans = () => exporter.getFinishedSpans();
const spanOf = (name: string) => {
  const found = spans().find((span) => span.name === name);
  if (!found) throw new Error(`no span ${name} among ${spans().map((span) => span.name)}`);
  return found;
};

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const TRACEPARENT = `00-${TRACE_ID}-00f067aa0ba902b7-01`;

describe("the spans of a request", () => {
  it("are the request, its steps and each call to MX, in one tree", async () => {
    await using service = await startTraced({ apis: "both" });

    await service.post("ada");
    await expect.poll(() => spans().map((span) => span.name)).toContain("POST /session");

    const server = spanOf("POST /session");
    expect(server.kind).toBe(SpanKind.SERVER);
    expect(server.attributes).toEqual({
      "http.request.method": "POST",
      "http.route": "/session",
      "http.response.status_code": 200,
      request_id: expect.any(String),
      tenant: "default",
    });
    const steps = ["authenticate", "open session"].map(spanOf);
    for (const step of steps)
      expect(step.parentSpanContext?.spanId).toBe(server.spanContext().spanId);
    const calls = spans().filter((span) => span.kind === SpanKind.CLIENT);
    expect(calls.map((span) => span.name).sort()).toEqual([
      "GET /member/{member}",
      "GET /user/{user}",
      "POST /member",
      "POST /user",
      "POST /users/{user}/widget_urls",
    ]);
    const opened = spanOf("open session");
    for (const call of calls) {
      expect(call.parentSpanContext?.spanId).toBe(opened.spanContext().spanId);
      expect(call.spanContext().traceId).toBe(server.spanContext().traceId);
    }
    expect(opened.events.map((event) => event.name)).toEqual(["user_created", "member_created"]);
    expect(spanOf("POST /users/{user}/widget_urls").attributes).toEqual({
      "server.address": "127.0.0.1",
      "server.port": Number(new URL(service.mx.platformUrl).port),
      tenant: "default",
      "http.request.method": "POST",
      "url.template": "/users/{user}/widget_urls",
      "mx.operation": "platform.request_widget_url",
      "mx.outcome": "ok",
      "http.response.status_code": 200,
    });
  });

  it("are named after the paths of the SSO API v3 and MDX, without the client or an id", async () => {
    await using service = await startTraced({ apis: "v3-members" });

    await service.post("ada");
    await expect.poll(() => spans().map((span) => span.name)).toContain("POST /session");

    const calls = spans().filter((span) => span.kind === SpanKind.CLIENT);
    const seen = calls.map(({ name, attributes }) => `${attributes["mx.operation"]} ${name}`);
    expect(seen.toSorted()).toEqual([
      "mdx.create_member POST /{client}/users/{user}/members.json",
      "mdx.create_user POST /{client}/users.json",
      "mdx.read_member GET /{client}/users/{user}/members/{member}.json",
      "sso_v3.request_widget_url POST /{client}/users/{user}/urls.json",
      "sso_v3.request_widget_url POST /{client}/users/{user}/urls.json",
    ]);
  });

  it("continue the caller's trace where its traceparent is valid, and stand in the log", async () => {
    await using service = await startTraced();
    const ask = (traceparent: string) =>
      service.check(service.request().set("traceparent", traceparent));

    await ask(TRACEPARENT);
    await ask(`00-${"0".repeat(32)}-00f067aa0ba902b7-01`);
    await ask("canary\u00e9");
    await expect.poll(() => spans().filter((span) => span.name === "POST /session").length).toBe(3);

    const ids = spans()
      .filter((span) => span.name === "POST /session")
      .map((span) => span.spanContext().traceId);
    expect(ids[0]).toBe(TRACE_ID);
    expect(new Set(ids).size).toBe(3);
    expect(service.log.map((line) => JSON.parse(line).trace_id)).toEqual(ids);
  });

  it("stand in the log of a request that was refused for want of room, too", async () => {
    const environment = { MAX_IN_FLIGHT: "1", REQUEST_DEADLINE: "60s" };
    await using service = await startTraced({ environment });
    using _held = await holdPlace(service);

    expect((await service.request().set("traceparent", TRACEPARENT)).status).toBe(503);

    expect(JSON.parse(service.log[0] ?? "")).toMatchObject({
      "error.type": "overloaded",
      trace_id: TRACE_ID,
    });
    expect(spans().map((span) => span.spanContext().traceId)).toContain(TRACE_ID);
  });

  it("say what failed, by codes alone", async () => {
    await using service = await startTraced();
    await service.post("ada");
    exporter.reset();
    service.mx.failNext({ kind: "status", status: 403, body: { error: { message: "canary" } } });

    await service.post("ada");
    await expect.poll(() => spans().map((span) => span.name)).toContain("POST /session");

    const call = spanOf("POST /users/{user}/widget_urls");
    expect(call.attributes).toMatchObject({ "mx.outcome": "rejected", "error.type": "rejected" });
    expect(spanOf("POST /session").attributes).toMatchObject({ "error.type": "upstream-rejected" });
    for (const { status } of spans().filter((span) => span.name !== "authenticate")) {
      expect(status).toEqual({ code: SpanStatusCode.ERROR });
    }
  });

  it("hold no key, id, token or URL", async () => {
    await using service = await startTraced({ apis: "both" });
    const { clientId, apiKey, ssoKey, clientGuid } = service.mx.credentials;
    const { body } = await service.post("canary-subject");
    service.mx.failNext({ kind: "wrongUser" }, { operation: "sso.read_user" });
    await service.post("canary-subject", { widget_url: { widget_type: "connect_widget" } });
    await service.check(service.request("/session?canary=1").set("baggage", "canary=1"));

    const text = JSON.stringify(
      spans().map(({ name, attributes, events, status, resource }) => {
        return { name, attributes, events, status, resource: resource.attributes };
      }),
    );
    for (const secret of [clientId, apiKey, ssoKey, clientGuid, body.widget_url.url, "canary"]) {
      expect(text).not.toContain(secret);
    }
    expect(text).not.toMatch(/USR-|eyJ|\?/);
  });
});

describe("traceparent to MX", () => {
  it("is sent only where the operator wants it, and nothing of the caller's with it", async () => {
    for (const [setting, isSent] of [
      ["false", false],
      ["true", true],
    ] as const) {
      await using service = await startTraced({ environment: { TRACE_PROPAGATION: setting } });
      const test = service
        .request()
        .set("Authorization", await service.bearer("ada"))
        .set({ traceparent: TRACEPARENT, tracestate: "canary=1", baggage: "canary=1" });
      expect((await test).status).toBe(200);

      for (const { headers } of service.mx.calls.all) {
        if (isSent) expect(headers.traceparent).toMatch(new RegExp(`^00-${TRACE_ID}-`));
        else expect(headers).not.toHaveProperty("traceparent");
        expect(JSON.stringify(headers)).not.toContain("canary");
      }
    }
  });
});

describe("without an SDK", () => {
  it("there is no tracer, so that nothing is installed", async () => {
    expect(await openTracing("1.0.0", undefined, true)).toBeUndefined();
  });
});
