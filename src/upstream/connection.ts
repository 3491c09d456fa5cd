/**
 * One open socket with an HTTP/1.1 client on it: what is known about it, and how it ends.
 *
 * The client lives and dies with the socket. It never opens another one, so that whoever counts connections counts sockets.
 */

import type { Socket } from "node:net";
import { Client, type Dispatcher } from "undici";
import { handOver } from "./connect.ts";

export type Connection = {
  readonly dispatcher: Dispatcher;
  readonly socket: Socket;
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
 * How long an idle socket is kept, where the upstream does not tell how long it will. One that it closes earlier is seen,
 * or is repeated as stale (exchange.ts); undici's 4 s would mean a handshake after every pause.
 */
const KEEP_ALIVE_MS = 120_000;

/** `onClose` is called once the socket is closed, however that came. Pipelining would let one answer delay another. */
export function createConnection(
  socket: Socket,
  { origin, maxResponseBytes }: { origin: string; maxResponseBytes: number },
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

  // Until the client takes it over, an end shows as a read, and so do bytes that nobody has asked for.
  socket.on("readable", close);
  client.once("connect", () => socket.off("readable", close));
  socket.once("close", onClose);

  const openedAtMs = performance.now();
  return {
    dispatcher: client,
    socket,
    openedAtMs,
    heardAtMs: openedAtMs,
    wasIdle: false,
    isUsed: false,
    isRetired: false,
    isDue: false,
    close,
  };
}
