/**
 * A server between the service and the simulator that breaks the connection, not the answer: what whole HTTP messages
 * cannot show.
 *
 * Requests are passed on unless the test says otherwise, so that MX's state tells "applied, then reset" from "never
 * applied". On bare node:net, because node:http would refuse to send most of this.
 */

import { EventEmitter, once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createServer as createTlsServer, TLSSocket } from "node:tls";
import type { Operation } from "../../packages/simulator/src/operation.ts";
import { startSimulator } from "../../packages/simulator/src/simulator.ts";
import type { Certificate } from "./certificates.ts";
import { type Started, type StartOptions, start } from "./start.ts";

/** What happens to a new connection. `hold`: accepted, and never read. */
export type Welcome = "serve" | "close" | "reset" | "hold";

/** What happens to a request. Where it can be `applied` but is not, MX does not get to see it. */
export type Misbehaviour =
  | { kind: "reset"; applied?: boolean }
  | { kind: "fin"; applied?: boolean }
  | { kind: "silence"; applied?: boolean }
  /** These bytes instead of an answer; then FIN, where `close`. */
  | { kind: "raw"; text: string | Buffer; applied?: boolean; close?: boolean }
  /** MX's answer, late. */
  | { kind: "delay"; ms: number }
  /** MX's answer, little by little. */
  | { kind: "drip"; bytes: number; everyMs: number }
  /** MX's answer up to the middle of its head or of its body, then FIN. */
  | { kind: "truncate"; of: "head" | "body" }
  /** MX's answer; the first byte of the next request on this connection closes it. */
  | { kind: "stale"; by: "fin" | "reset" }
  /** MX's answer and another one that nobody has asked for, in the same write or, where there is a time, after it. */
  | { kind: "extra"; text: string; afterMs?: number }
  /** Another answer in place of MX's, which comes when the next request has come, on whatever connection. */
  | { kind: "early"; text: string };

export type SeenRequest = {
  /** From 1 on, over all connections. */
  number: number;
  operation: Operation | "unknown";
  /** The User or Member of the path, decoded; empty where there is none. */
  id: string;
  body: string;
};

export type ChooseWelcome = (number: number) => Welcome;
export type ChooseFault = (request: SeenRequest) => Misbehaviour | undefined;

export type FaultServer = AsyncDisposable & {
  /** Origin; the host is `localhost` where it speaks TLS. */
  readonly url: string;
  readonly connections: { opened: number; open: number; mostOpen: number };
  readonly requests: readonly SeenRequest[];
  /** Of the requests so far, in the order of arrival. */
  operations(): string[];
  /** For each new connection, from 1 on. Default: serve. */
  welcome(choose: ChooseWelcome): void;
  /** For each request. Default: passed on. */
  misbehave(choose: ChooseFault): void;
  /** Nobody listens at the port any more, and what was open is reset. */
  refuse(): Promise<void>;
  listenAgain(): Promise<void>;
  /** Behaves from now on, and counts anew. Connections stay open. */
  reset(): void;
};

export type FaultServerOptions = {
  /** Origin of the simulator's API. */
  upstream: string;
  /** Speaks TLS with it. MX's http URLs are then told as https. */
  certificate?: Certificate;
};

export async function startFaultServer(options: FaultServerOptions): Promise<FaultServer> {
  const { upstream, certificate } = options;
  const sockets = new Set<Socket>();
  const connections = { opened: 0, open: 0, mostOpen: 0 };
  const arrivals = new EventEmitter();
  let requests: SeenRequest[] = [];
  let chooseWelcome: ChooseWelcome = () => "serve";
  let chooseFault: ChooseFault = () => undefined;

  const server = certificate
    ? createTlsServer({ ...certificate, noDelay: true })
    : createServer({ noDelay: true });
  server.on("connection", (socket: Socket) => {
    count(socket);
    const welcome = chooseWelcome(connections.opened);
    if (welcome === "close") socket.destroy();
    else if (welcome === "reset") reset(socket);
    else if (welcome === "serve" && !certificate) serve(socket);
  });
  server.on("secureConnection", serve);
  server.on("tlsClientError", () => {}); // A client that refuses the certificate says so itself.
  await listen(0);
  const { port } = server.address() as AddressInfo;

  async function listen(at: number): Promise<void> {
    server.listen(at, "127.0.0.1");
    await once(server, "listening");
  }

  async function refuse(): Promise<void> {
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) reset(socket);
    await closed;
  }

  function count(socket: Socket): void {
    sockets.add(socket);
    connections.opened += 1;
    connections.open += 1;
    connections.mostOpen = Math.max(connections.mostOpen, connections.open);
    socket.on("error", () => {});
    socket.once("close", () => {
      sockets.delete(socket);
      connections.open -= 1;
    });
  }

  function serve(socket: Socket): void {
    let received = Buffer.alloc(0);
    let isBusy = false;
    let staleBy: "fin" | "reset" | undefined;
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      arrivals.emit("bytes");
      if (staleBy === "fin") socket.destroy();
      if (staleBy === "reset") reset(socket);
      received = Buffer.concat([received, chunk]);
      void work();
    });

    /** One request at a time. */
    async function work(): Promise<void> {
      const length = isBusy || socket.destroyed ? undefined : requestLength(received);
      if (length === undefined) return;
      isBusy = true;
      const message = received.subarray(0, length);
      received = received.subarray(length);
      const request = toSeenRequest(requests.length + 1, message);
      requests.push(request);
      const fault = chooseFault(request);
      await answer(socket, message, fault);
      if (fault?.kind === "stale") staleBy = fault.by;
      isBusy = false;
      void work();
    }
  }

  async function answer(socket: Socket, message: Buffer, fault?: Misbehaviour): Promise<void> {
    if (fault?.kind === "delay") await sleep(fault.ms);
    const own = isApplied(fault) ? await forward(message) : undefined;
    if (fault?.kind === "reset") reset(socket);
    else if (fault?.kind === "fin") socket.end();
    else if (fault?.kind === "raw") say(socket, fault.text, fault.close);
    else if (fault?.kind === "silence") return;
    else if (!own) reset(socket);
    else if (fault?.kind === "truncate")
      say(socket, own.subarray(0, middleOf(own, fault.of)), true);
    else if (fault?.kind === "drip") await drip(socket, own, fault);
    else if (fault?.kind === "extra") sayMore(socket, own, fault);
    else if (fault?.kind === "early") {
      socket.write(fault.text);
      await once(arrivals, "bytes");
      socket.write(own);
    } else socket.write(own);
  }

  /** `undefined` where MX gives no answer either. */
  async function forward(message: Buffer): Promise<Buffer | undefined> {
    const { hostname, port } = new URL(upstream);
    const socket = connect(Number(port), hostname);
    socket.write(message.toString("latin1").replace(/^connection: .*$/im, CLOSE), "latin1");
    sockets.add(socket);
    const answer = Buffer.concat(await socket.toArray().catch(() => []));
    sockets.delete(socket);
    if (answer.length === 0) return undefined;
    const kept = answer.toString("latin1").replace(/^connection: close$/im, KEEP);
    return Buffer.from(certificate ? withHttpsUrls(kept) : kept, "latin1");
  }

  return {
    url: certificate ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    connections,
    get requests() {
      return requests;
    },
    operations: () => requests.map(({ operation }) => operation),
    welcome(choose) {
      chooseWelcome = choose;
    },
    misbehave(choose) {
      chooseFault = choose;
    },
    refuse,
    async listenAgain() {
      if (!server.listening) await listen(port);
    },
    reset() {
      chooseWelcome = () => "serve";
      chooseFault = () => undefined;
      requests = [];
      Object.assign(connections, { opened: 0, mostOpen: connections.open });
    },
    async [Symbol.asyncDispose]() {
      if (server.listening) await refuse();
    },
  };
}

/** `sso` is the SSO API of whichever version is configured. */
export type StartedBehindFaults = Started & Record<"platform" | "sso" | "mdx", FaultServer>;

/** The whole service, with a fault server in front of each of MX's APIs. */
export async function startBehindFaults(options: StartOptions = {}): Promise<StartedBehindFaults> {
  const { apis = "platform", environment } = options;
  await using parts = new AsyncDisposableStack();
  const mx = options.mx ?? parts.use(await startSimulator());
  const isV3 = apis.startsWith("v3");
  const platform = parts.use(await startFaultServer({ upstream: mx.platformUrl }));
  const sso = parts.use(await startFaultServer({ upstream: isV3 ? mx.ssoV3Url : mx.ssoUrl }));
  const mdx = parts.use(await startFaultServer({ upstream: mx.mdxUrl }));
  const urls = {
    ...((apis === "platform" || apis.endsWith("both")) && { MX_PLATFORM_BASE_URL: platform.url }),
    ...(apis !== "platform" && { MX_SSO_BASE_URL: sso.url }),
    ...(isV3 && { MX_MDX_BASE_URL: mdx.url }),
  };
  const started = parts.use(
    await start({ ...options, mx, environment: { ...urls, ...environment } }),
  );
  const owned = parts.move();
  return { ...started, platform, sso, mdx, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const CLOSE = "connection: close";
const KEEP = "connection: keep-alive";

function isApplied(fault: Misbehaviour | undefined): boolean {
  if (!fault) return true;
  const { kind } = fault;
  const isInstead = kind === "reset" || kind === "fin" || kind === "silence" || kind === "raw";
  return isInstead ? (fault.applied ?? false) : true;
}

/** `undefined` while it is not complete. The service never sends chunks. */
function requestLength(received: Buffer): number | undefined {
  const headLength = received.indexOf("\r\n\r\n") + 4;
  if (headLength < 4) return undefined;
  const head = received.toString("latin1", 0, headLength);
  const bodyLength = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
  return received.length < headLength + bodyLength ? undefined : headLength + bodyLength;
}

function toSeenRequest(number: number, message: Buffer): SeenRequest {
  const text = message.toString();
  const [line = ""] = /^\S+ [^ ?]+/.exec(text) ?? [];
  const body = text.slice(text.indexOf("\r\n\r\n") + 4);
  for (const [operation, pattern] of OPERATIONS) {
    const match = pattern.exec(line);
    if (match) return { number, operation, id: decodeURIComponent(match[1] ?? ""), body };
  }
  return { number, operation: "unknown", id: "", body };
}

const OPERATIONS: [Operation, RegExp][] = [
  ["sso.read_user", /^GET \/user\/([^/]+)$/],
  ["sso.create_user", /^POST \/user$/],
  ["sso.read_member", /^GET \/member\/([^/]+)$/],
  ["sso.create_member", /^POST \/member$/],
  ["sso.update_member", /^PUT \/member\/([^/]+)$/],
  ["platform.list_users", /^GET \/users$/],
  ["platform.read_user", /^GET \/users\/([^/]+)$/],
  ["platform.create_user", /^POST \/users$/],
  ["platform.request_widget_url", /^POST \/users\/([^/]+)\/widget_urls$/],
  ["sso_v3.request_widget_url", /^POST \/[^/]+\/users\/([^/]+)\/urls\.json$/],
  ["mdx.create_user", /^POST \/[^/]+\/users\.json$/],
  ["mdx.read_user", /^GET \/[^/]+\/users\/([^/]+)\.json$/],
  ["mdx.create_member", /^POST \/[^/]+\/users\/([^/]+)\/members\.json$/],
  ["mdx.read_member", /^GET \/[^/]+\/users\/[^/]+\/members\/([^/]+)\.json$/],
  ["mdx.update_member", /^PUT \/[^/]+\/users\/[^/]+\/members\/([^/]+)\.json$/],
];

/** TLS has no reset of its own. */
function reset(socket: Socket): void {
  if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}

function say(socket: Socket, text: string | Buffer, close = false): void {
  if (close) socket.end(text);
  else socket.write(text);
}

/** Later only while nothing has been asked meanwhile: then the client cannot take it for an answer of its own. */
function sayMore(
  socket: Socket,
  own: Buffer,
  { text, afterMs }: { text: string; afterMs?: number },
): void {
  if (afterMs === undefined) {
    socket.write(Buffer.concat([own, Buffer.from(text)]));
    return;
  }
  socket.write(own);
  const received = socket.bytesRead;
  setTimeout(() => {
    if (socket.writable && socket.bytesRead === received) socket.write(text);
  }, afterMs);
}

async function drip(
  socket: Socket,
  answer: Buffer,
  { bytes, everyMs }: { bytes: number; everyMs: number },
): Promise<void> {
  for (let at = 0; at < answer.length && socket.writable; at += bytes) {
    socket.write(answer.subarray(at, at + bytes));
    await sleep(everyMs);
  }
}

function middleOf(answer: Buffer, part: "head" | "body"): number {
  const headLength = answer.indexOf("\r\n\r\n") + 4;
  return Math.floor(part === "head" ? headLength / 2 : (headLength + answer.length) / 2);
}

/** The simulator's widgets are on plain http, which only an MX on plain http may hand out. */
function withHttpsUrls(answer: string): string {
  const [head = "", body = ""] = answer.split("\r\n\r\n");
  const told = body.replaceAll('"http://', '"https://');
  return `${head.replace(/^content-length: .*$/im, `content-length: ${told.length}`)}\r\n\r\n${told}`;
}

/** A whole answer as MX would send it, to be said by a fault. */
export function toHttp(body: unknown, headers: Readonly<Record<string, string>> = {}): string {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const lines = Object.entries({
    "content-type": "application/json",
    "content-length": `${Buffer.byteLength(text)}`,
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 200 OK\r\n${lines.join("")}\r\n${text}`;
}
