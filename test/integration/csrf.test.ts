/**
 * Cross-site request forgery: what a foreign page can make a browser send, as raw requests. Each case asserts the answer,
 * and that neither the partner nor MX was asked. In a real browser: test/browser/csrf.test.ts.
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
