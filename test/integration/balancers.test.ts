/**
 * What load balancers and platforms do: routes by path, probes on the one port they reach, other protocols, request ids,
 * idle connections, both address families.
 */

import { once } from "node:events";
import { connect } from "node:net";
import request from "supertest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { holdPlace } from "../support/hold.ts";
import { hasIPv6 } from "../support/installed.ts";
import { sendRaw } from "../support/raw.ts";
import { type Started, start } from "../support/start.ts";

type Line = Record<string, unknown>;

const lines = ({ log }: Started): Line[] => log.map((line) => JSON.parse(line));

describe("health on the public port", () => {
  it("is the status and nothing else", async () => {
    await using service = await start();
    await service.post("ada"); // The issuer's keys are there.

    for (const path of ["/livez", "/readyz"]) {
      for (const method of ["get", "head"] as const) {
        const response = await service.check(request(service.url)[method](path));
        expect([response.status, response.text || ""]).toEqual([200, ""]);
      }
      for (const method of ["post", "put", "delete", "options"] as const) {
        const response = await service.check(request(service.url)[method](path));
        expect([response.status, response.headers.allow]).toEqual([405, "GET, HEAD"]);
      }
    }
    expect((await request(service.url).get("/metrics")).status).toBe(404);
  });

  it("is not ready while draining", async () => {
    await using service = await start();
    service.service.drain();

    const response = await service.check(request(service.url).get("/readyz"));
    expect([response.status, response.text]).toEqual([503, ""]);
    expect((await service.check(request(service.url).get("/livez"))).status).toBe(200);
  });

  it("is neither shed nor limited", async () => {
    const environment = { MAX_IN_FLIGHT: "1", REQUEST_DEADLINE: "60s", RATE_LIMIT_ADDRESS: "1/1h" };
    await using service = await start({ environment });
    using _held = await holdPlace(service);

    for (let count = 0; count < 3; count += 1)
      for (const path of ["/livez", "/readyz"])
        expect((await service.check(request(service.url).get(path))).status).toBe(200);
    expect((await service.request()).status).toBe(503);
  });
});

describe("BASE_PATH", () => {
  let service: Started;
  beforeAll(async () => {
    service = await start({ environment: { BASE_PATH: "/bank/mx.v1" } });
  });
  afterAll(() => service[Symbol.asyncDispose]());

  const get = (path: string) => request(service.url).get(path);

  it.each(["/session", "/user/widget_urls", "/session/"])("stands before %s", async (path) => {
    const authorization = await service.bearer("ada");
    const ask = (whole: string) =>
      request(service.url).post(whole).set("Authorization", authorization);

    expect((await ask(`/bank/mx.v1${path}`)).status).toBe(200);
    expect((await ask(path)).status).toBe(404);
  });

  it.each([
    "/docs",
    "/docs/page.js",
    "/openapi.yaml",
    "/embed.js",
    "/embed.d.ts",
    "/problems/forbidden",
  ])("stands before %s", async (path) => {
    expect((await get(`/bank/mx.v1${path}`)).status).toBe(200);
    expect((await get(path)).status).toBe(404);
  });

  it.each(["/livez", "/readyz"])("is optional before %s", async (path) => {
    expect((await get(`/bank/mx.v1${path}`)).status).toBe(200);
    expect((await get(path)).status).toBe(200);
  });

  it.each([
    "/",
    "/bank",
    "/bank/mxxv1/session",
    "/bank/mx.v1session",
    "/BANK/mx.v1/session",
    "/bank/mx.v1//session",
    "//bank/mx.v1/session",
    "/bank/mx.v1/bank/mx.v1/session",
    "/x/bank/mx.v1/session",
  ])("makes %s a 404", async (path) => {
    expect((await request(service.url).post(path)).status).toBe(404);
  });

  it("stands in the addresses that the service gives", async () => {
    const { url } = (await get("/bank/mx.v1/embed.json")).body;
    expect(url).toMatch(/^\/bank\/mx\.v1\/embed\.[0-9a-f]{16}\.js$/);
    expect((await get(url)).status).toBe(200);

    const problem = (await request(service.url).post("/bank/mx.v1/session")).body;
    expect(problem.type).toBe("/bank/mx.v1/problems/unauthenticated");
    expect((await get(problem.type)).status).toBe(200);
    expect((await get("/nowhere")).body.type).toBe("/bank/mx.v1/problems/not-found");

    expect((await get("/bank/mx.v1/openapi.yaml").buffer()).text).toContain(
      "  - url: /bank/mx.v1\n",
    );
    const old = await get("/bank/mx.v1/embed.0123456789abcdef.js");
    expect(old.body.detail).toContain("/bank/mx.v1/embed.json");
  });

  it("leads from page to page", async () => {
    for (const path of ["/docs", "/problems/forbidden"]) {
      const page = await get(`/bank/mx.v1${path}`);
      const links = [...page.text.matchAll(/(?:href|src)="([^"#:]+)"/g)].map(
        ([, link]) => link ?? "",
      );
      expect(links.length).toBeGreaterThan(0);
      for (const link of links) {
        const { pathname } = new URL(link, `${service.url}/bank/mx.v1${path}`);
        expect([link, (await get(pathname)).status]).toEqual([link, 200]);
      }
    }
  });

  it.each(["/bank/mx.v1", "/bank/mx.v1/"])("leads from %s to the contract", async (path) => {
    const root = await get(path);
    expect([root.status, root.headers.location]).toEqual([302, "/bank/mx.v1/docs"]);
  });

  it("is in no route of the log", async () => {
    await get("/bank/mx.v1/docs/page.js");
    await get("/bank/mx.v1");
    await get("/session");
    const routes = lines(service).map((line) => line["http.route"]);
    expect(routes.slice(-3)).toEqual(["/docs/{file}", "/", "unmatched"]);
    for (const route of routes) expect(String(route)).not.toContain("bank");
  });
});

describe("what the parser refuses", () => {
  const HTTP2 = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
  const GET = "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n";

  it.each([
    ["http2", HTTP2, 400],
    ["proxy_protocol_v1", `PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n${GET}`, 400],
    ["proxy_protocol_v1", `PROXY UNKNOWN\r\n${GET}`, 400],
    [
      "proxy_protocol_v2",
      `\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\x12\x67\0\x50${GET}`,
      400,
    ],
    ["tls", "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", 400],
    ["tls", "\x16\x03\x03\x02\0\x01\0\x01\xfc\x03\x03", 400],
    ["headers_too_large", `GET / HTTP/1.1\r\nHost: a\r\nX: ${"a".repeat(40_000)}\r\n\r\n`, 431],
    ["malformed", "SSH-2.0-OpenSSH_9.9\r\n", 400],
    ["malformed", "GET / HTTP/1.1\r\nX y: z\r\n\r\n", 400],
  ])("is counted and logged: %s", async (kind, bytes, status) => {
    await using service = await start();
    const count = async () => {
      const { text } = await request(service.operationsUrl).get("/metrics");
      return Number(
        new RegExp(`^bff_parser_refusals_total\\{kind="${kind}"\\} (\\d+)`, "m").exec(text)?.[1],
      );
    };
    expect(await count()).toBe(0);

    for (let time = 0; time < 3; time += 1) {
      const answer = await sendRaw(service.url, bytes);
      expect(answer).toMatchObject({ statuses: [status], isClosed: true });
      expect(answer.text).toBe(
        `HTTP/1.1 ${status} ${status === 400 ? "Bad Request" : "Request Header Fields Too Large"}\r\nConnection: close\r\n\r\n`,
      );
    }

    expect(await count()).toBe(3);
    const logged = lines(service).filter((line) => line["event.name"] === "parser.refused");
    expect(logged).toEqual([
      {
        level: "warn",
        time: expect.any(String),
        "event.name": "parser.refused",
        "error.reason": kind,
        count: 1,
        hint: expect.stringMatching(/^[A-Z][^\n]{10,120}\.$/),
        msg: "parser_refusal",
      },
    ]);
  });

  it("is seen on the operations port, too, and callers who leave are not", async () => {
    await using service = await start();
    const socket = connect(Number(new URL(service.url).port), "127.0.0.1");
    await once(socket, "connect");
    socket.write("GET /livez HT");
    socket.resetAndDestroy();
    await sendRaw(service.operationsUrl, HTTP2);

    const reasons = lines(service).map((line) => line["error.reason"]);
    expect(reasons).toEqual(["http2"]);
  });
});

describe("the request id of a gateway", () => {
  let service: Started;
  beforeAll(async () => {
    service = await start();
  });
  afterAll(() => service[Symbol.asyncDispose]());

  async function logOf(headers: Record<string, string>): Promise<Line> {
    await service.check(request(service.url).get("/livez").set(headers));
    return lines(service).at(-1) ?? {};
  }

  it.each<[string, Record<string, string>]>([
    ["9ac20e1c-8a6b-4b6a-8c5f-1d2e3f405162#1", {}],
    ["short", {}],
    ["req 4711; span=7", {}],
    ["Root=1-67891233-abcdef012345678912345678", { "X-Amzn-Trace-Id": "Root=1-1-1" }],
  ])("%s stands in the log beside our own", async (id, others) => {
    const line = await logOf({ ...others, "X-Request-Id": id });

    expect(line).toMatchObject({ request_id_received: id });
    expect(line.request_id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("of AWS is taken where there is no other", async () => {
    const id = "Root=1-67891233-abcdef012345678912345678;Sampled=1";
    expect(await logOf({ "X-Amzn-Trace-Id": id })).toMatchObject({ request_id_received: id });
  });

  it("is cut at 128 characters", async () => {
    const line = await logOf({ "X-Request-Id": "span 7;".repeat(50) });
    expect(line.request_id_received).toBe("span 7;".repeat(50).slice(0, 128));
  });

  it("is not repeated if it was taken over", async () => {
    const line = await logOf({ "X-Request-Id": "order-4711", "X-Amzn-Trace-Id": "Root=1-2-3" });
    expect(line).toMatchObject({ request_id: "order-4711" });
    expect(line).not.toHaveProperty("request_id_received");
  });

  it.each([
    "Bearer abcdefgh",
    "id=bearer%20abc",
    "Basic YWRhOnNlY3JldA==",
    "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl",
    "x#eyJhbGciOiJSUzI1NiJ9",
    `${"a".repeat(120)}#eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ.`,
    "ewogImFsZyI6ICJub25lIgp9.ewogInN1YiI6ICJhZGEiCn0.c2ln",
    "https://int-widgets.moneydesktop.com/md/connect/abc",
    "caf\u00e9 4711",
    "\u00a0",
  ])("is left out if it could be something else: %j", async (id) => {
    const line = await logOf({ "X-Request-Id": id });

    expect(line).not.toHaveProperty("request_id_received");
    expect(line.request_id).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe("KEEP_ALIVE_TIMEOUT", () => {
  it.each([
    [undefined, "timeout=65"],
    ["620s", "timeout=620"],
    ["1h", "timeout=3600"],
  ])("%s is told to callers as %s", async (value, expected) => {
    await using service = await start({ environment: { KEEP_ALIVE_TIMEOUT: value } });
    for (const url of [service.url, service.operationsUrl]) {
      const answer = await sendRaw(url, "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n");
      expect(answer.text).toContain(`Keep-Alive: ${expected}\r\n`);
      expect(answer.isClosed).toBe(false);
    }
  });

  it("ends an idle connection", async () => {
    await using service = await start({ environment: { KEEP_ALIVE_TIMEOUT: "1s" } });
    const socket = connect(Number(new URL(service.url).port), "127.0.0.1").resume();
    socket.write("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n");

    await once(socket, "close"); // The test's time limit is the bound.
  });
});

describe("HOST", () => {
  it.skipIf(!hasIPv6())(
    "unset listens on both address families (skipped without IPv6)",
    async () => {
      await using service = await start({ environment: { HOST: undefined } });
      for (const origin of [service.url, service.operationsUrl]) {
        const { port } = new URL(origin);
        for (const host of ["127.0.0.1", "[::1]"])
          expect((await fetch(`http://${host}:${port}/livez`)).status).toBe(200);
      }
    },
  );

  it("unset still tells callers of IPv4 by their address", async () => {
    await using service = await start({ environment: { HOST: undefined } });
    await service.request();

    expect(lines(service).at(-1)).toMatchObject({ "client.address": "127.0.0.1" });
  });
});
