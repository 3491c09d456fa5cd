/** Client certificates at real servers, and what those say where one is missing or refused. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { createSecret } from "../../../src/secret.ts";
import type { ClientCertificate } from "../../../src/upstream/client-certificate.ts";
import { findRefusal } from "../../../src/upstream/client-certificate.ts";
import { createExchange, type ExchangeOptions } from "../../../src/upstream/exchange.ts";
import { type Certificate, makeCertificates } from "../../support/certificates.ts";
import { startGateway, startNginxGateway, type TlsVersion } from "../../support/gateway.ts";
import { isInstalled } from "../../support/installed.ts";
import { startProxy } from "../../support/proxy.ts";
import { mountVolume } from "../../support/secret-volume.ts";

const own = makeCertificates();
const others = makeCertificates();
const trust = own.trust();
const { authority, good: certificate } = own;
afterAll(() => {
  trust[Symbol.dispose]();
  own[Symbol.dispose]();
  others[Symbol.dispose]();
});

const ours = own.issueTo("ours");
/** Of an authority that has the same name as ours. */
const foreign = others.issueTo("foreign");
const expired = own.issueTo("expired", { days: -1 });

const toShown = ({ cert, key }: Certificate): ClientCertificate => {
  const pair = { cert: createSecret(cert), key: createSecret(key) };
  return () => pair;
};

async function startHttp(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const startUpstream = () => startHttp((_req, res) => void res.end("{}"));

function open(origin: string, options: Partial<ExchangeOptions> = {}) {
  const exchange = createExchange({
    origin,
    connections: 2,
    maxResponseBytes: 64 * 1024,
    connectTimeoutMs: 10_000,
    ...options,
  });
  onTestFinished(() => exchange[Symbol.asyncDispose]());
  return (headers = {}, newConnection = false) =>
    exchange({ method: "POST", path: "/", headers, body: "{}", newConnection }, 20_000);
}

const ask = (origin: string, shown?: Certificate) =>
  open(origin, { clientCertificate: shown && toShown(shown) })();

const refusal = (reason: string, failure = "tls_error") => ({ kind: "failure", failure, reason });

const VERSIONS: readonly TlsVersion[] = ["TLSv1.2", "TLSv1.3"];

describe.each(VERSIONS)("a Node server with %s that asks for a certificate", (version) => {
  async function startNode() {
    const gateway = await startGateway({ certificate, authority, version });
    onTestFinished(() => gateway[Symbol.asyncDispose]());
    gateway.upstream = await startUpstream();
    return gateway;
  }

  it.each([
    ["EC", ours],
    ["RSA", own.issueTo("rsa", { isRsa: true })],
    ["with an authority in between", own.issueTo("chained", { isChained: true })],
  ])("is shown ours: %s", async (_kind, shown) => {
    const gateway = await startNode();
    expect(await ask(gateway.url, shown)).toMatchObject({ kind: "answer", status: 200 });
    expect(gateway.shown).toHaveLength(1);
  });

  it("wants one", async () => {
    const gateway = await startNode();
    expect(await ask(gateway.url)).toEqual(refusal("client_certificate_required"));
  });

  it("is shown ours through a proxy, which is not", async () => {
    const gateway = await startNode();
    await using proxy = await startProxy();
    const forward = { url: createSecret(proxy.url), noProxy: "" };
    const exchange = open(gateway.url, { proxy: forward, clientCertificate: toShown(ours) });
    expect(await exchange()).toMatchObject({ kind: "answer", status: 200 });
    expect([gateway.shown, proxy.tunnels.length]).toEqual([["ours"], 1]);
  });

  it("is shown a new one as soon as there is one, in a session of its own", async () => {
    const gateway = await startNode();
    let shown = toShown(ours);
    const exchange = open(gateway.url, { clientCertificate: () => shown() });
    await exchange();
    await exchange({}, true);
    shown = toShown(own.issueTo("next"));
    await exchange({}, true);
    await exchange({}, true);
    expect(gateway.shown).toEqual(["ours", "ours", "next", "next"]);
  });
});

describe("a server that asks for a certificate, and closes the connection without a word,", () => {
  async function startSilent() {
    const gateway = await startGateway({ certificate, authority, isOptional: true });
    onTestFinished(() => gateway[Symbol.asyncDispose]());
    let count = 0;
    gateway.upstream = await startHttp((req, res) => {
      count += 1;
      if (req.headers.first && count === 1) res.end("{}");
      else req.socket.destroy();
    });
    return gateway;
  }

  it("wants one, if it has been shown none", async () => {
    const { url } = await startSilent();
    expect(await ask(url)).toEqual(refusal("client_certificate_required", "connection_lost"));
  });

  it("may have another reason, if it has been shown one", async () => {
    const { url } = await startSilent();
    const result = await ask(url, ours);
    expect(result).toEqual(refusal("und_err_socket", "connection_lost"));
    expect(await ask(url, foreign)).toEqual(result);
  });

  it("has another reason, if it has answered on that connection before", async () => {
    const { url } = await startSilent();
    const exchange = open(url);
    expect((await exchange({ first: "yes" })).kind).toBe("answer");
    expect(await exchange()).toEqual(refusal("stale_connection", "stale"));
  });
});

describe.skipIf(!isInstalled("openssl")).each(VERSIONS)("OpenSSL with %s", (version) => {
  async function startOpenssl(): Promise<string> {
    const volume = mountVolume({ cert: certificate.cert, key: certificate.key, ca: authority });
    const free = createTcpServer().listen(0, "127.0.0.1");
    await once(free, "listening");
    const { port } = free.address() as AddressInfo;
    free.close();
    await once(free, "close");
    const files = ["cert", "key", "CAfile"].flatMap((name) => [
      `-${name}`,
      volume.path(name === "CAfile" ? "ca" : name),
    ]);
    const flags = ["-accept", `127.0.0.1:${port}`, "-Verify", "3", "-verify_return_error", "-www"];
    const only = version === "TLSv1.2" ? "-tls1_2" : "-tls1_3";
    const child = spawn("openssl", ["s_server", ...flags, only, ...files]);
    onTestFinished(async () => {
      child.kill();
      await once(child, "exit");
      volume[Symbol.dispose]();
    });
    for await (const chunk of child.stdout) if (String(chunk).includes("ACCEPT")) break;
    return `https://localhost:${port}`;
  }

  it.each<[string, Certificate | undefined]>([
    ["client_certificate_required", undefined],
    ["client_certificate_unknown_ca", own.selfSigned],
    ["client_certificate_refused", foreign],
    ["client_certificate_expired", expired],
  ])("says %s", async (reason, shown) => {
    expect(await ask(await startOpenssl(), shown)).toEqual(refusal(reason));
  });
});

describe.skipIf(!isInstalled("nginx")).each(VERSIONS)("nginx with %s", (version) => {
  it.each<[string, Certificate | undefined]>([
    ["client_certificate_required", undefined],
    ["client_certificate_refused", foreign],
    ["client_certificate_refused", expired],
  ])("says %s with a page", async (reason, shown) => {
    const upstream = await startUpstream();
    await using nginx = await startNginxGateway({ certificate, authority, version, upstream });
    expect(await ask(nginx.url, shown)).toEqual(refusal(reason));
    expect(await ask(nginx.url, ours)).toMatchObject({ kind: "answer", status: 200 });
    await expect.poll(nginx.shown).toEqual(["", "ours"]);
  });
});

describe("an answer", () => {
  const PAGE = "<html><title>400 No required SSL certificate was sent</title></html>";
  it.each([
    [200, "text/html", PAGE],
    [500, "text/html", PAGE],
    [400, "application/json", JSON.stringify({ message: "client certificate" })],
    [400, "text/html", "<html><title>400 Bad Request</title></html>"],
  ])("%i %s is not taken for a word about a certificate", async (status, type, text) => {
    const url = await startHttp((_req, res) => {
      res.writeHead(status, { "content-type": type }).end(text);
    });
    expect(await ask(url)).toMatchObject({ kind: "answer", status });
  });
});

describe("an alert", () => {
  const asked = { isAsked: true, isShown: true };
  it.each([
    ["ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED", "client_certificate_revoked"],
    ["ERR_SSL_SSL_TLS_ALERT_BAD_CERTIFICATE", "client_certificate_refused"],
    ["ERR_SSL_TLSV1_ALERT_ACCESS_DENIED", "client_certificate_refused"],
    ["ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION", undefined],
    ["ECONNRESET", undefined],
  ])("%s means %s where we have shown one", (code, reason) => {
    expect(findRefusal(code, asked)).toBe(reason);
  });

  it.each(["HANDSHAKE_FAILURE", "ACCESS_DENIED", "DECRYPT_ERROR"])(
    "%s is about a certificate only where one was asked for",
    (alert) => {
      const code = `ERR_SSL_SSLV3_ALERT_${alert}`;
      expect(findRefusal(code, { isAsked: false, isShown: true })).toBeUndefined();
      expect(findRefusal(code, { isAsked: true, isShown: false })).toBe(
        "client_certificate_required",
      );
    },
  );
});
