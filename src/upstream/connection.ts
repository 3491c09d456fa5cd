/**
 * One connection to an origin: how its socket is opened, straight or through a tunnel of a forward proxy, the HTTP/1.1
 * client on it, and whether something besides this service listens to what that client sends.
 *
 * Each opening resolves the name again, and ends within one time limit of its own: undici's rounds up, and does not cover
 * a tunnel. The client lives and dies with the socket and never opens another one, so that counting connections counts sockets.
 * Sources: RFC 9110, section 9.3.6 (CONNECT); Node.js, `net.connect`, which tries all addresses of a name, and
 * `diagnostics_channel`, "HTTP"; undici, Diagnostics Channel Support.
 */

import { channel } from "node:diagnostics_channel";
import { Socket } from "node:net";
import type { buildConnector, Dispatcher } from "undici";
import requestTunnel from "undici/lib/api/api-connect.js";
import errors from "undici/lib/core/errors.js";
import Client from "undici/lib/dispatcher/client.js";
import type { CertificateReason } from "../errors.ts";
import type { Secret } from "../secret.ts";
import { decodePercent } from "../text.ts";
import {
  type CertificateRequest,
  type ClientCertificate,
  findRefusal,
  readRequest,
} from "./client-certificate.ts";
import { createConnect } from "./connector.ts";
import { errorCode, failed, OpenRefusal } from "./failure.ts";
import { isWithoutProxy } from "./no-proxy.ts";

export type ConnectOptions = {
  origin: string;
  maxResponseBytes: number;
  /** For the tunnel and the handshakes together. Default: 1 s. */
  connectTimeoutMs?: number;
  /** For https origins. */
  proxy?: ForwardProxy | undefined;
  /** Shown to an https origin that asks for one, and never to the proxy. */
  clientCertificate?: ClientCertificate | undefined;
};

/** A forward proxy with CONNECT. Its URL may hold credentials; `noProxy` lists hosts as `NO_PROXY` does. */
export type ForwardProxy = { url: Secret; noProxy: string };

export type Open = ReturnType<typeof createOpen>;

export function createOpen(options: Omit<ConnectOptions, "maxResponseBytes">) {
  const { connectTimeoutMs = 1000, proxy, clientCertificate } = options;
  const target = toTarget(new URL(options.origin));
  const connect = createConnect(clientCertificate, (error, socket) => {
    const request = readRequest(socket, clientCertificate !== undefined);
    const reason = findRefusal(errorCode(error), request);
    return reason ? new OpenRefusal(failed("tls_error", reason)) : error;
  });
  const openTunnel = proxy && isProxied(options) ? createTunnels(proxy, target) : undefined;

  async function openSocket(signal: AbortSignal): Promise<Socket> {
    const httpSocket = await openTunnel?.(signal);
    return connect({ ...target, ...(httpSocket && { httpSocket }) }, signal);
  }

  /** `timeoutMs` is what the caller waits, if less than the limit. */
  return function open(timeoutMs = connectTimeoutMs) {
    const controller = new AbortController();
    const timer = setTimeout(
      () => controller.abort(new errors.ConnectTimeoutError()),
      Math.min(timeoutMs, connectTimeoutMs),
    );
    return {
      /** Rejects with what went wrong: nothing was sent. */
      socket: openSocket(controller.signal).finally(() => clearTimeout(timer)),
      /** Ends it at once, with its socket. */
      abort: () => controller.abort(new errors.RequestAbortedError()),
    };
  };
}

export function isProxied({ origin, proxy }: Pick<ConnectOptions, "origin" | "proxy">): boolean {
  if (!proxy || !origin.startsWith("https:")) return false;
  return !isWithoutProxy(new URL(origin), proxy.noProxy);
}

/** For a client that lives and dies with one socket: it opens no other. */
function handOver(socket: Socket): buildConnector.connector {
  let isGiven = false;
  return (_target, callback) => {
    if (isGiven) process.nextTick(callback, new errors.ClientClosedError(), null);
    else process.nextTick(callback, null, socket);
    isGiven = true;
  };
}

function createTunnels(
  { url: secret }: ForwardProxy,
  { host, protocol, port }: Target,
): (signal: AbortSignal) => Promise<Socket> {
  const url = new URL(secret.reveal());
  const connect = createConnect();
  const path = port === "" ? `${host}:${protocol === "https:" ? 443 : 80}` : host;
  const credentials = [url.username, url.password].map(decodePercent).join(":");
  const authorization = `Basic ${Buffer.from(credentials).toString("base64")}`;
  const headers = { host, ...(url.username && { "proxy-authorization": authorization }) };

  return async function openTunnel(signal) {
    const socket = await connect(toTarget(url), signal);
    const client = new Client(url.origin, { connect: handOver(socket), headersTimeout: 0 });
    const abort = () => void socket.destroy(signal.reason);
    signal.addEventListener("abort", abort);
    try {
      const { statusCode, socket: tunnel } = await requestTunnel.call(client, { path, headers });
      if (statusCode === 200 && tunnel instanceof Socket) return tunnel;
      tunnel.on("error", () => {}).destroy();
      throw new OpenRefusal(failed("not_sent", `proxy_${statusCode}`));
    } finally {
      signal.removeEventListener("abort", abort);
    }
  };
}

type Target = ReturnType<typeof toTarget>;

function toTarget({ protocol, host, hostname, port }: URL) {
  return { protocol, host, hostname: hostname.replace(/^\[|\]$/g, ""), port };
}

export type Connection = {
  readonly dispatcher: Pick<Dispatcher, "dispatch">;
  readonly socket: Socket;
  readonly certificate: CertificateRequest;
  /** What its end was about, if it was the client certificate. */
  refusal: CertificateReason | undefined;
  /** By `performance.now()`. */
  readonly openedAtMs: number;
  /** When it last brought an answer: at first, when it was opened. */
  heardAtMs: number;
  /** It was idle before its next request, and may have died meanwhile: closed, or in silence. */
  wasIdle: boolean;
  /** Whether it has carried a request. */
  isUsed: boolean;
  /** No further request goes out on it. */
  isRetired: boolean;
  /** Too old, and not replaced yet. */
  isDue: boolean;
  close(): void;
};

/**
 * How long an idle socket is kept if the upstream does not say how long it keeps it. One that it closes earlier is noticed,
 * or is repeated as stale (exchange.ts); undici's 4 s would mean a handshake after every pause.
 */
const KEEP_ALIVE_MS = 120_000;

/** `onClose` is called once the socket is closed, however that came. Pipelining would let one answer delay another. */
export function createConnection(
  socket: Socket,
  { origin, maxResponseBytes, clientCertificate }: ConnectOptions,
  onClose: () => void,
): Connection {
  const client = new Client(origin, {
    connect: handOver(socket),
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    allowH2: false,
    maxResponseSize: maxResponseBytes,
    headersTimeout: 0, // The exchange has a timer of its own.
    bodyTimeout: 0,
  });

  function close(): void {
    client.destroy().catch(() => {});
    socket.destroy();
  }

  // Until the client takes it over, the end of the connection shows as a read, and so do unexpected bytes.
  socket.on("readable", close);
  client.once("connect", () => socket.off("readable", close));
  socket.once("close", onClose);

  const openedAtMs = performance.now();
  const connection: Connection = {
    dispatcher: client,
    socket,
    certificate: readRequest(socket, clientCertificate !== undefined),
    refusal: undefined,
    openedAtMs,
    heardAtMs: openedAtMs,
    wasIdle: false,
    isUsed: false,
    isRetired: false,
    isDue: false,
    close,
  };
  // undici replaces the error of an alert by that of the end that follows it.
  socket.once("error", (error) => {
    connection.refusal = findRefusal(errorCode(error), connection.certificate);
  });
  return connection;
}

/**
 * An APM agent that was loaded before the service subscribes to these channels, records URLs, and adds headers to requests.
 * Channels about connections and bytes alone are left out: their subscribers see neither a path nor a header.
 */
const CHANNELS = [
  "undici:request:create",
  "undici:request:bodyChunkSent",
  "undici:request:bodySent",
  "undici:request:headers",
  "undici:request:bodyChunkReceived",
  "undici:request:trailers",
  "undici:request:error",
  "undici:client:sendHeaders",
  "http.client.request.created",
  "http.client.request.start",
  "http.client.request.error",
  "http.client.response.finish",
].map((name) => channel(name));

export function hasForeignListeners(): boolean {
  return CHANNELS.some(({ hasSubscribers }) => hasSubscribers);
}
