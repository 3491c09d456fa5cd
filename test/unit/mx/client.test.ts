import { describe, expect, it, vi } from "vitest";
import type { MxApi, MxCall } from "../../../src/mx/call.ts";
import { createMxClient, createSend } from "../../../src/mx/client.ts";
import { classifyByStatus, classifySsoV2 } from "../../../src/mx/outcome.ts";
import { toPlatformApi } from "../../../src/mx/platform.ts";
import { toSsoApi } from "../../../src/mx/sso-v2.ts";
import { toClientApi } from "../../../src/mx/sso-v3.ts";
import { createSecret } from "../../../src/secret.ts";
import { createBudget } from "../../../src/session/budget.ts";
import type { Exchange, ExchangeResult } from "../../../src/upstream/exchange.ts";
import { answered, exchangeGiving, frozenBudget, settle } from "../fakes.ts";

const READ: MxCall = {
  operation: "sso.read_user",
  userId: "u-1",
  kind: "read",
  method: "GET",
  path: "/user/u-1",
};
const CREATE: MxCall = {
  operation: "sso.create_user",
  userId: "u-1",
  kind: "create_user",
  method: "POST",
  path: "/user",
  body: { external_user_guid: "u-1", email: undefined },
};

const SENT_AT = new Date("2026-11-20T12:00:00Z");

const API: MxApi = {
  name: "sso",
  baseUrl: new URL("https://mx.example"),
  headers: {},
  classify: classifySsoV2,
};

/** Sends one call against a fake exchange, and gives what was exchanged and what came of it. */
async function run(
  call: MxCall,
  api: Partial<MxApi> = {},
  result: ExchangeResult = answered("{}"),
  budget = frozenBudget(),
) {
  const exchange = exchangeGiving(result);
  const send = createSend({ ...API, ...api }, exchange, () => SENT_AT);
  const answer = await send(call, budget);
  return { answer, request: exchange.requests[0] };
}

describe("the credentials of a call", () => {
  it.each([
    ["&", "a&b"],
    ["+", "a+b"],
    ["%", "a%20b"],
    ["#", "a#b"],
    ["a space", "a b"],
    ["=", "a=b="],
    ["é", "clé"],
    ["all of them", "&+%#  =é?/\\\"'"],
  ])("arrive byte for byte in the query of SSO v2: a key with %s", async (_what, key) => {
    const query = `k=${encodeURIComponent(key)}&c=client-1`;
    for (const path of ["/user/u-1", "/users?id=u-1"]) {
      const { request } = await run({ ...READ, path }, { query });
      const { pathname, searchParams, hash } = new URL(`https://mx.example${request?.path}`);
      expect(pathname).toBe(path.split("?")[0]);
      expect(searchParams.get("k")).toBe(key);
      expect(searchParams.get("c")).toBe("client-1");
      expect(searchParams.get("id")).toBe(path.includes("id=") ? "u-1" : null);
      expect(hash).toBe("");
    }
  });

  it("go into headers for the Platform API, and nothing into the path", async () => {
    const headers = { authorization: "Basic abc", "accept-version": "v20250224" };
    const { request } = await run({ ...READ, headers: { "accept-language": "fr" } }, { headers });
    expect(request?.headers).toEqual({ ...headers, "accept-language": "fr" });
    expect(request?.path).toBe("/user/u-1");
  });
});

describe("an API of MX", () => {
  const baseUrl = new URL("https://mx.example/base/");
  const apiKey = createSecret("key&1");
  const V3 = "application/vnd.moneydesktop.sso.v3+json";
  const MDX = "application/vnd.moneydesktop.mdx.v5+json";
  const basic = `Basic ${btoa("client:key&1")}`;

  it.each<[string, MxApi, string, object]>([
    [
      "the SSO API v2",
      toSsoApi({ baseUrl, apiKey, clientGuid: "CLT 1" }),
      "/base/x?k=key%261&c=CLT%201",
      { accept: "application/json", "content-type": "application/json" },
    ],
    [
      "the SSO API v3",
      toClientApi("sso_v3", { baseUrl, apiKey, clientId: "a/b" }),
      "/base/a%2Fb/x",
      { "md-api-key": "key&1", accept: V3, "content-type": V3 },
    ],
    [
      "MDX",
      toClientApi("mdx", { baseUrl: new URL("https://mx.example/a/base"), apiKey, clientId: "b" }),
      "/a/base/b/x",
      { "md-api-key": "key&1", accept: MDX, "content-type": MDX },
    ],
    [
      "the Platform API",
      toPlatformApi({ baseUrl, apiKey, clientId: "client", version: "v20250224" }),
      "/base/x",
      {
        authorization: basic,
        accept: "application/json",
        "accept-version": "v20250224",
        "content-type": "application/json",
      },
    ],
    [
      "the Platform API v20111101",
      toPlatformApi({ baseUrl, apiKey, clientId: "client", version: "v20111101" }),
      "/base/x",
      {
        authorization: basic,
        accept: "application/vnd.mx.api.v1+json",
        "accept-version": "v20111101",
        "content-type": "application/json",
      },
    ],
  ])("is asked as it wants: %s", async (_name, api, path, headers) => {
    const { request } = await run({ ...CREATE, path: "/x" }, api);
    expect(request).toMatchObject({ path, hasSecretPath: path.includes("k=") });
    expect(request?.headers).toEqual(headers);
  });
});

describe("a call", () => {
  it("goes below the path of the base URL", async () => {
    for (const base of ["https://mx.example/mx/sso", "https://mx.example/mx/sso/"]) {
      const { request } = await run(READ, { baseUrl: new URL(base) });
      expect(request?.path).toBe("/mx/sso/user/u-1");
    }
  });

  it("without a body has no content type", async () => {
    const { request } = await run(READ);
    expect(request).toMatchObject({ method: "GET", headers: {}, body: undefined });
  });

  it("with a body is JSON, without what is undefined", async () => {
    const { request } = await run(CREATE);
    expect(request).toMatchObject({
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"external_user_guid":"u-1"}',
    });
  });

  it.each([8000, 700])("with %i ms left takes no longer", async (leftMs) => {
    const { request } = await run(READ, {}, answered("{}"), frozenBudget(leftMs));
    expect(request?.timeoutMs).toBe(leftMs);
  });

  it("is paid from the budget", async () => {
    const budget = frozenBudget();
    await run(CREATE, {}, answered("{}"), budget);
    expect(budget.spent()).toBe(1);
  });

  it("is not sent where the budget does not allow it", async () => {
    const exchange = exchangeGiving(answered("{}"));
    const send = createSend(API, exchange);
    const budget = createBudget({ deadlineMs: 100 });
    await expect(send(READ, budget)).rejects.toMatchObject({ code: "upstream_timeout" });
    expect(exchange.requests).toEqual([]);
  });

  it("remembers when it was sent, not when it was answered: the URL in its answer lives from there", async () => {
    let now = SENT_AT;
    const exchange: Exchange = async () => {
      now = new Date(SENT_AT.getTime() + 1500);
      return answered("{}");
    };
    const send = createSend(API, exchange, () => now);
    expect((await send(READ, frozenBudget())).sentAt).toEqual(SENT_AT);
  });

  it("is sent now by the wall clock", async () => {
    vi.useFakeTimers({ now: SENT_AT });
    const send = createSend(API, exchangeGiving(answered("{}")));
    expect((await send(READ, frozenBudget())).sentAt).toEqual(SENT_AT);
    vi.useRealTimers();
  });

  it("has the time that is left when it is sent, not when the request began", async () => {
    let ms = 0;
    const budget = createBudget({ deadlineMs: 2000, now: () => ms });
    const exchange = exchangeGiving(answered("{}"));
    const send = createSend(API, exchange);
    for (ms of [0, 500, 1750]) await send(READ, budget);
    expect(exchange.requests.map(({ timeoutMs }) => timeoutMs)).toEqual([2000, 1500, 250]);
    ms = 1751;
    await expect(send(READ, budget)).rejects.toMatchObject({ code: "upstream_timeout" });
  });
});

describe("the connection of a call", () => {
  it.each<[string, Partial<MxCall>, Partial<MxApi>, object]>([
    ["may be used again", {}, {}, { newConnection: false, discardAll: false }],
    [
      "is new for a repeat",
      { newConnection: true },
      {},
      { newConnection: true, discardAll: false },
    ],
    [
      "is the only one left of a trial",
      { isTrial: true },
      {},
      { newConnection: false, discardAll: true },
    ],
    ["has no secret in its path", {}, {}, { hasSecretPath: false }],
    ["has a secret in its path with SSO v2", {}, { query: "k=1" }, { hasSecretPath: true }],
  ])("%s", async (_what, parts, api, expected) => {
    expect((await run({ ...READ, ...parts }, api)).request).toMatchObject(expected);
  });
});

describe("the way to MX", () => {
  /** Calls that MX answers when the test says so. */
  function client() {
    const pending: (() => void)[] = [];
    const exchange: Exchange = () =>
      new Promise((resolve) => pending.push(() => resolve(answered("{}"))));
    const send = createMxClient(API, {
      exchange,
      connections: 2,
      maxWaiting: 0,
      observer: {},
      tenant: "bank",
      tracing: undefined,
    });
    return { send, pending };
  }

  it("is free for reads, and for writes one after the other about the same thing", async () => {
    const { send, pending } = client();
    const write = { ...CREATE, serializeBy: "u-1" };
    const writes = [write, write].map((call) => send(call, frozenBudget()));
    await settle();
    expect(pending).toHaveLength(1);

    pending[0]?.();
    await writes[0];
    await settle();
    expect(pending).toHaveLength(2);
    const read = send(READ, frozenBudget());
    await settle();
    expect(pending).toHaveLength(3);

    for (const answer of pending) answer();
    expect(await Promise.all([...writes, read])).toMatchObject(Array(3).fill({ outcome: "ok" }));
  });

  it("is as wide as its connections: of three reads one is not sent", async () => {
    const { send, pending } = client();
    const reads = [1, 2, 3].map(() => send(READ, frozenBudget()));
    await expect(reads[2]).rejects.toMatchObject({ upstream: { reason: "bulkhead_full" } });
    expect(pending).toHaveLength(2);
    for (const answer of pending) answer();
    await Promise.all(reads.slice(0, 2));
  });
});

describe("an answer", () => {
  const html = { contentType: "text/html; charset=utf-8" };

  it.each<[string, ExchangeResult, object]>([
    ["JSON", answered('{"guid":"USR-1"}'), { outcome: "ok", body: { guid: "USR-1" } }],
    [
      "JSON under its versioned name",
      answered("{}", { contentType: "application/vnd.mx.api.v1+json; charset=utf-8" }),
      { outcome: "ok", body: {} },
    ],
    ["JSON without a name", answered("{}", { contentType: "" }), { outcome: "ok", body: {} }],
    ["JSON null", answered("null"), { outcome: "ok", body: null }],
    ["a JSON list", answered("[]"), { outcome: "ok", body: [] }],
    [
      "204 and nothing",
      answered("", { status: 204, contentType: "" }),
      { outcome: "ok", body: undefined },
    ],
    ["200 and nothing", answered(""), { outcome: "ok", body: undefined }],
    [
      "200 and HTML",
      answered("<html>", html),
      { outcome: "invalid_response", reason: "content_type" },
    ],
    [
      "200 of two types",
      answered("{}", { contentType: "text/html, application/json" }),
      { outcome: "invalid_response", reason: "content_type" },
    ],
    ["300 and truncated JSON", answered("{", { status: 300 }), { outcome: "invalid_response" }],
    ["truncated JSON", answered('{"guid":"USR'), { outcome: "ambiguous", reason: "unparseable" }],
    ["HTML called JSON", answered("<html>"), { outcome: "ambiguous", reason: "unparseable" }],
    ["502 and HTML", answered("<html>", { ...html, status: 502 }), { outcome: "ambiguous" }],
    [
      "503 and HTML, which is no refusal of MX's own",
      answered("<html>", { ...html, status: 503 }),
      { outcome: "ambiguous" },
    ],
    [
      "503 and JSON, with a Retry-After",
      answered('{"error":"down"}', { status: 503, retryAfterSeconds: 1 }),
      { outcome: "throttled", retryAfterSeconds: 1 },
    ],
    [
      "400 that says 'not found'",
      answered('{"error":"User with guid u-1 not found."}', { status: 400 }),
      { outcome: "not_found" },
    ],
    [
      "400 that says so in broken JSON",
      answered('{"error":"User with guid u-1 not found.', { status: 400 }),
      { outcome: "rejected" },
    ],
  ])("that is %s", async (_what, result, answer) => {
    expect((await run(READ, {}, result)).answer).toMatchObject(answer);
  });

  it("is classified by the rules of its API", async () => {
    const call: MxCall = { ...READ, operation: "platform.read_user" };
    const missing = answered("", { status: 404 });
    expect((await run(call, { classify: classifyByStatus }, missing)).answer.outcome).toBe(
      "not_found",
    );
    expect((await run(READ, {}, missing)).answer.outcome).toBe("rejected");
  });

  it.each([
    ["not_sent", "econnrefused", "not_sent"],
    ["timeout", "timeout", "ambiguous"],
    ["connection_lost", "und_err_socket", "ambiguous"],
    ["malformed", "hpe_invalid_constant", "invalid_response"],
    ["tls_error", "cert_has_expired", "invalid_response"],
  ] as const)("that never came (%s: %s) is %s", async (failure, reason, outcome) => {
    const { answer } = await run(READ, {}, { kind: "failure", failure, reason });
    expect(answer).toEqual({
      operation: "sso.read_user",
      outcome,
      reason,
      sentAt: SENT_AT,
    });
  });
});
