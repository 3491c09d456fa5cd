import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createServer as createTlsServer } from "node:tls";
import { gzipSync } from "node:zlib";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createSecret } from "../../../src/secret.ts";
import {
  createExchange,
  type ExchangeRequest,
  type ExchangeResult,
} from "../../../src/upstream/exchange.ts";
import type { ConnectionOptions } from "../../../src/upstream/pool.ts";

/** More than any machine needs, and less than the time that an exchange has unless a test says otherwise. */
const ROOM_MS = 30_000;

type Upstream = AsyncDisposable & { port: number; origin: string; connections: () => number };

async function start(server: Server, scheme = "http"): Promise<Upstream> {
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on("connection", (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("error", () => undefined).once("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    origin: `${scheme}://127.0.0.1:${port}`,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

const startHttp = (listener: RequestListener) => start(createHttpServer(listener));

/** A server that says `bytes` to every request, and then does `after` to the connection. */
function startRaw(bytes: string, after: (socket: Socket) => void = () => undefined) {
  return start(
    createServer((socket) => {
      socket.on("data", () => void socket.write(bytes, () => after(socket)));
    }),
  );
}

type AskOptions = Partial<ConnectionOptions> & { timeoutMs?: number };

/** One exchange with its own pool, and how long it took. */
async function ask(
  upstream: { origin: string },
  request: Partial<ExchangeRequest> = {},
  { timeoutMs = 60_000, ...options }: AskOptions = {},
): Promise<{ result: ExchangeResult; tookMs: number }> {
  await using exchange = createExchange({
    origin: upstream.origin,
    connections: 2,
    maxResponseBytes: 64 * 1024,
    ...options,
  });
  const startedAt = performance.now();
  const result = await exchange({ method: "GET", path: "/", headers: {}, ...request }, timeoutMs);
  return { result, tookMs: performance.now() - startedAt };
}

describe("an exchange", () => {
  it("sends method, path, headers and body as they are, and asks for no compression", async () => {
    const seen: unknown[] = [];
    await using upstream = await startHttp(async (req, res) => {
      seen.push(req.method, req.url, req.headers, Buffer.concat(await req.toArray()).toString());
      res.setHeader("Content-Type", "application/json").end('{"a":"é"}');
    });
    const { result } = await ask(upstream, {
      method: "POST",
      path: "/user?k=a%26b",
      headers: { "content-type": "application/json", "x-test": "1" },
      body: '{"name":"é"}',
    });
    expect(result).toMatchObject({
      kind: "answer",
      status: 200,
      contentType: "application/json",
      retryAfterSeconds: undefined,
      text: '{"a":"é"}',
    });
    expect(seen).toEqual([
      "POST",
      "/user?k=a%26b",
      expect.objectContaining({
        "accept-encoding": "identity",
        "content-type": "application/json",
        "x-test": "1",
      }),
      '{"name":"é"}',
    ]);
  });

  it.each([
    ["1", 1],
    ["120", 120],
    ["0", 0],
    ["Fri, 20 Nov 2026 12:00:00 GMT", undefined],
    ["-1", undefined],
    ["1.5", undefined],
    ["9999999", undefined],
  ])("reads Retry-After: %s as %s", async (header, retryAfterSeconds) => {
    await using upstream = await startHttp((_req, res) => {
      res.writeHead(503, { "Retry-After": header }).end();
    });
    expect((await ask(upstream)).result).toMatchObject({ status: 503, retryAfterSeconds });
  });

  it("passes a redirect on as a status, and follows it nowhere", async () => {
    let visits = 0;
    await using elsewhere = await startHttp((_req, res) => {
      visits += 1;
      res.end();
    });
    await using upstream = await startHttp((_req, res) => {
      res.writeHead(302, { Location: elsewhere.origin }).end();
    });
    expect((await ask(upstream)).result).toMatchObject({ kind: "answer", status: 302 });
    expect(visits).toBe(0);
  });

  it("opens no more connections than it was given, and uses them again", async () => {
    await using upstream = await startHttp((_req, res) => void setTimeout(() => res.end("ok"), 5));
    await using exchange = createExchange({
      origin: upstream.origin,
      connections: 2,
      maxResponseBytes: 1024,
    });
    const request: ExchangeRequest = { method: "GET", path: "/", headers: {} };
    const results = await Promise.all(Array.from({ length: 20 }, () => exchange(request, 5000)));
    expect(results.every((result) => result.kind === "answer")).toBe(true);
    expect(upstream.connections()).toBe(2);
  });

  it("never gives one caller what was left over from another", async () => {
    let count = 0;
    const extra = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nextra";
    await using upstream = await start(
      createServer((socket) => {
        socket.on("data", () => {
          count += 1;
          socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nown${count}${extra}`);
        });
      }),
    );
    await using exchange = createExchange({
      origin: upstream.origin,
      connections: 1,
      maxResponseBytes: 1024,
    });
    const texts: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      const result = await exchange({ method: "GET", path: "/", headers: {} }, 2000);
      if (result.kind === "answer") texts.push(result.text);
    }
    expect(texts).not.toContain("extra");
    expect(new Set(texts).size).toBe(texts.length);
  });
});

describe("a fault of the upstream", () => {
  const HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";

  type Fault = {
    name: string;
    failure: string;
    upstream: () => Promise<Upstream>;
  };
  const faults: Fault[] = [
    {
      name: "a connection that is accepted and closed at once",
      failure: "connection_lost",
      upstream: () => start(createServer((socket) => void socket.end())),
    },
    {
      name: "a connection that is closed when the request arrives",
      failure: "connection_lost",
      upstream: () => start(createServer((socket) => void socket.on("data", () => socket.end()))),
    },
    {
      name: "a connection that is reset when the request arrives",
      failure: "connection_lost",
      upstream: () =>
        start(createServer((socket) => void socket.on("data", () => socket.resetAndDestroy()))),
    },
    {
      name: "a reset in the middle of the body",
      failure: "connection_lost",
      upstream: () =>
        startRaw(`${HEAD}Content-Length: 100\r\n\r\n{"guid":`, (socket) => {
          setTimeout(() => socket.resetAndDestroy(), 20);
        }),
    },
    {
      name: "an end in the middle of the body",
      failure: "connection_lost",
      upstream: () =>
        startRaw(`${HEAD}Content-Length: 100\r\n\r\n{"guid":`, (socket) => socket.end()),
    },
    {
      name: "an end in the middle of the body of a last answer",
      failure: "connection_lost",
      upstream: () =>
        startRaw(`${HEAD}Connection: close\r\nContent-Length: 100\r\n\r\n{"guid":`, (socket) =>
          socket.end(),
        ),
    },
    {
      name: "an end in the middle of a chunk",
      failure: "connection_lost",
      upstream: () =>
        startRaw(`${HEAD}Transfer-Encoding: chunked\r\n\r\n50\r\n{"guid":`, (socket) =>
          socket.end(),
        ),
    },
    {
      name: "an end in the middle of a chunk of a last answer",
      failure: "connection_lost",
      upstream: () =>
        startRaw(
          `${HEAD}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n50\r\n{"guid":`,
          (socket) => socket.end(),
        ),
    },
    {
      name: "an end in the middle of the headers",
      failure: "connection_lost",
      upstream: () => startRaw("HTTP/1.1 200 OK\r\nContent-Ty", (socket) => socket.end()),
    },
    {
      name: "garbage",
      failure: "malformed",
      upstream: () => startRaw("SSH-2.0-OpenSSH_9.9\r\n"),
    },
    {
      name: "a length of a chunk that is none",
      failure: "malformed",
      upstream: () => startRaw(`${HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n`),
    },
    {
      name: "a NUL in a header",
      failure: "malformed",
      upstream: () => startRaw(`${HEAD}X-Test: a\0b\r\nContent-Length: 2\r\n\r\n{}`),
    },
    {
      name: "two content lengths",
      failure: "malformed",
      upstream: () => startRaw(`${HEAD}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`),
    },
    {
      name: "two content lengths, and the body a moment later",
      failure: "malformed",
      upstream: () =>
        startRaw(`${HEAD}Content-Length: 2\r\nContent-Length: 3\r\n\r\n`, (socket) => {
          setTimeout(() => socket.write("{} "), 30);
        }),
    },
    {
      name: "a content length beside chunks, and the body a moment later",
      failure: "malformed",
      upstream: () =>
        startRaw(
          `${HEAD}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n`,
          (socket) => void setTimeout(() => socket.write("2\r\n{}\r\n0\r\n\r\n"), 30),
        ),
    },
    {
      name: "a content length beside chunks",
      failure: "malformed",
      upstream: () =>
        startRaw(
          `${HEAD}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
        ),
    },
    {
      name: "a body of more than 64 kB",
      failure: "malformed",
      upstream: () => startHttp((_req, res) => res.end("x".repeat(64 * 1024 + 1))),
    },
    {
      name: "a body without an end",
      failure: "malformed",
      upstream: () =>
        startHttp((_req, res) => {
          const more = setInterval(() => res.write("x".repeat(16 * 1024)), 1);
          res.once("close", () => clearInterval(more));
        }),
    },
    {
      name: "headers of more than 64 kB",
      failure: "malformed",
      upstream: () => startRaw(`${HEAD}X-Long: ${"x".repeat(70_000)}\r\n\r\n`),
    },
    {
      name: "gzip that nobody asked for",
      failure: "malformed",
      upstream: () =>
        startHttp((_req, res) => {
          res.writeHead(200, { "Content-Encoding": "gzip" }).end(gzipSync("{}"));
        }),
    },
    {
      name: "gzip that nobody asked for, in a slow drip",
      failure: "malformed",
      upstream: () =>
        startHttp((_req, res) => {
          res.writeHead(200, { "Content-Encoding": "gzip" });
          const drip = setInterval(() => res.write("x"), 20);
          res.once("close", () => clearInterval(drip));
        }),
    },
  ];

  it.each(faults)("$name is told as $failure, at once", async ({ failure, upstream }) => {
    await using server = await upstream();
    const { result, tookMs } = await ask(server);
    expect(result).toMatchObject({ kind: "failure", failure });
    expect(tookMs).toBeLessThan(ROOM_MS);
  });

  it("nobody listens: unsent, at once", async () => {
    const upstream = await startHttp((_req, res) => res.end());
    await upstream[Symbol.asyncDispose]();
    for (const host of ["127.0.0.1", "localhost"]) {
      const { result, tookMs } = await ask({ origin: `http://${host}:${upstream.port}` });
      expect(result).toEqual({ kind: "failure", failure: "not_sent", reason: "econnrefused" });
      expect(tookMs).toBeLessThan(ROOM_MS);
    }
  });

  it.each<[string, () => Promise<Upstream>]>([
    ["silence", () => start(createServer((socket) => void socket.resume()))],
    ["silence after the headers", () => startRaw(`${HEAD}Content-Length: 100\r\n\r\n`)],
    [
      "a slow drip",
      () =>
        startHttp((_req, res) => {
          const drip = setInterval(() => res.write("x"), 20);
          res.once("close", () => clearInterval(drip));
        }),
    ],
    [
      "one interim answer after the other",
      () =>
        start(
          createServer((socket) => {
            const drip = setInterval(() => socket.write("HTTP/1.1 102 Processing\r\n\r\n"), 20);
            socket.resume().once("close", () => clearInterval(drip));
          }),
        ),
    ],
  ])("%s ends when the time is up", async (_what, upstream) => {
    await using server = await upstream();
    const { result, tookMs } = await ask(server, {}, { timeoutMs: 200 });
    expect(result).toEqual({ kind: "failure", failure: "timeout", reason: "timeout" });
    expect(tookMs).toBeGreaterThanOrEqual(195);
    expect(tookMs).toBeLessThan(200 + ROOM_MS);
  });

  it("a call that waits for a free connection is bounded too", async () => {
    await using upstream = await start(createServer((socket) => void socket.resume()));
    await using exchange = createExchange({
      origin: upstream.origin,
      connections: 1,
      maxResponseBytes: 1024,
    });
    const request: ExchangeRequest = { method: "GET", path: "/", headers: {} };
    const startedAt = performance.now();
    const results = await Promise.all([1, 2, 3].map(() => exchange(request, 200)));
    expect(results).toMatchObject(Array(3).fill({ kind: "failure", failure: "timeout" }));
    expect(performance.now() - startedAt).toBeLessThan(200 + ROOM_MS);
  });

  it("a call whose turn comes with less than 250 ms left is not sent", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const answers: (() => void)[] = [];
    const { promise: isAsked, resolve } = Promise.withResolvers<void>();
    await using upstream = await startHttp((_req, res) => {
      answers.push(() => res.end());
      resolve();
    });
    await using exchange = createExchange({
      origin: upstream.origin,
      connections: 1,
      maxResponseBytes: 1024,
    });
    const request: ExchangeRequest = { method: "POST", path: "/", headers: {} };
    const first = exchange(request, 2000);
    const second = exchange(request, 600);
    await isAsked;

    await vi.advanceTimersByTimeAsync(351);
    answers[0]?.();

    expect(await first).toMatchObject({ kind: "answer" });
    expect(await second).toMatchObject({ failure: "timeout", reason: "no_connection" });
    expect(answers).toHaveLength(1);
  });

  it("is over with that call: the next one succeeds", async () => {
    let count = 0;
    await using upstream = await startHttp((_req, res) => {
      count += 1;
      if (count === 1) res.socket?.resetAndDestroy();
      else res.end("ok");
    });
    await using exchange = createExchange({
      origin: upstream.origin,
      connections: 1,
      maxResponseBytes: 1024,
    });
    const request: ExchangeRequest = { method: "GET", path: "/", headers: {} };
    expect(await exchange(request, 2000)).toMatchObject({ failure: "connection_lost" });
    expect(await exchange(request, 2000)).toMatchObject({ kind: "answer", text: "ok" });
  });

  it("leaves nothing of the answer in the reason", async () => {
    await using upstream = await startRaw("canary-canary\r\n");
    const { result } = await ask(upstream);
    expect(JSON.stringify(result)).not.toContain("canary");
    expect(result).toMatchObject({ reason: expect.stringMatching(/^[a-z0-9_]{1,64}$/) });
  });
});

describe("a forward proxy", () => {
  /** What clients ask of a proxy that refuses to connect them, or opens a tunnel that leads nowhere. */
  async function startProxy(answer: string) {
    const asked: string[] = [];
    const upstream = await start(
      createServer((socket) => {
        socket.once("data", (data) => {
          asked.push(data.toString());
          socket.write(answer, () => socket.end());
        });
      }),
    );
    const url = upstream.origin.replace("//", "//user:canary@");
    return Object.assign(upstream, {
      asked,
      proxy: (noProxy = "") => ({ url: createSecret(url), noProxy }),
    });
  }
  const OPEN = "HTTP/1.1 200 Connection established\r\n\r\n";

  it("is asked to connect to an https upstream, with its own credentials", async () => {
    await using server = await startProxy(OPEN);
    const origin = { origin: "https://mx.example" };
    const { result, tookMs } = await ask(origin, { path: "/?k=key" }, { proxy: server.proxy() });
    expect(result).toMatchObject({ kind: "failure" });
    expect(server.asked).toHaveLength(1);
    expect(server.asked[0]).toMatch(/^CONNECT mx\.example:443 HTTP\/1\.1\r\n/);
    const credentials = Buffer.from("user:canary").toString("base64");
    expect(server.asked[0]).toContain(`Basic ${credentials}`);
    expect(server.asked[0]).not.toContain("key");
    expect(tookMs).toBeLessThan(ROOM_MS);
  });

  it.each(["HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "SSH-2.0-canary\r\n", ""])(
    "that answers %j ends it at once, and is not quoted",
    async (answer) => {
      await using server = await startProxy(answer);
      const origin = { origin: "https://mx.example" };
      const { result, tookMs } = await ask(origin, {}, { proxy: server.proxy() });
      expect(result).toMatchObject({ kind: "failure" });
      expect(JSON.stringify(result)).not.toContain("canary");
      expect(tookMs).toBeLessThan(ROOM_MS);
    },
  );

  it("that is not there: unsent", async () => {
    const server = await startProxy(OPEN);
    await server[Symbol.asyncDispose]();
    const { result } = await ask({ origin: "https://mx.example" }, {}, { proxy: server.proxy() });
    expect(result).toEqual({ kind: "failure", failure: "not_sent", reason: "econnrefused" });
  });

  it("that stays silent is given up when the time is up", async () => {
    await using silent = await start(createServer((socket) => void socket.resume()));
    const proxy = { url: createSecret(silent.origin), noProxy: "" };
    const { result, tookMs } = await ask(
      { origin: "https://mx.example" },
      {},
      { proxy, timeoutMs: 200 },
    );
    expect(result).toMatchObject({ failure: "not_sent", reason: "und_err_connect_timeout" });
    expect(tookMs).toBeLessThan(200 + ROOM_MS);
  });

  it("is left out for plain http on loopback, and for the hosts of NO_PROXY", async () => {
    await using server = await startProxy(OPEN);
    await using upstream = await startHttp((_req, res) => void res.end("ok"));
    const proxy = server.proxy("127.0.0.1");
    expect((await ask(upstream, {}, { proxy: server.proxy() })).result).toMatchObject({
      text: "ok",
    });
    await ask({ origin: `https://127.0.0.1:${upstream.port}` }, {}, { proxy });
    expect(server.asked).toEqual([]);
  });
});

describe("TLS", () => {
  const openssl = process.env.OPENSSL ?? "openssl";
  const hasOpenssl = spawnSync(openssl, ["version"]).status === 0;

  function selfSigned() {
    const folder = mkdtempSync(join(tmpdir(), "exchange-"));
    try {
      const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
      const [type, subject] = ["ec_paramgen_curve:prime256v1", "/CN=127.0.0.1"];
      execFileSync(
        openssl,
        ["req", "-x509", "-newkey", "ec", "-pkeyopt", type, "-nodes", "-days", "1"].concat([
          "-subj",
          subject,
          "-keyout",
          key,
          "-out",
          cert,
        ]),
        { stdio: "ignore" },
      );
      return { key: readFileSync(key), cert: readFileSync(cert) };
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  it.skipIf(!hasOpenssl)(
    "with a self-signed certificate is not trusted, and nothing is sent",
    async () => {
      const received: string[] = [];
      const server = createTlsServer(selfSigned(), (socket) => {
        socket.on("error", () => undefined).on("data", (data) => received.push(data.toString()));
      });
      await using upstream = await start(server, "https");
      const { result, tookMs } = await ask(upstream, { path: "/user?k=key" });
      await sleep(20);
      expect(result).toEqual({
        kind: "failure",
        failure: "tls_error",
        reason: "depth_zero_self_signed_cert",
      });
      expect(received).toEqual([]);
      expect(tookMs).toBeLessThan(ROOM_MS);
    },
  );

  it("that is no TLS at all is not trusted", async () => {
    await using upstream = await startRaw("HTTP/1.1 400 Bad Request\r\n\r\n");
    const { result, tookMs } = await ask({ origin: `https://127.0.0.1:${upstream.port}` });
    expect(result).toMatchObject({ kind: "failure", failure: "tls_error" });
    expect(tookMs).toBeLessThan(ROOM_MS);
  });

  it.each<[string, (socket: Socket) => void]>([
    ["closed", (socket) => socket.end()],
    ["reset", (socket) => socket.resetAndDestroy()],
  ])("%s during the handshake: unsent, for no byte of the request has gone", async (_what, end) => {
    await using server = await start(
      createServer((socket) => void socket.once("data", () => end(socket))),
    );
    const { result, tookMs } = await ask({ origin: `https://127.0.0.1:${server.port}` });
    expect(result).toMatchObject({ kind: "failure", failure: "not_sent" });
    expect(tookMs).toBeLessThan(ROOM_MS);
  });

  it("with a handshake that never ends: unsent, after the time to connect", async () => {
    await using server = await start(createServer((socket) => void socket.resume()));
    const { result, tookMs } = await ask(
      { origin: `https://127.0.0.1:${server.port}` },
      {},
      { connectTimeoutMs: 200 },
    );
    expect(result).toEqual({
      kind: "failure",
      failure: "not_sent",
      reason: "und_err_connect_timeout",
    });
    expect(tookMs).toBeLessThan(200 + ROOM_MS);
  });
});
