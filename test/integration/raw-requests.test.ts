/**
 * What no HTTP client would send, to a real socket: smuggling, odd framing, headers and targets. Nothing of it gets to MX,
 * and the service goes on.
 *
 * Sources: RFC 9112, sections 2.2, 3, 5, 6, 7 and 11.2; RFC 9110, sections 5.3 and 10.1.1.
 */

import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sendRaw } from "../support/raw.ts";
import { type Started, start } from "../support/start.ts";

const BODY = '{"widget_url":{}}';
const CHUNKED = `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`;
const SIZED = `Content-Length: ${BODY.length}\r\n\r\n${BODY}`;

/** Head and body of an otherwise good request; the token is a good one. */
type Build = (good: string, token: string) => string;

/** A good request but for `rest`, which comes after its headers. */
const post =
  (rest: string, target = "/session"): Build =>
  (good) =>
    `POST ${target} HTTP/1.1\r\n${good}${rest}`;

const chunked = (encoding: string) => post(`Transfer-Encoding: ${encoding}\r\n\r\n${CHUNKED}`);
const sized = (length: string) => post(`Content-Length: ${length}\r\n\r\n${BODY}`);
const withHeader = (header: string) => post(`${header}\r\n${SIZED}`);
const many = (count: number) => Array.from({ length: count }, (_, n) => `X-${n}: y\r\n`).join("");

describe("POST /session over a raw socket", () => {
  let service: Started;
  let token: string;
  let good: string;

  beforeAll(async () => {
    service = await start({ environment: { CORS_ORIGINS: "https://app.example.com" } });
    token = await service.bearer("ada");
    good = `Host: bff.example\r\nAuthorization: ${token}\r\nContent-Type: application/json\r\n`;
    await service.post("ada");
  });
  afterAll(async () => service[Symbol.asyncDispose]());

  async function send(build: Build | string) {
    service.mx.calls.clear();
    const bytes = typeof build === "string" ? build : build(good, token);
    return sendRaw(service.url, bytes);
  }

  async function expectToLiveOn(): Promise<void> {
    expect((await service.post("ada")).status).toBe(200);
  }

  it.each<[string, Build]>([
    ["a length", sized("17")],
    ["a length with a space before it", sized(" 17")],
    ["chunks", chunked("chunked")],
    ["chunks in capitals", chunked("Chunked")],
    ["chunks with a space before", chunked(" chunked")],
    [
      "a short chunk extension",
      post(`Transfer-Encoding: chunked\r\n\r\n11;a=b\r\n${BODY}\r\n0\r\n\r\n`),
    ],
    ["empty lines before it", (headers) => `\r\n\r\nPOST /session HTTP/1.1\r\n${headers}${SIZED}`],
    ["a query", post(SIZED, "/session?x=%zz")],
    ["an absolute target, whatever its host", post(SIZED, "http://evil.example/session")],
    ["names of JavaScript as headers", withHeader("__proto__: x\r\nconstructor: y")],
    ["an upgrade that is not taken", withHeader("Connection: Upgrade\r\nUpgrade: websocket")],
    ["an upgrade to HTTP/2 that is not taken", withHeader("Connection: Upgrade\r\nUpgrade: h2c")],
    ["64 headers", post(`${many(60)}${SIZED}`)],
    ["HTTP/1.0", (headers) => `POST /session HTTP/1.0\r\n${headers}${SIZED}`],
  ])("takes %s", async (_what, build) => {
    const answer = await send(build);

    expect(answer.statuses).toEqual([200]);
    expect(service.mx.calls.count).toBeGreaterThan(0);
  });

  it("asks for the body when the caller expects that, and does not ask in vain", async () => {
    expect((await send(withHeader("Expect: 100-continue"))).statuses).toEqual([100, 200]);

    const tooLarge = await send(post("Expect: 100-continue\r\nContent-Length: 999999\r\n\r\n"));
    expect(tooLarge.statuses.at(-1)).toBe(413);
    expect(service.mx.calls.count).toBe(0);
  });

  it.each<[string, Build | string, number]>([
    // Two ways to tell where a request ends.
    [
      "a length and chunks",
      post(`Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKED}`),
      400,
    ],
    [
      "chunks and a length",
      post(`Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n${CHUNKED}`),
      400,
    ],
    ["two lengths", post(`Content-Length: 17\r\nContent-Length: 18\r\n\r\n${BODY} `), 400],
    ["one length twice", post(`Content-Length: 17\r\n${SIZED}`), 400],
    ...["+17", "-17", "0x11", "17,17", "17 17", "1e1", "17.0", "99999999999999999999", ""].map(
      (length): [string, Build, number] => [
        `the length ${JSON.stringify(length)}`,
        sized(length),
        400,
      ],
    ),
    // Encodings that another server may not see, or see otherwise.
    ...[
      "chunked, identity",
      "identity",
      "xchunked",
      "chunkedx",
      '"chunked"',
      "chunked;q=1",
      "chunked\t",
      "chunked, chunked",
      "gzip, chunked",
      "gzip",
      ",chunked",
      "\x0bchunked",
      "",
    ].map((encoding): [string, Build, number] => [
      `the encoding ${JSON.stringify(encoding)}`,
      chunked(encoding),
      400,
    ]),
    ["an encoding before a space", post(`Transfer-Encoding : chunked\r\n\r\n${CHUNKED}`), 400],
    ["an encoding on a second line", post(`Transfer-Encoding:\r\n chunked\r\n\r\n${CHUNKED}`), 400],
    [
      "two encodings",
      post(`Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n${CHUNKED}`),
      400,
    ],
    [
      "chunks in HTTP/1.0",
      (headers) =>
        `POST /session HTTP/1.0\r\n${headers}Transfer-Encoding: chunked\r\n\r\n${CHUNKED}`,
      400,
    ],
    // Chunks.
    ["a chunk of no number", post("Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"), 400],
    ["a chunk below zero", post("Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n"), 400],
    [
      "a chunk beyond all numbers",
      post(`Transfer-Encoding: chunked\r\n\r\n${"f".repeat(20)}\r\n{}`),
      400,
    ],
    ["chunks that end with LF", post("Transfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n"), 400],
    [
      "a chunk longer than it says",
      post("Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n"),
      400,
    ],
    [
      "a chunk extension of 20 kB",
      post(`Transfer-Encoding: chunked\r\n\r\n11;${"a".repeat(20_480)}\r\n${BODY}\r\n0\r\n\r\n`),
      413,
    ],
    // Lines and names.
    [
      "lines that end with LF",
      (headers) => `POST /session HTTP/1.1\n${headers.replaceAll("\r", "")}\n`,
      400,
    ],
    [
      "a header that ends with LF",
      (headers) => `POST /session HTTP/1.1\r\nX: a\n${headers}${SIZED}`,
      400,
    ],
    ["a CR in a header", withHeader("X: a\rb"), 400],
    ["a folded header", withHeader("X: a\r\n b"), 400],
    [
      "a folded token",
      (_good, bearer) =>
        `POST /session HTTP/1.1\r\nHost: a\r\nAuthorization:\r\n ${bearer}\r\n\r\n`,
      400,
    ],
    ["NUL in a header", withHeader("X: a\0b"), 400],
    ["NUL in a name", withHeader("X\0: a"), 400],
    ["a control character in a header", withHeader("X: a\x07b"), 400],
    ["a space in a name", withHeader("X y: z"), 400],
    ["a name without a colon", withHeader("Xyz"), 400],
    ["no name", withHeader(": z"), 400],
    [
      "a space before the method",
      (headers) => ` POST /session HTTP/1.1\r\n${headers}${SIZED}`,
      400,
    ],
    // Hosts, and other headers of which there is one.
    [
      "no Host",
      (_good, bearer) => `POST /session HTTP/1.1\r\nAuthorization: ${bearer}\r\n\r\n`,
      400,
    ],
    [
      "an empty Host",
      (_good, bearer) => `POST /session HTTP/1.1\r\nHost:\r\nAuthorization: ${bearer}\r\n\r\n`,
      400,
    ],
    [
      "a Host that is none",
      (_good, bearer) =>
        `POST /session HTTP/1.1\r\nHost: a@b/c\r\nAuthorization: ${bearer}\r\n\r\n`,
      400,
    ],
    ["two Hosts", withHeader("Host: other.example"), 400],
    ["one Host twice", withHeader("hOST: bff.example"), 400],
    [
      "two tokens, a bad one first",
      (_good, bearer) =>
        `POST /session HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\nAuthorization: ${bearer}\r\n\r\n`,
      400,
    ],
    ["two tokens, a bad one last", withHeader("authorization: Bearer x"), 400],
    ["two types", withHeader("Content-Type: text/plain"), 400],
    [
      "two origins",
      withHeader("Origin: https://app.example.com\r\nOrigin: https://evil.example"),
      400,
    ],
    [
      "two sites",
      withHeader(
        "Origin: https://evil.example\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site",
      ),
      400,
    ],
    // Too much.
    ["headers of 33 kB", withHeader(`X: ${"a".repeat(33 * 1024)}`), 431],
    ["a target of 33 kB", post(SIZED, `/session?${"a".repeat(33 * 1024)}`), 431],
    ["3,000 headers", post(`${many(3000)}${SIZED}`), 431],
    [
      "3,000 headers before the others",
      (headers) => `POST /session HTTP/1.1\r\n${many(3000)}${headers}${SIZED}`,
      431,
    ],
    ["a 65th header", post(`${many(61)}${SIZED}`), 431],
    [
      "a forged address after the 64th header",
      withHeader(`${many(64)}X-Forwarded-For: 203.0.113.7`),
      431,
    ],
    [
      "an encoding after the 64th header",
      post(`${many(64)}Transfer-Encoding: chunked\r\n\r\n${CHUNKED}`),
      431,
    ],
    [
      "70 headers before the token",
      (headers) => `POST /session HTTP/1.1\r\n${many(70)}${headers}${SIZED}`,
      431,
    ],
    // Other protocols and versions.
    ["HTTP/2 from the first byte", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
    ["HTTP/2 by its number", (headers) => `POST /session HTTP/2.0\r\n${headers}${SIZED}`, 400],
    ["HTTP/1.2", (headers) => `POST /session HTTP/1.2\r\n${headers}${SIZED}`, 400],
    ["HTTP/0.9", "POST /session\r\n\r\n", 400],
    ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400],
    ["an unknown method", (headers) => `FOO /session HTTP/1.1\r\n${headers}\r\n`, 400],
    ["a method in small letters", (headers) => `post /session HTTP/1.1\r\n${headers}${SIZED}`, 400],
    ["a target in Latin-1", post(SIZED, "/sess\xefon"), 400],
    ["a target that is no path", post(SIZED, "session"), 400],
  ])("refuses %s, and closes", async (_what, build, status) => {
    const answer = await send(build);

    expect(answer.statuses).toEqual([status]);
    expect(answer.isClosed).toBe(true);
    expect(service.mx.calls.count).toBe(0);
    expect(answer.text).not.toMatch(/<html|\bat \/|node:/i);
    await expectToLiveOn();
  });

  it.each([
    "//session",
    "/session//",
    "/SESSION",
    "/Session",
    "/session;a",
    "/session%2f",
    "/session%3fx",
    "/session%00",
    "/%73ession",
    "/./session",
    "/x/../session",
    "/user/../session",
    "/session\\",
    "/session#x",
    "//NaN#NaNa@b.example?k=",
    "//#@x",
    "/%",
    "/%zz",
    "*",
    "http://evil.example/session/x",
    "https://evil.example/x",
  ])("answers 404 as a problem at %s", async (target) => {
    const answer = await send(post(SIZED, target));

    expect(answer.statuses).toEqual([404]);
    expect(answer.text).toContain("application/problem+json");
    expect(service.mx.calls.count).toBe(0);
  });

  it.each<[string, Build, number[]]>([
    ["TRACE", (headers) => `TRACE /session HTTP/1.1\r\n${headers}\r\n`, [405]],
    ["QUERY", (headers) => `QUERY /session HTTP/1.1\r\n${headers}${SIZED}`, [405]],
    ["a target without a path", post(SIZED, "https://evil.example"), [405]],
    ["GET with a body", (headers) => `GET /session HTTP/1.1\r\n${headers}${SIZED}`, [405]],
    [
      "GET that wants to be POST",
      (headers) => `GET /session HTTP/1.1\r\n${headers}X-HTTP-Method-Override: POST\r\n\r\n`,
      [405],
    ],
    [
      "an upgrade",
      (headers) =>
        `GET /session HTTP/1.1\r\n${headers}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
      [405],
    ],
    ["CONNECT", () => "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n", []],
    ["CONNECT to a path", (headers) => `CONNECT /session HTTP/1.1\r\n${headers}\r\n`, []],
    ["another expectation", withHeader("Expect: 200-maybe"), [417]],
    [
      "a token in a trailer",
      () =>
        "POST /session HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n" +
        `Trailer: Authorization\r\n\r\n2\r\n{}\r\n0\r\nAuthorization: ${token}\r\n\r\n`,
      [401],
    ],
    [
      "a token that is to be left out on the way",
      (_good, bearer) => `POST /session HTTP/1.1\r\nHost: a\r\nX-Authorization: ${bearer}\r\n\r\n`,
      [401],
    ],
  ])("does not take %s", async (_what, build, statuses) => {
    const answer = await send(build);

    expect(answer.statuses).toEqual(statuses);
    if (statuses.length === 0) expect(answer.isClosed).toBe(true);
    expect(service.mx.calls.count).toBe(0);
    await expectToLiveOn();
  });

  it("wants a token of its own from each request on a connection", async () => {
    const second = "POST /session HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";

    const answer = await send((headers) => `POST /session HTTP/1.1\r\n${headers}${SIZED}${second}`);

    expect(answer.statuses).toEqual([200, 401]);
    expect(service.mx.calls.count).toBe(1);
  });

  it("takes no request out of the body of another", async () => {
    const inner = `POST /session HTTP/1.1\r\n${good}Content-Length: 0\r\n\r\n`;

    const answer = await send(
      `GET /openapi.yaml HTTP/1.1\r\nHost: a\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`,
    );

    expect(answer.statuses).toEqual([200]);
    expect(service.mx.calls.count).toBe(0);
  });

  it("answers a body without end as soon as it is too large", async () => {
    const answer = await send(
      post(`Transfer-Encoding: chunked\r\n\r\n5000\r\n${"x".repeat(0x5000)}\r\n`),
    );

    expect(answer.statuses).toEqual([413]);
    expect(answer.ms).toBeLessThan(1000);
    await expectToLiveOn();
  });

  it("outlives callers that leave at any byte", async () => {
    service.mx.calls.clear();
    const bytes = `POST /session HTTP/1.1\r\n${good}${SIZED}`;
    const steps = Array.from({ length: 60 }, (_, n) => Math.floor(((n + 1) * bytes.length) / 61));

    await Promise.all(
      steps.map(async (length, index) => {
        const socket = connect(Number(new URL(service.url).port), "127.0.0.1").resume();
        socket.on("error", () => {});
        socket.write(bytes.slice(0, length), "latin1", () =>
          index % 2 ? socket.end() : socket.resetAndDestroy(),
        );
        await new Promise((resolve) => socket.once("close", resolve));
      }),
    );

    expect(service.mx.calls.count).toBe(0);
    await expectToLiveOn();
  });

  it("has one line of JSON in the log for each event", () => {
    for (const line of service.log) {
      expect(JSON.parse(line)).toMatchObject({ msg: expect.any(String) });
      expect(line).toMatch(/^[^\n]*\n$/);
    }
  });
});
