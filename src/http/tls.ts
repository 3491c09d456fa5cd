/**
 * TLS on the public port: TLS 1.2 or newer, HTTP/1.1 inside.
 *
 * The first bytes of a connection are read before OpenSSL gets them, because it does not report what else came: plain
 * HTTP, or a balancer's PROXY protocol. Until the handshake is done, a connection is in no list of `http.Server`, so those
 * are kept here.
 * Sources: Node.js, `tls.Server` and `https.Server`; RFC 8446, section 5.1; RFC 9325, section 3.1.1.
 */

import type { RequestListener, ServerOptions } from "node:http";
import { createServer, type Server } from "node:https";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Secret } from "../secret.ts";
import { answerOtherProtocol, type OnParserRefusal } from "./parser-refusals.ts";

/** PEM. */
export type TlsPair = Readonly<{ cert: Secret; key: Secret }>;

/** For the first bytes, and then for the handshake. */
const HANDSHAKE_MS = 5000;
/** At the end: a client that is connecting gets so much, and one that only holds the connection gets no more. */
const LAST_HANDSHAKES_MS = 1000;

const HANDSHAKE_RECORD = 0x16;

export function createTlsServer(
  pair: TlsPair,
  options: ServerOptions,
  listener: RequestListener,
  onRefusal: OnParserRefusal,
) {
  const server = createServer(
    { ...options, ...toContext(pair), handshakeTimeout: HANDSHAKE_MS },
    listener,
  );
  const unfinished = new Map<string, { socket: Socket; sinceMs: number }>();
  const [startHandshake] = server.listeners("connection") as ((
    this: Server,
    socket: Socket,
  ) => void)[];
  server.removeAllListeners("connection").on("connection", (socket: Socket) => {
    const name = nameOf(socket);
    const entry = { socket, sinceMs: performance.now() };
    unfinished.set(name, entry);
    socket.once("close", () => {
      if (unfinished.get(name) === entry) unfinished.delete(name);
    });
    readFirstBytes(socket, (bytes) => {
      if (bytes[0] !== HANDSHAKE_RECORD) return answerOtherProtocol(socket, bytes, onRefusal);
      socket.unshift(bytes);
      startHandshake?.call(server, socket);
    });
  });
  server.on("secureConnection", (socket: TLSSocket) => void unfinished.delete(nameOf(socket)));
  return {
    server,
    /** For connections that come from now on. */
    replacePair: (next: TlsPair) => server.setSecureContext(toContext(next)),
    /** Closes the connections that have been without a handshake for a while. */
    closeUnfinished() {
      const dueMs = performance.now() - LAST_HANDSHAKES_MS;
      for (const { socket, sinceMs } of unfinished.values()) if (sinceMs <= dueMs) socket.destroy();
    },
  };
}

/** The least version is said here, because flags of Node can lower its default. */
function toContext({ cert, key }: TlsPair) {
  return { cert: cert.reveal(), key: key.reveal(), minVersion: "TLSv1.2" as const };
}

/** The same for a connection and for the TLS connection on it. */
function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

function readFirstBytes(socket: Socket, use: (bytes: Buffer) => void): void {
  const giveUp = () => void socket.destroy();
  socket.on("error", giveUp).setTimeout(HANDSHAKE_MS, giveUp);
  socket.once("readable", () => {
    socket.setTimeout(0).off("timeout", giveUp);
    const bytes: Buffer | null = socket.read();
    if (bytes === null) return void socket.destroy(); // It has ended.
    use(bytes);
  });
}
