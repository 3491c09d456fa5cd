/**
 * MX fails: each fault has its own answer, takes bounded time, and leaves at most one User and one Member behind.
 */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Fault } from "../../packages/simulator/src/faults.ts";
import type { Operation } from "../../packages/simulator/src/operation.ts";
import { type Clock, stopClock } from "../support/clock.ts";
import { type Apis, type Started, start } from "../support/start.ts";

let clock: Clock;
beforeAll(() => {
  clock = stopClock();
});
afterAll(() => clock[Symbol.dispose]());

/** Breaker and retry budget look back ten seconds. */
const FORGOTTEN_MS = 11_000;

const ALWAYS = Number.POSITIVE_INFINITY;
/** Which call makes the URL, and under which name it stands in the answer. */
const URLS = [
  ["platform", "platform.request_widget_url", "widget_url"],
  ["v3", "sso_v3.request_widget_url", "url"],
] as const;

type Case = {
  name: string;
  fault: Fault;
  times?: number;
  status: number;
  type?: string;
  maxCalls: number;
  retryAfter?: string;
};

/** For a known user of the Platform API or the SSO API v3, whose session is one URL request. ROOT stands for the name. */
const URL_FAULTS: Case[] = [
  {
    name: "502 for ever",
    fault: { kind: "status", status: 502 },
    status: 503,
    type: "upstream-unavailable",
    maxCalls: 2,
    retryAfter: "1",
  },
  { name: "502 once", fault: { kind: "status", status: 502 }, times: 1, status: 200, maxCalls: 2 },
  {
    name: "503 for ever",
    fault: { kind: "status", status: 503, body: { error: "x" } },
    status: 503,
    type: "upstream-unavailable",
    maxCalls: 2,
    retryAfter: "1",
  },
  {
    name: "503 with Retry-After 1, then fine",
    fault: { kind: "status", status: 503, body: {}, headers: { "retry-after": "1" } },
    times: 1,
    status: 200,
    maxCalls: 2,
  },
  {
    name: "503 with Retry-After 120",
    fault: { kind: "status", status: 503, body: {}, headers: { "retry-after": "120" } },
    status: 503,
    type: "upstream-unavailable",
    maxCalls: 1,
    retryAfter: "30",
  },
  {
    name: "429",
    fault: { kind: "status", status: 429 },
    status: 503,
    type: "upstream-unavailable",
    maxCalls: 2,
    retryAfter: "1",
  },
  {
    name: "401",
    fault: { kind: "status", status: 401 },
    status: 502,
    type: "upstream-rejected",
    maxCalls: 1,
  },
  {
    name: "403",
    fault: { kind: "status", status: 403 },
    status: 502,
    type: "upstream-rejected",
    maxCalls: 1,
  },
  {
    name: "406",
    fault: { kind: "status", status: 406 },
    status: 502,
    type: "upstream-rejected",
    maxCalls: 1,
  },
  {
    name: "422",
    fault: { kind: "status", status: 422 },
    status: 502,
    type: "upstream-rejected",
    maxCalls: 1,
  },
  {
    name: "a redirect",
    fault: { kind: "status", status: 302, headers: { location: "/elsewhere" } },
    status: 502,
    type: "upstream-bad-response",
    maxCalls: 1,
  },
  {
    name: "an HTML page",
    fault: { kind: "raw", body: "<html></html>", contentType: "text/html" },
    status: 502,
    type: "upstream-bad-response",
    maxCalls: 1,
  },
  {
    name: "[]",
    fault: { kind: "raw", body: "[]" },
    status: 502,
    type: "upstream-bad-response",
    maxCalls: 1,
  },
  {
    name: "null",
    fault: { kind: "raw", body: "null" },
    status: 502,
    type: "upstream-bad-response",
    maxCalls: 1,
  },
  {
    name: "{}",
    fault: { kind: "raw", body: "{}" },
    status: 502,
    type: "upstream-bad-response",
    maxCalls: 1,
  },
  {
    name: "no body",
    fault: { kind: "raw", body: "" },
    status: 502,
    type: "upstream-bad-response",
    maxCalls: 1,
  },
  {
    name: "an empty URL",
    fault: { kind: "raw", body: '{"ROOT":{"url":""}}' },
    status: 502,
    type: "upstream-bad-response",
    maxCalls: 1,
  },
  {
    name: "a missing URL",
    fault: { kind: "raw", body: '{"ROOT":{"type":"connect_widget"}}' },
    status: 502,
    type: "upstream-bad-response",
    maxCalls: 1,
  },
  {
    name: "a javascript: URL",
    fault: { kind: "raw", body: '{"ROOT":{"url":"javascript:alert(1)"}}' },
    status: 502,
    type: "upstream-bad-response",
    maxCalls: 1,
  },
  {
    name: "an http: URL of another machine",
    fault: { kind: "raw", body: '{"ROOT":{"url":"http://mx.example/md/connect/x"}}' },
    status: 502,
    type: "upstream-bad-response",
    maxCalls: 1,
  },
  {
    name: "a URL that is a number",
    fault: { kind: "raw", body: '{"ROOT":{"url":7}}' },
    status: 502,
    type: "upstream-bad-response",
    maxCalls: 1,
  },
  {
    name: "a URL of 5 kB",
    fault: { kind: "raw", body: `{"ROOT":{"url":"https://mx.example/${"x".repeat(5000)}"}}` },
    status: 502,
    type: "upstream-bad-response",
    maxCalls: 1,
  },
  {
    name: "100 kB",
    fault: { kind: "raw", body: JSON.stringify({ x: "x".repeat(100_000) }) },
    status: 502,
    type: "upstream-bad-response",
    maxCalls: 1,
  },
  {
    name: "an answer about another user",
    fault: { kind: "wrongUser" },
    status: 502,
    type: "upstream-bad-response",
    maxCalls: 1,
  },
  {
    name: "truncated JSON once",
    fault: { kind: "raw", body: '{"ROOT":{"url":"ht' },
    times: 1,
    status: 200,
    maxCalls: 2,
  },
  {
    name: "half of an answer once",
    fault: { kind: "truncate" },
    times: 1,
    status: 200,
    maxCalls: 2,
  },
  {
    name: "a reset once",
    fault: { kind: "reset", when: "after" },
    times: 1,
    status: 200,
    maxCalls: 2,
  },
  {
    name: "resets for ever",
    fault: { kind: "reset", when: "before" },
    status: 503,
    type: "upstream-unavailable",
    maxCalls: 2,
    retryAfter: "1",
  },
];

describe.each(URLS)("POST /session when MX (%s) answers %s with", (apis, operation, root) => {
  let service: Started;
  beforeAll(async () => {
    service = await start({ apis });
    await service.post("ada");
  });
  afterAll(() => service[Symbol.asyncDispose]());

  it.each(URL_FAULTS)(
    "$name: $status $type",
    async ({ fault, times = ALWAYS, status, type, maxCalls, retryAfter }) => {
      await clock.advance(FORGOTTEN_MS);
      service.mx.calls.clear();
      const told = JSON.parse(JSON.stringify(fault).replace("ROOT", root));
      service.mx.failNext(told, { operation, times });

      const response = await service.post("ada");

      expect(response.status).toBe(status);
      if (type) expect(response.body.type).toBe(`/problems/${type}`);
      expect(response.headers["retry-after"]).toBe(retryAfter);
      expect(service.mx.calls.count).toBeLessThanOrEqual(maxCalls);
      expect(response.text).not.toMatch(/127\.0\.0\.1:\d+\/(users|elsewhere)|node_modules|src\//);
      expect(service.mx.state.created.users).toBe(1);
      service.mx.clearFaults();
      expect((await service.post("ada")).status).toBe(200);
    },
  );

  it("a URL off the configured origins: 502", async () => {
    await using service = await start({
      apis,
      environment: { WIDGET_URL_ORIGINS: "https://widgets.moneydesktop.com" },
    });

    const response = await service.post("ada");

    expect(response.body.type).toBe("/problems/upstream-bad-response");
  });

  it("silence: 504 within the deadline", async () => {
    await using service = await start({ apis, environment: { REQUEST_DEADLINE: "1500ms" } });
    await service.post("ada");
    service.mx.failNext({ kind: "silence" }, { operation, times: ALWAYS });

    const { result: response, ms } = await clock.run(service.post("ada"));

    expect(response.status).toBe(504);
    expect(response.body.type).toBe("/problems/upstream-timeout");
    expect(ms).toBeLessThan(1750);
  });
});

describe("POST /session when nothing listens at MX's address", () => {
  it("answers 503 with Retry-After", async () => {
    await using service = await start({
      environment: { MX_PLATFORM_BASE_URL: "http://127.0.0.1:9" },
    });

    const response = await service.post("ada");

    expect(response.status).toBe(503);
    expect(response.headers["retry-after"]).toBe("1");
  });
});

const STEPS: { apis: Apis; operation: Operation }[] = [
  { apis: "platform", operation: "platform.create_user" },
  { apis: "sso", operation: "sso.create_user" },
  { apis: "sso", operation: "sso.create_member" },
  { apis: "v3", operation: "mdx.create_user" },
  { apis: "v3-members", operation: "mdx.create_user" },
  { apis: "v3-members", operation: "mdx.create_member" },
  { apis: "v3-both", operation: "mdx.create_user" },
];

const CUTS: [string, Fault][] = [
  ["reset before MX did it", { kind: "reset", when: "before" }],
  ["reset after MX did it", { kind: "reset", when: "after" }],
  ["502 before", { kind: "status", status: 502 }],
  ["502 after", { kind: "status", status: 502, applied: true }],
  ["half of the answer", { kind: "truncate" }],
  ["truncated JSON after", { kind: "raw", body: '{"user":{"gu', applied: true }],
];

describe.each(STEPS)("a first login ($apis) whose $operation ends with", ({ apis, operation }) => {
  let service: Started;
  beforeAll(async () => {
    service = await start({ apis });
  });
  afterAll(() => service[Symbol.asyncDispose]());

  it.each(CUTS)("%s: 200, made once", async (name, fault) => {
    await clock.advance(FORGOTTEN_MS);
    service.mx.calls.clear();
    const { users, members } = service.mx.state.created;
    service.mx.failNext(fault, { operation });

    const response = await service.post(name.replaceAll(" ", "-"));

    expect(response.status).toBe(200);
    expect(service.mx.state.created.users - users).toBe(1);
    const hasMember = apis !== "platform" && apis !== "v3";
    expect(service.mx.state.created.members - members).toBe(hasMember ? 1 : 0);
    expect(service.mx.calls.of(operation).length).toBeLessThanOrEqual(2);
  });

  it("a rejection: 502, and the next login heals it", async () => {
    service.mx.calls.clear();
    const { users } = service.mx.state.created;
    service.mx.failNext(
      { kind: "status", status: 400, body: { error: "Something unheard of" } },
      { operation },
    );

    expect((await service.post("ada")).body.type).toBe("/problems/upstream-rejected");
    expect(service.mx.calls.of(operation)).toHaveLength(1);

    expect((await service.post("ada")).status).toBe(200);
    expect(service.mx.state.created.users - users).toBe(1);
  });
});

describe("the SSO API's odd answers", () => {
  it("to a client that is not associated: 502, no retry", async () => {
    await using service = await start({
      apis: "sso",
      environment: { MX_SSO_CLIENT_GUID: "CLT-unknown" },
    });

    const response = await service.post("ada");

    expect(response.body.type).toBe("/problems/upstream-rejected");
  });

  it("500 for a Member that does not exist is no fault of MX, and is not asked again", async () => {
    await using service = await start({ apis: "sso" });

    await service.post("ada");

    expect(service.mx.calls.of("sso.read_member")).toHaveLength(1);
  });

  it("to a bad key, which are none: 504 within the deadline", async () => {
    await using service = await start({
      apis: "sso",
      environment: { MX_SSO_API_KEY: "wrong", REQUEST_DEADLINE: "1s" },
    });

    expect((await service.post("ada")).status).toBe(504);
  });

  it("never see a key other than ours, byte for byte", async () => {
    const key = "a&b+c%d#e =é";
    await using service = await start({
      apis: "sso",
      environment: { MX_SSO_API_KEY: key, REQUEST_DEADLINE: "1s" },
    });

    await service.post("ada");

    expect(service.mx.calls.of("sso.read_user")[0]?.query).toEqual({
      k: key,
      c: service.mx.credentials.clientGuid,
    });
  });
});

describe("a caller who goes away", () => {
  it("causes no new call; the create that runs is left to finish", async () => {
    await using service = await start({ apis: "sso" });
    service.mx.settings.latencyMs = 200;
    const abort = new AbortController();
    const caller = fetch(`${service.url}/session`, {
      method: "POST",
      headers: { Authorization: await service.bearer("ada") },
      signal: abort.signal,
    }).catch(() => undefined);
    await clock.advance(300); // The reads take 200 ms.
    expect(service.mx.calls.of("sso.create_user")).toHaveLength(1);

    abort.abort();
    await caller;

    await clock.advance(1000);
    expect(service.mx.state.created.users).toBe(1);
    expect(service.log.filter((line) => line.includes("client.gone"))).toHaveLength(1);
    expect(service.mx.calls.of("sso.create_member")).toHaveLength(0);
  });
});
