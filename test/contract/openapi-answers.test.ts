/**
 * The answers of the public port against openapi.yaml, with MX and the login faked at their ports: every status that the
 * file has can be provoked here. Also the proof that `expectToMatchContract` does refuse.
 */

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import request from "supertest";
import { describe, expect, it } from "vitest";
import { AppError, type ErrorCode } from "../../src/errors.ts";
import { type AppOptions, createApp } from "../../src/http/app.ts";
import { createDocs } from "../../src/http/pages.ts";
import { PROBLEM_TYPES } from "../../src/http/problem-types.ts";
import type { Principal, Tenant } from "../../src/session/types.ts";
import { WIDGET_TYPES } from "../../src/session/widget-options.ts";
import { createWidgetRequestParser } from "../../src/session/widget-policy.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { type Exchange, expectToMatchContract } from "../support/contract.ts";
import { sendRaw } from "../support/raw.ts";
import { tenantOf } from "../unit/fakes.ts";

describe("the answers of POST /session", () => {
  it.each(["/session", "/user/widget_urls"])(
    "%s opens a widget as the contract says",
    async (path) => {
      const res = await request(app())
        .post(path)
        .send({ widget_url: { color_scheme: "dark" } });

      expect(res.status).toBe(200);
      expectToMatchContract(res);
    },
  );

  it.each(Object.keys(PROBLEM_TYPES).filter(isOfSession))(
    "%s is a problem as the contract says",
    async (code) => {
      const openSession = () => {
        throw new AppError(code, "A sentence for the caller.", { retryAfterSeconds: 3 });
      };

      const res = await request(app({ openSession })).post("/session");

      expect(res.status).toBe(PROBLEM_TYPES[code].status);
      expectToMatchContract(res);
    },
  );

  it("unexpected errors are a problem as the contract says", async () => {
    const openSession = () => {
      throw new TypeError("inner detail");
    };

    const res = await request(app({ openSession })).post("/session");

    expect(res.status).toBe(500);
    expectToMatchContract(res);
  });

  it.each<[string, number, (post: request.Test) => request.Test]>([
    ["an unknown option", 400, (post) => post.send({ widget_url: { colour: "red", "a/b": 1 } })],
    ["broken JSON", 400, (post) => post.type("json").send("{")],
    ["a list", 400, (post) => post.send([])],
    ["a faulty header", 400, (post) => post.set("X-Callback-Payload", "?")],
    ["a page of elsewhere", 403, (post) => post.set("Origin", "https://elsewhere.example")],
    ["a large body", 413, (post) => post.send({ widget_url: { mode: "x".repeat(20_000) } })],
    ["a form", 415, (post) => post.type("form").send("a=b")],
    ["an odd request id", 200, (post) => post.set("X-Request-Id", "no")],
  ])("%s is answered with %i as the contract says", async (_what, status, prepare) => {
    const res = await prepare(request(app({}, { allowCallbackPayload: true })).post("/session"));

    expect(res.status).toBe(status);
    expectToMatchContract(res);
  });

  it("a replica that is full or closing says so as the contract says", async () => {
    const closing = await request(app({ lifecycle: { state: "closing" } })).post("/session");
    const full = await request(app({ maxInFlight: 0 })).post("/session");

    for (const res of [closing, full]) {
      expect(res.status).toBe(503);
      expectToMatchContract(res);
    }
  });

  describe.each([
    ["full", { maxInFlight: 0 }],
    ["closing", { lifecycle: { state: "closing" } }],
  ] as [string, Partial<AppOptions>][])("while the replica is %s", (_state, changes) => {
    const page = "https://app.example.com";
    const server = () => app({ ...changes, origins: new Set([page]) });

    it("a preflight is still answered", async () => {
      const res = await request(server())
        .options("/session")
        .set({ Origin: page, "Access-Control-Request-Method": "POST" });

      expect(res.status).toBe(204);
      expect(res.headers["access-control-allow-origin"]).toBe(page);
      expectToMatchContract(res);
    });

    it.each(["get", "head", "put", "delete", "patch"] as const)(
      "%s is still a wrong method",
      async (method) => {
        const res = await request(server())[method]("/session").set("Content-Type", "text/plain");

        expect([res.status, res.headers.allow]).toEqual([405, "POST, OPTIONS"]);
        expectToMatchContract(res);
      },
    );

    it("a page of a listed origin can read why it is refused", async () => {
      const res = await request(server()).post("/session").set("Origin", page);

      expect(res.status).toBe(503);
      expect(res.headers).toMatchObject({
        "access-control-allow-origin": page,
        "access-control-expose-headers": expect.stringContaining("retry-after"),
        "retry-after": "1",
      });
      expectToMatchContract(res);
    });

    it.each([
      ["two types", "Content-Type: application/json\r\nContent-Type: text/plain\r\n"],
      ["two tokens", "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n"],
      ["an odd encoding", "Transfer-Encoding: gzip, chunked\r\n"],
      ["two hosts", "Host: b\r\n"],
    ])(
      "a request with %s is refused as such, and its connection closed",
      async (_what, headers) => {
        const listening = server().listen(0);
        const { port } = listening.address() as AddressInfo;
        const answer = await sendRaw(
          `http://127.0.0.1:${port}`,
          `POST /session HTTP/1.1\r\nHost: a\r\n${headers}\r\n0\r\n\r\n`,
        );
        listening.close();

        expect(answer).toMatchObject({ statuses: [400], isClosed: true });
      },
    );
  });

  it("an origin that is another tenant's gets nothing of CORS, credentials included", async () => {
    const page = "https://app.example.com";
    const cookieLogins = { takesCookies: true, isByCookie: () => false };
    const res = await request(app({ origins: new Set([page]), cookieLogins }, { corsOrigins: [] }))
      .post("/session")
      .set("Origin", page);

    expect(res.status).toBe(403);
    expect(Object.keys(res.headers).filter((name) => /^access-control/.test(name))).toEqual([]);
  });

  it("other methods are refused, and preflights answered, as the contract says", async () => {
    const path = "/session";
    const server = app();

    expectToMatchContract(await request(server).get(path).expect(405));
    expectToMatchContract(await request(server).head(path).expect(405));
    expectToMatchContract(await request(server).put(path).type("text").send("x").expect(405));
    expectToMatchContract(await request(server).options(path).expect(204));
  });
});

describe("the answers of the other paths", () => {
  it("the contract comes as the contract says", async () => {
    const server = app();

    const res = await request(server).get("/openapi.yaml").expect(200);
    expect(res.text).toContain("openapi: 3.1.1");
    expectToMatchContract(res);
    expectToMatchContract(await request(server).head("/openapi.yaml").expect(200));
    expectToMatchContract(await request(server).post("/openapi.yaml").expect(405));
  });

  it.each(["/docs", "/docs/page.css", "/docs/page.js", "/docs/swagger-ui-bundle.js"])(
    "%s comes as the contract says, and once only",
    async (path) => {
      const server = app();

      const res = await request(server).get(path).buffer().expect(200);
      expectToMatchContract(res);
      const copy = request(server).get(path).set("If-None-Match", `${res.headers.etag}`);
      expectToMatchContract(await copy.expect(304));
      expectToMatchContract(await request(server).head(path).expect(200));
      expectToMatchContract(await request(server).post(path).expect(405));
    },
  );

  it.each(Object.values(PROBLEM_TYPES))(
    "/problems/$name comes as the contract says",
    async ({ name }) => {
      const res = await request(app()).get(`/problems/${name}`);

      expect(res.status).toBe(200);
      expectToMatchContract(res);
    },
  );

  it("what is not there is a problem as the contract says", async () => {
    const server = app();

    expectToMatchContract(await request(server).get("/problems/none").expect(404));
    expectToMatchContract(await request(server).get("/problems/%zz").expect(404));
    expectToMatchContract(await request(server).delete("/problems/forbidden").expect(405));
    expectToMatchContract(await request(server).get("/docs/package.json").expect(404));
    expectToMatchContract(await request(server).get("/docs/..%2f..%2fpackage.json").expect(404));
    expectToMatchContract(await request(server).get("/docs/%zz").expect(404));
    expectToMatchContract(await request(server).get("/nothing/here").expect(404));
  });
});

describe("expectToMatchContract", () => {
  const good: Exchange = {
    status: 404,
    headers: {
      "x-request-id": "request-0001",
      "cache-control": "no-store",
      "content-type": "application/problem+json; charset=utf-8",
    },
    text: JSON.stringify({
      type: "/problems/not-found",
      title: "There is nothing here",
      status: 404,
      detail: "There is no such problem type.",
      request_id: "request-0001",
    }),
    request: { method: "GET", url: "http://127.0.0.1:3000/problems/none?x=1" },
  };
  const { "x-request-id": _id, ...withoutId } = good.headers;
  const problem = JSON.parse(good.text);
  const withProblem = (changes: object) => ({
    ...good,
    text: JSON.stringify({ ...problem, ...changes }),
  });
  const at = (method: string, url: string) => ({ ...good, request: { method, url } });

  it("takes what the contract says", () => {
    expect(() => expectToMatchContract(good)).not.toThrow();
    expect(() => expectToMatchContract(at("PUT", "/nothing"))).not.toThrow();
  });

  it.each<[string, Exchange, RegExp]>([
    ["an undocumented status", { ...good, status: 418 }, /no status 418/],
    ["an undocumented path", { ...at("GET", "/nothing"), status: 200 }, /not in the contract/],
    ["an undocumented method", { ...at("PUT", "/session"), status: 200 }, /no PUT/],
    ["a status of another path", at("POST", "/session"), /no status 404/],
    ["a missing header", { ...good, headers: withoutId }, /X-Request-Id is missing/],
    [
      "a cacheable problem",
      { ...good, headers: { ...good.headers, "cache-control": "public" } },
      /Cache-Control/,
    ],
    [
      "another content type",
      { ...good, headers: { ...good.headers, "content-type": "text/html" } },
      /content type/,
    ],
    ["no JSON", { ...good, text: "<html>" }, /not JSON/],
    ["a member too many", withProblem({ stack: "at …" }), /stack/],
    ["a type of another status", withProblem({ type: "/problems/forbidden" }), /\/type/],
    ["another status inside", withProblem({ status: 400 }), /member status/],
    ["another request id inside", withProblem({ request_id: "request-0002" }), /request_id/],
    ["a body for HEAD", at("HEAD", "/problems/none"), /HEAD/],
  ])("refuses %s", (_what, exchange, reason) => {
    expect(() => expectToMatchContract(exchange)).toThrow(/ is not as in openapi\.yaml\n- /);
    expect(() => expectToMatchContract(exchange)).toThrow(reason);
  });
});

/** Of the others, the docs and the unknown paths are the only source. */
function isOfSession(code: string): code is ErrorCode {
  return code !== "not_found" && code !== "method_not_allowed";
}

function app(changes: Partial<AppOptions> = {}, rules: Partial<Tenant> = {}): Server {
  const parseWidgetRequest = createWidgetRequestParser({
    source: "v20250224",
    widgetTypes: WIDGET_TYPES,
    defaults: {},
    forced: {},
    clientRedirectUrls: [],
    webviewSchemes: [],
  });
  const tenant = tenantOf({ name: "default", parseWidgetRequest, ...rules });
  const principal: Principal = { issuer: "https://id.example", subject: "u-1", claims: {}, tenant };
  return createServer(
    createApp({
      authenticate: async () => principal,
      openSession: async (_principal, { widgetType }) => ({
        type: widgetType,
        url: "https://int-widgets.moneydesktop.com/md/connect/token",
        expiresAt: new Date("2026-11-20T12:10:00.750Z"),
      }),
      logger: createLogger("silent", { write() {} }),
      toPseudonym: () => "user",
      lifecycle: { state: "serving" },
      origins: new Set(),
      cookieLogins: { takesCookies: false, isByCookie: () => false },
      isShared: false,
      maxInFlight: 10,
      deadlineMs: 8000,
      trustedProxies: [],
      hstsMaxAge: undefined,
      docs: createDocs(""),
      hosted: undefined,
      basePath: "",
      canAuthenticate: () => true,
      rateLimits: { user: undefined, address: undefined, failures: undefined },
      ...changes,
    }),
  );
}
