/**
 * Cross-site request forgery: what a foreign page can make a browser send, as raw requests. Each case asserts the answer,
 * and that neither the partner nor MX was asked. In a real browser: test/release/csrf.test.ts.
 *
 * Source: OWASP, Cross-Site Request Forgery Prevention Cheat Sheet; W3C Fetch Metadata; Fetch Standard, section 3.2.
 */

import type { Test } from "supertest";
import request from "supertest";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type PartnerLogin, SESSION_COOKIE, startPartnerLogin } from "../support/partner-login.ts";
import { type Started, start } from "../support/start.ts";

const APP = "https://app.example.com";
const SAME_ORIGIN = { "Sec-Fetch-Site": "same-origin" };
const STATIC = { "X-CSRF": "1" };

const parts = new AsyncDisposableStack();
let service: Started;
let partner: PartnerLogin;
let cookies: { session: string; token: string };

beforeAll(async () => {
  partner = parts.use(await startPartnerLogin());
  const environment = { ...partner.environment, AUTH_COOKIE: "token", CORS_ORIGINS: APP };
  service = parts.use(await start({ environment }));
  partner.sessions.set("s-ada", { sub: "ada" });
  cookies = {
    session: `${SESSION_COOKIE}=s-ada`,
    token: `token=${await service.issuer.issueToken("ada")}`,
  };
});
afterAll(() => parts.disposeAsync());

let callsBefore = 0;
beforeEach(() => {
  service.mx.calls.clear();
  callsBefore = partner.calls.length;
});

type Headers = Record<string, string>;
const KINDS = ["session", "token"] as const;

const send = (headers: Headers, prepare: (test: Test) => Test = (test) => test) =>
  service.check(prepare(service.request().set(headers)));

describe.each(KINDS)("a login by %s cookie", (kind) => {
  const from = (headers: Headers) => ({ Cookie: cookies[kind], ...headers });

  it.each<[string, Headers]>([
    ["the service's own origin", { ...SAME_ORIGIN }],
    [
      "the service's own origin, which is named",
      { ...SAME_ORIGIN, Origin: "https://mx.example.com" },
    ],
    ["a listed origin of another site", { Origin: APP, "Sec-Fetch-Site": "cross-site" }],
    ["a listed origin of the same site", { Origin: APP, "Sec-Fetch-Site": "same-site" }],
    ["a listed origin in a browser without Fetch Metadata", { Origin: APP }],
  ])("is taken from %s", async (_page, headers) => {
    const response = await send(from({ ...headers, ...STATIC }));

    expect(response.status).toBe(200);
    expect(response.headers.vary).toContain("Origin");
    const isListed = headers.Origin === APP;
    expect(response.headers["access-control-allow-origin"]).toBe(isListed ? APP : undefined);
    expect(response.headers["access-control-allow-credentials"]).toBe(
      isListed ? "true" : undefined,
    );
  });

  it.each<[string, Headers]>([
    ["no header of a browser at all", {}],
    ["no Origin, cross-site", { "Sec-Fetch-Site": "cross-site" }],
    ["no Origin, same-site", { "Sec-Fetch-Site": "same-site" }],
    ["no Origin, by hand", { "Sec-Fetch-Site": "none" }],
    ["an empty Sec-Fetch-Site", { "Sec-Fetch-Site": "" }],
    ["Sec-Fetch-Site in capitals", { "Sec-Fetch-Site": "Same-Origin" }],
    ["two values of Sec-Fetch-Site", { "Sec-Fetch-Site": "same-origin, cross-site" }],
    ["Fetch Metadata, but not the site", { "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty" }],
    ["a Referer only", { Referer: `${APP}/page` }],
    [
      "an own name for its origin",
      { "X-Forwarded-Host": "app.example.com", Host: "app.example.com" },
    ],
    ...[
      "null",
      "",
      "https://evil.example",
      "https://app.example.com.evil.example",
      "https://evil-app.example.com",
      "https://example.com",
      "https://sub.app.example.com",
      "http://app.example.com",
      "https://app.example.com:8443",
      "https://app.example.com/",
      "https://APP.example.com",
      "https://app.example.com, https://evil.example",
      "https://app.example.com@evil.example",
      "*",
      "chrome-extension://abcdefghijklmnop",
    ].flatMap((Origin): [string, Headers][] => [
      [`the origin ${Origin || "(empty)"}, cross-site`, { Origin, "Sec-Fetch-Site": "cross-site" }],
      [`the origin ${Origin || "(empty)"}, same-site`, { Origin, "Sec-Fetch-Site": "same-site" }],
      [`the origin ${Origin || "(empty)"} alone`, { Origin }],
    ]),
  ])("is refused with %s, static header or not", async (_page, headers) => {
    for (const more of [STATIC, {}]) {
      const response = await send(from({ ...headers, ...more }));

      expect([response.status, response.body.type]).toEqual([403, "/problems/csrf-rejected"]);
      expect(response.headers).not.toHaveProperty("access-control-allow-origin");
      expect(response.headers).not.toHaveProperty("access-control-allow-credentials");
      expect(response.headers.vary).toContain("Origin");
    }
    expectNobodyAsked();
  });

  it.each<[string, Headers]>([
    ["missing", {}],
    ["empty", { "X-CSRF": "" }],
    ["0", { "X-CSRF": "0" }],
    ["true", { "X-CSRF": "true" }],
    ["sent twice", { "X-CSRF": "1, 1" }],
    [
      "another header",
      { "X-CSRF-Token": "1", "X-XSRF-Token": "1", "X-Requested-With": "XMLHttpRequest" },
    ],
  ])("is refused where the static header is %s, also from a known page", async (_what, headers) => {
    for (const page of [SAME_ORIGIN, { Origin: APP, "Sec-Fetch-Site": "cross-site" }]) {
      const response = await send(from({ ...page, ...headers }));

      expect([response.status, response.body.type]).toEqual([403, "/problems/csrf-rejected"]);
      expect(response.body.detail).toContain("X-CSRF: 1");
    }
    expectNobodyAsked();
  });

  it.each<[string, (test: Test) => Test]>([
    ["a form", (test) => test.type("form").send("widget_url=1")],
    ["a form with files", (test) => test.field("widget_url", "1")],
    ["plain text", (test) => test.type("text").send("{}")],
    ["no type", (test) => test.unset("Content-Type").send(Buffer.from("{}"))],
  ])("is refused with the body of %s", async (_what, prepare) => {
    const foreign = from({ Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" });
    expect((await send(foreign, prepare)).status).toBe(403);
    expect((await send(from({ ...SAME_ORIGIN, ...STATIC }), prepare)).status).toBe(415);
    expectNobodyAsked();
  });

  it.each(["get", "head", "put", "patch", "delete", "trace"] as const)(
    "opens nothing with %s",
    async (method) => {
      const headers = from({ ...SAME_ORIGIN, ...STATIC, "X-HTTP-Method-Override": "POST" });
      const response = await request(service.url)[method]("/session").set(headers);

      expect(response.status).toBe(405);
      expectNobodyAsked();
    },
  );
});

describe("a login by token", () => {
  it.each<[string, Headers]>([
    ["an app without Origin", {}],
    ["an app that keeps cookies", { Cookie: `${SESSION_COOKIE}=s-ada` }],
    ["a listed page", { Origin: APP, "Sec-Fetch-Site": "cross-site" }],
  ])("needs no static header from %s", async (_who, headers) => {
    const response = await send({ Authorization: await service.bearer("ada"), ...headers });

    expect(response.status).toBe(200);
    expect(partner.calls.length).toBe(callsBefore);
  });

  it("with an empty Authorization is no way around the guard", async () => {
    const response = await send({ Authorization: "", Cookie: cookies.session });

    expect(response.status).toBe(401);
    expectNobodyAsked();
  });
});

describe("the origin of an app", () => {
  const LISTED = "capacitor://localhost";
  let apps: Started;
  beforeAll(async () => {
    const environment = {
      ...partner.environment,
      CORS_ORIGINS: `${LISTED},ionic://localhost,tauri://localhost`,
    };
    apps = parts.use(await start({ environment }));
  });

  it("is answered with a token, and may read the answer", async () => {
    const response = await apps.check(
      apps.request().set({ Origin: LISTED, Authorization: await apps.bearer("ada") }),
    );

    expect(response.status).toBe(200);
    expect(response.headers["access-control-allow-origin"]).toBe(LISTED);
    expect(response.headers).not.toHaveProperty("access-control-allow-credentials");
  });

  it.each([
    ["capacitor://localhost", {}],
    ["ionic://localhost", { "X-CSRF": "1" }],
    ["tauri://localhost", { "X-CSRF": "1", "Sec-Fetch-Site": "same-origin" }],
  ])("%s is refused with a cookie", async (origin, headers) => {
    const cookie = `${SESSION_COOKIE}=s-ada`;
    const response = await apps.check(
      apps.request().set({ ...headers, Origin: origin, Cookie: cookie }),
    );

    expect([response.status, response.body.type]).toEqual([403, "/problems/csrf-rejected"]);
    expect(response.body.detail).toContain("Send a token");
    expect(response.headers["access-control-allow-origin"]).toBe(origin);
    expectNobodyAsked();
  });

  it.each([
    "capacitor://localhos",
    "capacitor://localhost:1",
    "capacitor://evil",
    "app://localhost",
  ])("%s is refused if it is not listed", async (origin) => {
    const authorization = await apps.bearer("ada");
    const response = await apps.check(
      apps.request().set({ Origin: origin, Authorization: authorization }),
    );

    expect(response.status).toBe(403);
    expect(response.headers).not.toHaveProperty("access-control-allow-origin");
  });
});

describe("a page of a listed origin", () => {
  it.each<[number, (test: request.Agent) => Test]>([
    [404, (agent) => agent.get("/nothing")],
    [404, (agent) => agent.get("/problems/nothing")],
    [405, (agent) => agent.get("/session")],
    [405, (agent) => agent.post("/embed.js")],
    [413, (agent) => agent.post("/session").send({ widget_url: { mode: "x".repeat(17_000) } })],
    [415, (agent) => agent.post("/session").type("text").send("{}")],
    [401, (agent) => agent.post("/session")],
  ])("can read a %i", async (status, build) => {
    const response = await service.check(build(request.agent(service.url)).set("Origin", APP));

    expect(response.status).toBe(status);
    expect(response.headers).toMatchObject({
      "access-control-allow-origin": APP,
      "access-control-expose-headers": expect.stringContaining("x-request-id"),
      vary: expect.stringContaining("Origin"),
    });
  });

  it("can read a 429", async () => {
    const environment = { RATE_LIMIT_ADDRESS: "1/1h", CORS_ORIGINS: APP };
    await using limited = await start({ environment });
    await limited.request();
    const response = await limited.check(limited.request().set("Origin", APP));

    expect(response.status).toBe(429);
    expect(response.headers["access-control-allow-origin"]).toBe(APP);
  });
});

describe("a preflight", () => {
  const preflight = (origin: string) =>
    request(service.url).options("/session").set({
      Origin: origin,
      "Access-Control-Request-Method": "POST",
      "Access-Control-Request-Headers": "content-type,x-csrf",
    });

  it("of a listed page is granted, with cookies", async () => {
    const response = await service.check(preflight(APP));

    expect(response.status).toBe(204);
    expect(response.headers).toMatchObject({
      "access-control-allow-origin": APP,
      "access-control-allow-credentials": "true",
      "access-control-allow-methods": "POST",
      "access-control-allow-headers": expect.stringContaining("x-csrf"),
      vary: expect.stringContaining("Origin"),
    });
  });

  it.each(["null", "https://evil.example", "http://app.example.com"])(
    "from %s is not",
    async (origin) => {
      const response = await service.check(preflight(origin));

      expect(response.status).toBe(403);
      for (const name of Object.keys(response.headers))
        expect(name).not.toMatch(/^access-control-/);
    },
  );

  it.each([
    "baggage",
    "sentry-trace, baggage",
    "tracestate,traceparent",
    "x-datadog-trace-id, x-datadog-parent-id, x-datadog-origin, x-datadog-sampling-priority",
    "request-id, x-requested-with",
    "x-csrf,\tauthorization ,content-type",
  ])("of a listed page is granted the headers %s", async (names) => {
    const response = await service.check(
      preflight(APP).set("Access-Control-Request-Headers", names),
    );

    expect(response.status).toBe(204);
    const granted = response.headers["access-control-allow-headers"]?.split(", ");
    expect(granted).toEqual(names.split(/[ \t]*,[ \t]*/));
  });

  it.each([
    ["x-good, bad name", "x-good"],
    ["x-good, bad(name", "x-good"],
    ["x-good,,", "x-good"],
    ["x-good\u00a0", undefined],
    ["*", "*"],
  ])("asking for %j is granted field names only", async (names, granted) => {
    const response = await preflight(APP).set("Access-Control-Request-Headers", names);

    expect(response.status).toBe(204);
    const allowed = response.headers["access-control-allow-headers"];
    if (granted) expect(allowed).toBe(granted);
    else expect(allowed).toMatch(/^authorization, [a-z, -]+$/);
  });

  it.each(["null", "file://"])("from %s does not hear that it could be listed", async (origin) => {
    for (const test of [preflight(origin), service.request().set("Origin", origin)]) {
      const response = await service.check(test);
      expect(response.status).toBe(403);
      expect(response.body.detail).not.toContain("CORS_ORIGINS");
      expect(response.body.detail).toContain("null, file://");
    }
  });

  it("grants no cookies where no login is by cookie", async () => {
    await using withTokens = await start({ environment: { CORS_ORIGINS: APP } });
    const response = await withTokens
      .request()
      .set({ Origin: APP, Authorization: await withTokens.bearer("ada") });

    expect(response.status).toBe(200);
    expect(response.headers["access-control-allow-origin"]).toBe(APP);
    expect(response.headers).not.toHaveProperty("access-control-allow-credentials");
  });
});

function expectNobodyAsked(): void {
  expect(service.mx.calls.count).toBe(0);
  expect(partner.calls.length).toBe(callsBefore);
}
