/** TLS at the service: TLS_CERT_FILE and TLS_KEY_FILE on the public port, and what changes them at run time. */

import { once } from "node:events";
import { connect } from "node:net";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import request from "supertest";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Certificate, makeCertificates } from "../support/certificates.ts";
import { type Clock, stopClock } from "../support/clock.ts";
import { holdPlace } from "../support/hold.ts";
import { scrape } from "../support/metrics.ts";
import { sendRaw } from "../support/raw.ts";
import { lookAtFiles, mountVolume, type SecretVolume } from "../support/secret-volume.ts";
import { type Started, start } from "../support/start.ts";

const certificates = makeCertificates();
const trust = certificates.trust();
const first = certificates.issue(["127.0.0.1"]);
const second = certificates.issue(["127.0.0.1"]);
afterAll(() => {
  trust[Symbol.dispose]();
  certificates[Symbol.dispose]();
});

const toFiles = ({ cert, key }: Certificate) => ({ "tls.crt": cert, "tls.key": key });

type WithTls = Started & { volume: SecretVolume };

async function startWithTls(environment: Record<string, string> = {}): Promise<WithTls> {
  const volume = mountVolume(toFiles(first));
  const started = await start({
    environment: {
      TLS_CERT_FILE: volume.path("tls.crt"),
      TLS_KEY_FILE: volume.path("tls.key"),
      ...environment,
    },
  });
  return {
    ...started,
    volume,
    async [Symbol.asyncDispose]() {
      await started[Symbol.asyncDispose]();
      volume[Symbol.dispose]();
    },
  };
}

const portOf = ({ url }: Started) => Number(new URL(url).port);
const lines = ({ log }: Started) => log.map((line): Record<string, unknown> => JSON.parse(line));

async function handshake(service: Started, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connectTls({ port: portOf(service), host: "127.0.0.1", ...options });
  await once(socket, "secureConnect");
  return socket;
}

/** The serial number of the certificate that a new connection is shown. */
async function shownTo(service: Started): Promise<string> {
  const socket = await handshake(service);
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

describe("the public port with TLS", () => {
  let service: WithTls;
  beforeAll(async () => {
    service = await startWithTls({ HSTS_MAX_AGE: "31536000", TRUSTED_PROXIES: "1" });
  });
  afterAll(() => service[Symbol.asyncDispose]());

  it("opens sessions over https, and keeps the operations port at http", async () => {
    expect(service.url).toMatch(/^https:/);
    expect(service.operationsUrl).toMatch(/^http:/);
    const response = await service.post("ada");
    expect(response.status).toBe(200);
    expect(response.headers["strict-transport-security"]).toBe("max-age=31536000");
    expect((await fetch(`${service.operationsUrl}/readyz`)).status).toBe(200);
  });

  it("answers probes, and takes a trusted proxy's word for the address", async () => {
    for (const path of ["/livez", "/readyz"])
      expect((await request(service.url).get(path)).status).toBe(200);
    await service.check(service.request().set("X-Forwarded-For", "192.0.2.7"));
    expect(lines(service).at(-1)).toMatchObject({ "client.address": "192.0.2.7" });
  });

  it.each(["TLSv1.2", "TLSv1.3"] as const)("speaks %s, with HTTP/1.1 inside", async (version) => {
    const only = { minVersion: version, maxVersion: version };
    const socket = await handshake(service, { ...only, ALPNProtocols: ["h2", "http/1.1"] });
    expect([socket.getProtocol(), socket.alpnProtocol]).toEqual([version, "http/1.1"]);
    socket.destroy();
  });

  const OLD = {
    minVersion: "TLSv1",
    maxVersion: "TLSv1.1",
    ciphers: "DEFAULT@SECLEVEL=0",
  } as const;
  it.each<[string, string, ConnectionOptions]>([
    ["TLS 1.1", "tls_handshake", OLD],
    ["a client that offers HTTP/2 alone", "http2", { ALPNProtocols: ["h2"] }],
  ])("refuses %s", async (_name, kind, options) => {
    const before = (await scrape(service.operationsUrl)).value("bff_parser_refusals_total", {
      kind,
    });
    await expect(handshake(service, options)).rejects.toThrow();
    await expect
      .poll(async () =>
        (await scrape(service.operationsUrl)).value("bff_parser_refusals_total", { kind }),
      )
      .toBe((before ?? 0) + 1);
  });
});

describe("what is not TLS, on a port with TLS", () => {
  let service: WithTls;
  beforeAll(async () => {
    service = await startWithTls();
  });
  afterAll(() => service[Symbol.asyncDispose]());

  const GET = "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n";

  it.each([
    ["plain_http", GET],
    ["plain_http", "POST http://a/session HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["plain_http", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["http2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"],
    ["proxy_protocol_v1", `PROXY TCP4 192.0.2.1 192.0.2.2 4711 443\r\n\x16\x03\x01\x02\0`],
    [
      "proxy_protocol_v2",
      "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\x12\x67\0\x50",
    ],
    ["malformed", "SSH-2.0-OpenSSH_9.9\r\n"],
    ["malformed", "\0"],
  ])("is answered 400 in clear, counted and logged: %s", async (kind, bytes) => {
    const count = async () =>
      (await scrape(service.operationsUrl)).value("bff_parser_refusals_total", { kind }) ?? 0;
    const before = await count();
    const answer = await sendRaw(service.url, bytes);

    expect(answer).toMatchObject({
      text: "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
      isClosed: true,
    });
    expect(await count()).toBe(before + 1);
    expect(lines(service)).toContainEqual(
      expect.objectContaining({
        "event.name": "parser.refused",
        "error.reason": kind,
        hint: expect.any(String),
      }),
    );
    expect((await service.post("ada")).status).toBe(200);
  });

  it("is named where a handshake's bytes are none", async () => {
    const answer = await sendRaw(service.url, `\x16\x03\x01\0\x05aaaaa`);
    expect(answer.isClosed).toBe(true);
    expect(answer.text).not.toContain("HTTP");
    await expect
      .poll(() => lines(service).map((line) => line["error.reason"]))
      .toContain("tls_handshake");
  });

  it.each([
    [431, "headers_too_large", `GET / HTTP/1.1\r\nHost: a\r\nX: ${"a".repeat(40_000)}\r\n\r\n`],
    [400, "malformed", "GET / HTTP/1.1\r\nX y: z\r\n\r\n"],
    [400, "http2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ])("within TLS is answered %i as without: %s", async (status, kind, bytes) => {
    const socket = await handshake(service);
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.write(bytes);
    await once(socket, "close");
    expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} [^\n]+\r\nConnection: close\r\n\r\n$`));
    expect(lines(service).map((line) => line["error.reason"])).toContain(kind);
  });
});

describe("the end of a service with TLS", () => {
  const HELLO = "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03";

  it.each([
    ["silent", ""],
    ["with half a handshake", HELLO],
  ])("is not held by a connection that is %s", async (_name, bytes) => {
    using clock = stopClock();
    const service = await startWithTls({ REQUEST_DEADLINE: "60s" });
    const socket = connect(portOf(service), "127.0.0.1");
    await once(socket, "connect");
    socket.write(bytes, "latin1");
    socket.on("error", () => {});

    const { ms } = await clock.run(Promise.resolve(service[Symbol.asyncDispose]()));

    expect(ms).toBeLessThan(3000); // Far less than Node's own limits, which stand in real time.
    socket.destroy();
  });

  it("answers what is in flight, and closes its connection", async () => {
    const service = await startWithTls({ REQUEST_DEADLINE: "60s" });
    const place = await holdPlace(service);
    const authorization = await service.bearer("ada");
    const isEnding = Promise.withResolvers<void>();
    service.mx.before("platform.request_widget_url", () => isEnding.promise);
    const inFlight = request(service.url)
      .post("/session")
      .set("Authorization", authorization)
      .then();
    await expect.poll(() => service.mx.calls.count).toBe(2);

    place[Symbol.dispose]();
    const ending = service[Symbol.asyncDispose]();
    isEnding.resolve();

    const { status, headers } = await inFlight;
    expect([status, headers.connection]).toEqual([200, "close"]);
    await ending;
  });
});

describe("a new certificate", () => {
  let clock: Clock;
  beforeEach(() => {
    clock = stopClock();
  });
  afterEach(() => clock[Symbol.dispose]());

  const events = (service: Started) =>
    lines(service)
      .filter((line) => line.msg === "file")
      .map((line) => [line["event.name"], line.variable, line["error.reason"]]);

  it("is shown to new connections, and those that are open go on", async () => {
    await using service = await startWithTls();
    const before = await shownTo(service);
    const open = await handshake(service);

    service.volume.swap(toFiles(second));
    await lookAtFiles(clock);

    expect(events(service)).toEqual([
      ["file.taken_over", "TLS_CERT_FILE", undefined],
      ["file.taken_over", "TLS_KEY_FILE", undefined],
    ]);
    expect(await shownTo(service)).not.toBe(before);
    open.write("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(String(await once(open, "data"))).toMatch(/^HTTP\/1\.1 200 /);
    expect((await service.post("ada")).status).toBe(200);
    open.destroy();
  });

  it("whose key comes later is used when the pair is complete", async () => {
    await using service = await startWithTls();
    const before = await shownTo(service);

    service.volume.write("tls.crt", second.cert);
    await lookAtFiles(clock);
    expect(events(service)).toEqual([["file.changed", "TLS_CERT_FILE", "mismatch"]]);
    expect(await shownTo(service)).toBe(before);
    const { value } = await scrape(service.operationsUrl);
    expect(value("bff_files_changed", { variable: "TLS_CERT_FILE" })).toBe(1);

    service.volume.write("tls.key", second.key);
    await lookAtFiles(clock);
    expect(events(service)).toHaveLength(3);
    expect(await shownTo(service)).not.toBe(before);
  });

  it.each<[string, string, Record<string, string>]>([
    ["expired", "expired", toFiles(certificates.expired)],
    ["no certificate", "no_certificate", { ...toFiles(second), "tls.crt": "nonsense" }],
    ["another's key", "mismatch", { ...toFiles(second), "tls.key": certificates.good.key }],
    ["no key", "no_key", { ...toFiles(second), "tls.key": "" }],
    ["gone", "unreadable", {}],
  ])("that is bad leaves the old one in place: %s", async (_name, reason, files) => {
    await using service = await startWithTls();
    const before = await shownTo(service);

    service.volume.swap(files);
    await lookAtFiles(clock);
    expect(events(service)).toHaveLength(2);
    await lookAtFiles(clock); // The same is not told again.

    expect(events(service)).toEqual([
      ["file.changed", "TLS_CERT_FILE", reason],
      ["file.changed", "TLS_KEY_FILE", reason],
    ]);
    expect(await shownTo(service)).toBe(before);
    expect((await service.post("ada")).status).toBe(200);
    const { value } = await scrape(service.operationsUrl);
    const series = { variable: "TLS_CERT_FILE", result: "refused" };
    expect(value("bff_file_reloads_total", series)).toBe(1);

    service.volume.swap(toFiles(second));
    await lookAtFiles(clock);
    expect(events(service)).toHaveLength(4);
    expect(await shownTo(service)).not.toBe(before);
  });
});
