/**
 * The base of the service: headers, request ids, the log, health, limits.
 */

import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import request from "supertest";
import { describe, expect, it } from "vitest";
import { PROBLEM_TYPES } from "../../src/http/problem-types.ts";
import { holdPlace } from "../support/hold.ts";
import { sendRaw } from "../support/raw.ts";
import { type Started, start } from "../support/start.ts";

describe("every answer", () => {
  it("of POST /session is not stored and has no ETag and no cookie, errors included", async () => {
    await using service = await start();
    const responses = [
      await service.post("ada"),
      await service.post("ada", { widget_url: { nonsense: 1 } }),
      await service.check(service.request()),
      await service.check(request(service.url).get("/session")),
    ];

    expect(responses.map((response) => response.status)).toEqual([200, 400, 401, 405]);
    for (const { headers } of responses) {
      expect(headers["cache-control"]).toBe("no-store");
      expect(headers).not.toHaveProperty("etag");
      expect(headers).not.toHaveProperty("set-cookie");
      expect(headers).not.toHaveProperty("x-powered-by");
      expect(headers).toMatchObject({
        "content-security-policy": "default-src 'none';frame-ancestors 'none'",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
      });
      expect(headers).not.toHaveProperty("strict-transport-security");
    }
  });

  it("has Strict-Transport-Security where the operator says so, and for this host alone", async () => {
    await using service = await start({ environment: { HSTS_MAX_AGE: "86400" } });

    for (const test of [service.request(), request(service.url).get("/embed.json")])
      expect((await service.check(test)).headers["strict-transport-security"]).toBe(
        "max-age=86400",
      );
  });

  it("has nothing of MX's answer but the URL", async () => {
    await using service = await start({ apis: "sso" });

    const { body } = await service.post("ada");

    expect(Object.keys(body)).toEqual(["widget_url"]);
    expect(Object.keys(body.widget_url)).toEqual(["type", "url", "expires_at"]);
  });

  it("has the caller's request id, or one of our own where it is not usable", async () => {
    await using service = await start();
    const ask = (id: string) => service.check(service.request().set("X-Request-Id", id));

    const kept = await ask("order-4711_abc");
    expect(kept.headers["x-request-id"]).toBe("order-4711_abc");
    expect(kept.body.request_id).toBe("order-4711_abc");

    for (const id of ["short", "a".repeat(65), 'quote"quote"', "semi;colon;x"]) {
      const { headers } = await ask(id);
      expect(headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
    }
  });
});

describe("the log", () => {
  it("has one JSON line per request, with names that stay", async () => {
    await using service = await start();
    await service.post("ada");
    await service.post("ada", { widget_url: { nonsense: 1 } });
    await service.check(request(service.url).get("/session?secret=1"));
    await service.check(request(service.url).get("/somewhere/else"));
    await service.check(request(service.url).get("/problems/forbidden"));

    const lines = service.log
      .map((line) => JSON.parse(line))
      .filter((line) => line.msg === "request");
    expect(lines).toHaveLength(5);
    expect(lines[0]).toEqual({
      level: "info",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      "http.request.method": "POST",
      "http.route": "/session",
      "http.response.status_code": 200,
      duration_ms: expect.any(Number),
      request_id: expect.any(String),
      "event.name": "session.opened",
      "event.outcome": "success",
      tenant: "default",
      "user.hash": expect.stringMatching(/^[\w-]{22}$/),
      "client.address": "127.0.0.1",
      "mx.widget_type": "connect_widget",
      "mx.calls": 3,
      msg: "request",
    });
    expect(lines[1]).toMatchObject({
      "http.response.status_code": 400,
      "error.type": "invalid-request",
      "mx.calls": 0,
    });
    expect(lines.map((line) => line["http.route"])).toEqual([
      "/session",
      "/session",
      "/session",
      "unmatched",
      "/problems/{name}",
    ]);
    expect(service.log.join("")).not.toContain("secret");
  });

  it("says which call of MX failed, and how, without MX's words", async () => {
    await using service = await start();
    service.mx.failNext(
      {
        kind: "status",
        status: 403,
        body: { error: { message: "IP 203.0.113.7 is not allowed" } },
      },
      { operation: "platform.request_widget_url" },
    );

    const response = await service.post("ada");

    expect(response.status).toBe(502);
    expect(response.text).not.toMatch(/203\.0\.113|platform|127\.0\.0\.1/);
    expect(JSON.parse(service.log.at(-1) ?? "")).toMatchObject({
      level: "error",
      "error.type": "upstream-rejected",
      "upstream.operation": "platform.request_widget_url",
      "upstream.outcome": "rejected",
      "upstream.status": 403,
    });
    expect(service.log.join("")).not.toContain("203.0.113");
  });
});

describe("the public documents", () => {
  it("are the contract and a page for each problem", async () => {
    await using service = await start();

    const contract = await service.check(request(service.url).get("/openapi.yaml").buffer());
    expect(contract.status).toBe(200);
    expect(contract.text).toMatch(/^openapi: "?3\.1\.1/m);

    const page = await service.check(request(service.url).get("/problems/unusable-user-id"));
    expect(page.status).toBe(200);
    expect(page.text).toContain("USER_ID_MODE=hmac");

    expect((await service.check(request(service.url).get("/problems/nonsense"))).status).toBe(404);
  });
});

describe("PUBLIC_DOCS", () => {
  it("is true by default: the contract comes compressed where that is accepted", async () => {
    await using service = await start();

    for (const path of ["/docs", "/openapi.yaml", "/docs/swagger-ui-bundle.js"]) {
      const gzip = await fetchRaw(service.url + path, "gzip, br");
      const plain = await fetchRaw(service.url + path, "identity");

      expect(gzip.headers).toMatchObject({ "content-encoding": "gzip" });
      expect(plain.headers).not.toHaveProperty("content-encoding");
      for (const { headers } of [gzip, plain]) expect(headers.vary).toContain("Accept-Encoding");
      expect(gzip.body.length).toBeLessThan(plain.body.length / 1.5);
      expect(gunzipSync(gzip.body).equals(plain.body)).toBe(true);
    }
  });

  it("lets the root of both ports lead to the contract", async () => {
    await using service = await start();

    const root = await service.check(request(service.url).get("/"));
    expect([root.status, root.headers.location]).toEqual([302, "/docs"]);
    const { status, headers } = await request(service.operationsUrl).get("/");
    expect([status, headers.location]).toEqual([302, "/docs"]);
  });

  it("false leaves the contract to the operations port, and no public page leads to it", async () => {
    await using service = await start({ environment: { PUBLIC_DOCS: "false" } });

    expect((await service.check(request(service.url).get("/"))).status).toBe(404);
    for (const path of ["/docs", "/openapi.yaml", "/docs/page.js"]) {
      for (const method of ["get", "head", "post", "options"] as const)
        expect((await request(service.url)[method](path)).status).toBe(404);
      expect((await request(service.operationsUrl).get(path)).status).toBe(200);
      const refused = await request(service.operationsUrl).post(path);
      expect([refused.status, refused.headers.allow]).toEqual([405, "GET, HEAD"]);
    }
    for (const { name } of Object.values(PROBLEM_TYPES)) {
      const page = await service.check(request(service.url).get(`/problems/${name}`));
      expect(page.status).toBe(200);
      expect(page.text).not.toMatch(/\/docs|openapi\.yaml/);
    }
  });
});

describe("a path", () => {
  it.each([
    ["/session", "POST, OPTIONS"],
    ["/user/widget_urls", "POST, OPTIONS"],
    ["/openapi.yaml", "GET, HEAD"],
    ["/", "GET, HEAD"],
    ["/livez", "GET, HEAD"],
    ["/docs", "GET, HEAD"],
    ["/docs/page.js", "GET, HEAD"],
    ["/problems/forbidden", "GET, HEAD"],
    ["/embed.js", "GET, HEAD"],
    ["/embed.json", "GET, HEAD"],
    ["/embed.d.ts", "GET, HEAD"],
  ])("%s that exists names its methods to all others, whatever the body", async (path, allow) => {
    await using service = await start();
    const methods = ["get", "head", "post", "put", "patch", "delete", "options"] as const;
    for (const method of methods.filter((each) => !allow.includes(each.toUpperCase()))) {
      for (const type of ["text/plain", "application/json"]) {
        const test = request(service.url)[method](path).set("Content-Type", type);
        const response = await service.check(
          method === "get" || method === "head" ? test : test.send("[broken"),
        );
        expect([method, response.status, response.headers.allow]).toEqual([method, 405, allow]);
      }
    }
  });

  it.each([
    "/nothing",
    "/docs/package.json",
    "/docs/%zz",
    "/problems/nonsense",
    "/problems/%E0%A4%A",
    "/embed.0123456789abcdef.js",
    "/session/x",
  ])("%s that does not exist is 404 for every method", async (path) => {
    await using service = await start();
    for (const method of ["get", "head", "post", "put", "patch", "delete", "options"] as const) {
      const response = await service.check(request(service.url)[method](path));
      expect([method, response.status]).toEqual([method, 404]);
    }
  });
});

describe("the operations port", () => {
  it("answers liveness and readiness, and opens no sessions", async () => {
    await using service = await start();
    await service.post("ada");

    for (const path of ["/livez", "/readyz"]) {
      expect((await request(service.operationsUrl).get(path)).status).toBe(200);
    }
    expect((await request(service.operationsUrl).post("/session")).status).toBe(404);
  });

  it.each(["/", "/livez", "/readyz", "/metrics", "/docs", "/openapi.yaml"])(
    "names the methods of %s to all others",
    async (path) => {
      await using service = await start();
      for (const method of ["post", "put", "patch", "delete", "options"] as const) {
        const { status, headers } = await request(service.operationsUrl)[method](path);
        expect([method, status, headers.allow]).toEqual([method, 405, "GET, HEAD"]);
      }
    },
  );

  it.each(["http://[::1/livez", "//a#b@c", "*"])(
    "answers JSON to the target %s",
    async (target) => {
      await using service = await start();
      const answer = await sendRaw(
        service.operationsUrl,
        `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`,
      );
      expect(answer.statuses).toEqual([404]);
      expect(answer.text).toMatch(/\r\n\r\n\{"status":"not_found"\}$/);
    },
  );

  it("stays healthy while MX is down", async () => {
    await using service = await start();
    service.mx.failNext({ kind: "status", status: 502 }, { times: Number.POSITIVE_INFINITY });

    expect((await service.post("ada")).status).toBe(503);

    expect(await healthOf(service)).toEqual([200, 200, 200, 200]);
  });

  it("stays healthy while requests that wait for MX take all places", async () => {
    await using service = await start({ environment: FULL });
    using _held = await holdPlace(service);

    expect((await service.request()).status).toBe(503);

    expect(await healthOf(service)).toEqual([200, 200, 200, 200]);
  });

  it("is not ready while draining, when requests are still served", async () => {
    await using service = await start();
    await service.post("ada");
    service.service.drain();

    expect((await request(service.operationsUrl).get("/readyz")).body).toEqual({
      status: "draining",
    });
    const response = await service.post("ada");
    expect(response.status).toBe(200);
    expect(response.headers.connection).toBe("close");
  });
});

describe("a request that nobody who means well sends", () => {
  /** Sends the bytes and gives the whole answer. */
  async function sendRaw(url: string, bytes: string): Promise<string> {
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.end(bytes);
    return Buffer.concat(await socket.toArray()).toString();
  }

  it.each(["http://", "http://[", "a://", "foo://x?y", "*", "http://elsewhere.example/session/x"])(
    "to %s is answered as a problem, and logged",
    async (target) => {
      await using service = await start();

      const answer = await sendRaw(
        service.url,
        `POST ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
      );

      expect(answer).toMatch(/^HTTP\/1\.1 404 [\s\S]*application\/problem\+json/);
      expect(service.log).toHaveLength(1);
    },
  );

  it("gets no further than others by an absolute target", async () => {
    await using service = await start();

    const answer = await sendRaw(
      service.url,
      "POST http://elsewhere.example/session HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );

    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
  });

  it("with two Hosts is refused, and its connection closed", async () => {
    await using service = await start();

    const answer = await sendRaw(
      service.url,
      "POST /session HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    );

    expect(answer).toMatch(/^HTTP\/1\.1 400 [\s\S]*Connection: close/);
  });
});

/** Of each path on each port. */
const healthOf = ({ url, operationsUrl }: Started) =>
  Promise.all(
    [url, operationsUrl].flatMap((port) =>
      ["/livez", "/readyz"].map(async (path) => (await fetch(port + path)).status),
    ),
  );

const FULL = { MAX_IN_FLIGHT: "1", REQUEST_DEADLINE: "60s" };

describe("a service at its limit", () => {
  it("lets a page read why it is refused", async () => {
    const environment = { ...FULL, CORS_ORIGINS: "https://app.example.com" };
    await using service = await start({ environment });
    using _held = await holdPlace(service);

    const response = await service.request().set("Origin", "https://app.example.com");

    expect(response.status).toBe(503);
    expect(response.headers["access-control-allow-origin"]).toBe("https://app.example.com");
    expect(response.headers["access-control-expose-headers"]).toContain("retry-after");
  });

  it("refuses what is more than MAX_IN_FLIGHT, before the token is looked at", async () => {
    await using service = await start({ environment: FULL });
    await service.post("ada");
    {
      using _held = await holdPlace(service);
      const response = await service.check(service.request());

      expect(response.status).toBe(503);
      expect(response.body.type).toBe("/problems/overloaded");
      expect(response.headers["retry-after"]).toBe("1");
    }
    await expect.poll(async () => (await service.request()).status).toBe(401); // Its place is free again.
  });

  it("answers it as any other problem, so that a page of a listed origin can read it", async () => {
    await using service = await start({
      environment: { ...FULL, CORS_ORIGINS: "https://app.example.com" },
    });
    const ask = (origin: string) =>
      service.request().set("Origin", origin).set("X-Request-Id", "overload-1");
    const usual = await ask("https://app.example.com");
    expect(usual.status).toBe(401);

    using _held = await holdPlace(service);
    const refused = await ask("https://app.example.com");
    const foreign = await ask("https://evil.example.com");
    const query = await service.request("/session?x=1");

    expect(refused.body).toMatchObject({ type: "/problems/overloaded", request_id: "overload-1" });
    const names = (headers: object) => Object.keys(headers).sort();
    expect(names(refused.headers)).toEqual(
      names({ ...usual.headers, "retry-after": "1" }).filter((name) => name !== "www-authenticate"),
    );
    expect(refused.headers["access-control-allow-origin"]).toBe("https://app.example.com");
    expect(refused.headers["retry-after"]).toBe("1");
    expect(foreign.status).toBe(503);
    expect(foreign.headers["access-control-allow-origin"]).toBeUndefined();
    expect(foreign.headers.vary).toBe("Origin");
    expect(query.status).toBe(503);
    const line = service.log
      .map((each) => JSON.parse(each))
      .find(
        ({ request_id: id, "error.type": type }) => id === "overload-1" && type === "overloaded",
      );
    expect(line).toMatchObject({ "http.response.status_code": 503, "http.route": "/session" });
  });
});

/** The answer as it travels. */
async function fetchRaw(url: string, encoding: string) {
  const call = get(url, { headers: { "Accept-Encoding": encoding } });
  const [response] = (await once(call, "response")) as [IncomingMessage];
  return { headers: response.headers, body: await buffer(response) };
}
