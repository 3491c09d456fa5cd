/**
 * Who gets in: tokens over real HTTP, the issuer's keys, and what a foreign page may do. The verifier's own corpus is in
 * test/unit/jwt.test.ts.
 */

import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import request from "supertest";
import { describe, expect, it } from "vitest";
import {
  type IdentityProvider,
  startIdentityProvider,
} from "../../packages/simulator/src/identity-provider.ts";
import { letTimePass, stopClock } from "../support/clock.ts";
import { type Started, start } from "../support/start.ts";

const NOW = () => Math.floor(Date.now() / 1000);

async function expectRefused(service: Started, authorization: string | undefined): Promise<void> {
  const test = service.request().send({});
  if (authorization !== undefined) test.set("Authorization", authorization);
  const response = await service.check(test);
  expect(response.status).toBe(401);
  expect(response.body).toEqual({
    type: "/problems/unauthenticated",
    title: "A valid login is needed",
    status: 401,
    detail: "A valid login is needed.",
    request_id: response.headers["x-request-id"],
  });
  expect(response.headers["www-authenticate"]).toBe(
    authorization === undefined ? "Bearer" : 'Bearer error="invalid_token"',
  );
  expect(service.mx.calls.count).toBe(0);
}

describe("POST /session without a good token", () => {
  it("refuses every bad proof with one and the same answer", async () => {
    await using service = await start();
    const { issuer } = service;
    const token = await issuer.issueToken("ada");
    const proofs = [
      undefined,
      "",
      "Bearer",
      "Bearer ",
      "Bearer opaque-token",
      `Basic ${btoa("ada:secret")}`,
      token,
      `Bearer ${token}x`,
      `Bearer ${token.slice(0, -8)}AAAAAAAA`,
      `Bearer ${token.split(".").slice(0, 2).join(".")}.`,
      `Bearer ${btoa('{"alg":"none"}')}.${token.split(".")[1]}.`,
      `Bearer ${await issuer.issueToken("ada", { foreignKey: true })}`,
      `Bearer ${await issuer.issueToken("ada", { claims: { aud: "another-service" } })}`,
      `Bearer ${await issuer.issueToken("ada", { claims: { aud: undefined } })}`,
      `Bearer ${await issuer.issueToken("ada", { claims: { iss: `${issuer.issuer}/` } })}`,
      `Bearer ${await issuer.issueToken("ada", { claims: { iss: "https://elsewhere.example" } })}`,
      `Bearer ${await issuer.issueToken("ada", { claims: { exp: NOW() - 90 } })}`,
      `Bearer ${await issuer.issueToken("ada", { claims: { exp: undefined } })}`,
      `Bearer ${await issuer.issueToken("ada", { claims: { nbf: NOW() + 90 } })}`,
      `Bearer ${await issuer.issueToken("ada", { claims: { sub: undefined } })}`,
      `Bearer ${await issuer.issueToken("ada", { claims: { sub: "" } })}`,
    ];
    for (const proof of proofs) await expectRefused(service, proof);
  });

  it("does not look for a token in the query, nor writes it to the log", async () => {
    await using service = await start();
    const token = await service.issuer.issueToken("ada");

    const response = await service.check(
      request(service.url).post(`/session?access_token=${token}`),
    );

    expect(response.status).toBe(401);
    expect(service.log.join("")).not.toContain(token.slice(0, 20));
  });

  it.each([
    ["11 kB, of somebody with 200 groups", 200],
    ["30 kB, of somebody with 580 groups", 580],
  ])("accepts a token of %s", async (_what, count) => {
    await using service = await start();
    const groups = Array.from({ length: count }, () => randomUUID());
    const token = await service.issuer.issueToken("ada", { claims: { groups } });

    const test = service.request().set("Authorization", `Bearer ${token}`);
    expect((await service.check(test)).status).toBe(200);
  });

  it("answers headers of more than 32 kB with 431, before it looks at anything", async () => {
    await using service = await start({ environment: { CORS_ORIGINS: "https://app.example.com" } });
    const answer = await fetch(`${service.url}/session`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${"x".repeat(33 * 1024)}`,
        origin: "https://app.example.com",
      },
    });

    expect(answer.status).toBe(431);
    expect(answer.headers.has("access-control-allow-origin")).toBe(false);
    expect(await answer.text()).toBe("");
  });

  it("insists on the token type where the operator names one", async () => {
    await using service = await start({ environment: { AUTH_TOKEN_TYPE: "at+jwt" } });

    await expectRefused(
      service,
      `Bearer ${await service.issuer.issueToken("ada", { header: { typ: "JWT" } })}`,
    );

    const token = await service.issuer.issueToken("ada", { header: { typ: "at+jwt" } });
    expect(
      (await service.check(service.request().set("Authorization", `Bearer ${token}`))).status,
    ).toBe(200);
  });

  it("gives a user whose id MX could not take a problem of its own", async () => {
    await using service = await start();

    for (const subject of [
      "auth0|ada",
      "..",
      "USR-1",
      "undefined",
      "a".repeat(129),
      "ada@example.com",
    ]) {
      const response = await service.post(subject);
      expect(response.status).toBe(403);
      expect(response.body.type).toBe("/problems/unusable-user-id");
    }
    expect(service.mx.calls.count).toBe(0);
  });

  it("says so when the claim with the userkey is missing", async () => {
    const environment = {
      MEMBER_CREDENTIALS: "claim",
      MEMBER_USERKEY_CLAIM: "mx_userkey",
      MEMBER_USERKEY_SECRET: undefined,
    };
    await using service = await start({ apis: "sso", environment });

    const response = await service.post("ada");

    expect(response.status).toBe(403);
    expect(response.body.type).toBe("/problems/forbidden");
    expect(service.mx.calls.count).toBe(0);
  });
});

describe("the issuer's keys", () => {
  it.each(["PS256", "ES256", "EdDSA"] as const)("may be for %s", async (algorithm) => {
    await using issuer = await startIdentityProvider({ algorithm });
    await using service = await start({ issuer });

    expect((await service.post("ada")).status).toBe(200);
  });

  it("may come from a URL instead of discovery", async () => {
    await using issuer = await startIdentityProvider();
    await using service = await start({ issuer, environment: { AUTH_JWKS_URL: issuer.jwksUrl } });

    expect((await service.post("ada")).status).toBe(200);
    expect(issuer.requests).toMatchObject({ discovery: 0, jwks: 1 });
  });

  it("may come from a file", async () => {
    await using issuer = await startIdentityProvider();
    const path = join(await mkdtemp(join(tmpdir(), "jwks-")), "keys.json");
    writeFileSync(path, await (await fetch(issuer.jwksUrl)).text());
    await using service = await start({ issuer, environment: { AUTH_JWKS_FILE: path } });

    expect((await service.post("ada")).status).toBe(200);
  });

  it("are asked for again when a token has a new one", async () => {
    await using service = await start();
    await service.post("ada");
    await service.issuer.rotateKeys({ keepOld: false });

    expect((await service.post("ada")).status).toBe(200);
    expect(service.issuer.requests.jwks).toBe(2);
  });

  it("that are new are good for all who come while they are loaded", async () => {
    await using service = await start();
    await service.post("ada");
    await service.issuer.rotateKeys({ keepOld: false });

    const responses = await Promise.all(
      Array.from({ length: 30 }, (_, index) => service.post(`u-${index}`)),
    );

    expect(new Set(responses.map((response) => response.status))).toEqual(new Set([200]));
    expect(service.issuer.requests.jwks).toBe(2);
  });

  it("are not asked for again by a flood of unknown keys", async () => {
    await using service = await start();
    await service.post("ada");
    service.mx.calls.clear();
    using _clock = stopClock(); // The next load may come five seconds later.
    const tokens = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        service.issuer.issueToken("ada", { header: { kid: `unknown-${index}` } }),
      ),
    );

    const answers = await Promise.all(
      tokens.map((token) =>
        service.check(service.request().set("Authorization", `Bearer ${token}`)),
      ),
    );

    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
    expect(service.issuer.requests.jwks).toBeLessThanOrEqual(2);
    expect(service.mx.calls.count).toBe(0);
  });

  it.each(["500", "silence", "html", "redirect", "huge"] as const)(
    "that are known keep working while the issuer fails with %s",
    async (mode) => {
      using _clock = stopClock();
      await using service = await start();
      await service.post("ada");
      service.issuer.fail(mode);

      expect((await service.post("ada")).status).toBe(200);
      const unknown = await service.issuer.issueToken("ada", { header: { kid: "unknown" } });
      const asked = service.request().set("Authorization", `Bearer ${unknown}`);
      expect((await service.check(asked)).status).toBe(401);
      expect((await service.post("grace")).status).toBe(200);
    },
  );

  it.each(["500", "silence", "html", "redirect", "huge"] as const)(
    "that never came mean 503 and not ready, with %s",
    async (mode) => {
      using clock = stopClock();
      await using issuer = await startIdentityProvider();
      issuer.fail(mode);
      await using service = await start({ issuer });

      const { result: response, ms } = await clock.run(service.post("ada"));

      expect(response.status).toBe(503);
      expect(response.body.type).toBe("/problems/auth-unavailable");
      expect(Number(response.headers["retry-after"])).toBeGreaterThan(0);
      expect(ms).toBeLessThan(5000);
      expect(service.mx.calls.count).toBe(0);
      expect((await request(service.operationsUrl).get("/readyz")).status).toBe(503);
      expect((await request(service.operationsUrl).get("/livez")).status).toBe(200);
    },
  );
});

describe("an issuer with two names", () => {
  it("is one login: a user stays the same user, under either name", async () => {
    await using custom = await startIdentityProvider();
    await using service = await start({
      environment: { USER_ID_MODE: "hmac", USER_ID_SECRET: "a-secret-for-tests-only-0123456789" },
    });
    await using both = await start({
      mx: service.mx,
      issuer: service.issuer,
      environment: {
        AUTH_ISSUER: `${service.issuer.issuer},${custom.issuer}`,
        USER_ID_MODE: "hmac",
        USER_ID_SECRET: "a-secret-for-tests-only-0123456789",
        RATE_LIMIT_USER: "3/1h",
      },
    });
    const askAs = async (issuer: IdentityProvider, overrides = {}) => {
      const token = await issuer.issueToken("ada", overrides);
      return both.check(both.request().set("Authorization", `Bearer ${token}`));
    };

    expect((await service.post("ada")).status).toBe(200);
    expect((await askAs(service.issuer)).status).toBe(200);
    expect((await askAs(custom)).status).toBe(200);

    expect(service.mx.state.users.size).toBe(1);
    const hashes = both.log.map((line) => JSON.parse(line)["user.hash"]).filter(Boolean);
    expect(new Set(hashes).size).toBe(1);
    // Each name has keys of its own.
    const forged = await custom.issueToken("ada", { claims: { iss: service.issuer.issuer } });
    const response = await both.request().set("Authorization", `Bearer ${forged}`);
    expect(response.status).toBe(401);
    // And one count per user.
    expect((await askAs(custom)).status).toBe(200);
    expect((await askAs(service.issuer)).status).toBe(429);
  });

  it("may have one set of keys for both", async () => {
    await using issuer = await startIdentityProvider();
    await using service = await start({
      issuer,
      environment: {
        AUTH_ISSUER: `${issuer.issuer},https://sts.example/v1`,
        AUTH_JWKS_URL: issuer.jwksUrl,
      },
    });
    const token = await issuer.issueToken("ada", { claims: { iss: "https://sts.example/v1" } });

    expect((await service.request().set("Authorization", `Bearer ${token}`)).status).toBe(200);
    expect(issuer.requests).toMatchObject({ discovery: 0, jwks: 1 });
  });
});

describe("an issuer whose keys come too late for a request", () => {
  it("costs that request its answer, and MX is neither asked nor blamed", async () => {
    using _clock = stopClock();
    const keys = Promise.withResolvers<void>();
    await using issuer = await startIdentityProvider();
    await using late = await startLateIssuer(issuer, keys.promise);
    await using service = await start({
      issuer,
      environment: { REQUEST_DEADLINE: "1s", AUTH_JWKS_URL: late.url },
    });
    setTimeout(keys.resolve, 1200);

    const response = await service.post("ada");

    expect([response.status, response.body.type]).toEqual([503, "/problems/auth-unavailable"]);
    expect(Number(response.headers["retry-after"])).toBeGreaterThan(0);
    expect(service.mx.calls.count).toBe(0);
    expect(service.log.join("")).toMatch(/"error.reason":"deadline"/);

    await letTimePass(late.hasAnswered);
    expect((await service.post("ada")).status).toBe(200);
  });
});

/** Gives the issuer's key set, once `isTime`. */
async function startLateIssuer(issuer: IdentityProvider, isTime: Promise<void>) {
  const { promise: hasAnswered, resolve } = Promise.withResolvers<void>();
  const server = createServer(async (_req, res) => {
    const keys = await (await fetch(issuer.jwksUrl)).text();
    await isTime;
    res.on("close", resolve).end(keys);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/keys`,
    hasAnswered,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

describe("a request from a browser", () => {
  const CORS_ORIGINS = "https://app.example.com,http://localhost:5173";

  async function fromPage(service: Started, headers: Record<string, string>) {
    const test = service.request().set("Authorization", await service.bearer("ada"));
    for (const [name, value] of Object.entries(headers)) test.set(name, value);
    return service.check(test);
  }

  it("is answered, readably, where the page's origin is listed", async () => {
    await using service = await start({ environment: { CORS_ORIGINS } });

    const response = await fromPage(service, {
      Origin: "https://app.example.com",
      "Sec-Fetch-Site": "cross-site",
    });

    expect(response.status).toBe(200);
    expect(response.headers["access-control-allow-origin"]).toBe("https://app.example.com");
    expect(response.headers.vary).toContain("Origin");
  });

  it("is answered where the page is on the service's own origin", async () => {
    await using service = await start();

    const response = await fromPage(service, {
      Origin: service.url,
      "Sec-Fetch-Site": "same-origin",
    });

    expect(response.status).toBe(200);
    expect(response.headers).not.toHaveProperty("access-control-allow-origin");
  });

  it.each([
    "null",
    "https://evil.example",
    "https://app.example.com.evil.example",
    "https://evil-app.example.com",
    "http://app.example.com",
    "https://app.example.com:8443",
  ])("is refused before MX is asked, from %s", async (origin) => {
    await using service = await start({ environment: { CORS_ORIGINS } });

    const response = await fromPage(service, { Origin: origin, "Sec-Fetch-Site": "cross-site" });

    expect(response.status).toBe(403);
    expect(response.body.type).toBe("/problems/csrf-rejected");
    expect(response.headers).not.toHaveProperty("access-control-allow-origin");
    expect(response.headers.vary).toContain("Origin");
    expect(service.mx.calls.count).toBe(0);
  });

  it("may ask first, and learns what is allowed", async () => {
    await using service = await start({ environment: { CORS_ORIGINS } });
    const preflight = (origin: string) =>
      request(service.url).options("/session").set({
        Origin: origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
      });

    const granted = await service.check(preflight("https://app.example.com"));
    expect(granted.status).toBe(204);
    expect(granted.headers).toMatchObject({
      "access-control-allow-origin": "https://app.example.com",
      "access-control-allow-methods": "POST",
      "access-control-allow-headers": "authorization, content-type",
    });

    const refused = await service.check(preflight("https://evil.example"));
    expect(refused.status).toBe(403);
    expect(refused.headers).not.toHaveProperty("access-control-allow-origin");
  });
});
