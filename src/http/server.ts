/**
 * A listening server with every limit set explicitly, and a shutdown that loses no request.
 *
 * Source: Node.js, `http.Server`. With the default checking interval a 5 s header timeout would fire after 30 s.
 */

import { once } from "node:events";
import type { RequestListener, Server, ServerResponse } from "node:http";
import { type AddressInfo, Server as NetServer, type Socket } from "node:net";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { toPathTarget } from "./ambiguity.ts";
import { answerParserErrors, type OnParserRefusal } from "./parser-refusals.ts";
import { createTlsServer, type TlsPair } from "./tls.ts";

/** An `import` of node:http would also load Node's own fetch, for its export `WebSocket`: 30 ms of each start. */
const { createServer } = process.getBuiltinModule("node:http");

/** All headers of a request together. Tokens of Microsoft Entra ID with 200 groups have 11 kB. */
const MAX_HEADER_BYTES = 32 * 1024;

/** How many connections wait in the kernel to be accepted; it keeps at most one more. */
const BACKLOG = 4096;

/** If new connections keep coming, the listening ends after this many pauses. */
const MAX_QUIET_PAUSES = 20;

export type Listening = {
  port: number;
  /** From now on each answer closes its connection, those of requests in flight included. */
  drain(): void;
  /** Takes no new connections after up to `quietMs` without one; what comes on those that are there is still served. */
  stopListening(quietMs: number): Promise<void>;
  /** Closes what is idle, lets requests in flight finish for up to `graceMs`, then cuts. */
  close(graceMs: number): Promise<void>;
  /** Of a server with TLS: for connections that come from now on. */
  replacePair(pair: TlsPair): void;
};

export type ListenOptions = {
  /** Without it, all addresses: IPv6 and IPv4, or IPv4 alone where there is no IPv6. */
  host: string | undefined;
  /** 0: a free one. */
  port: number;
  /** How long an idle connection is kept. */
  keepAliveTimeoutMs: number;
  /** Bytes came that are no HTTP request. */
  onParserRefusal: OnParserRefusal;
  /** Without it, plain http. */
  tls?: TlsPair | undefined;
};

export async function listen(
  listener: RequestListener,
  options: ListenOptions,
): Promise<Listening> {
  const { host, port, keepAliveTimeoutMs, onParserRefusal, tls: pair } = options;
  /**
   * The answer that each connection waits for. A set of answers would cost memory: its table is rebuilt every few requests, and
   * V8 links the old one to the new, so that finished answers are kept until a full collection.
   */
  const answering = new Map<Socket, ServerResponse | undefined>();
  let isDraining = false;

  const limits = {
    headersTimeout: 5000,
    requestTimeout: 10_000,
    connectionsCheckingInterval: 1000,
    keepAliveTimeout: keepAliveTimeoutMs, // Longer than the load balancer's, so that the balancer is the one to close.
    maxHeaderSize: MAX_HEADER_BYTES,
  };
  const answer: RequestListener = (req, res) => {
    const { socket } = req;
    if (!answering.has(socket)) socket.once("close", () => answering.delete(socket));
    answering.set(socket, res);
    res.on("close", () => {
      if (answering.get(socket) === res) answering.set(socket, undefined);
    });
    if (isDraining) res.setHeader("Connection", "close");
    toPathTarget(req);
    listener(req, res);
  };
  const tls = pair && createTlsServer(pair, limits, answer, onParserRefusal);
  const server: Server = tls?.server ?? createServer(limits, answer);
  answerParserErrors(server, (socket) => answering.get(socket), onParserRefusal);
  const closed = new Promise((resolve) => server.once("close", resolve));
  server.maxHeadersCount = 0; // ambiguity.ts counts: some versions of Node would drop headers instead of refusing them.
  server.maxConnections = 5000;
  server.listen({ port, ...(host !== undefined && { host }), backlog: BACKLOG }); // A burst waits there, instead of being dropped by the kernel.
  await once(server, "listening"); // Rejects on "error": address in use, no permission.
  const address = server.address() as AddressInfo;

  return {
    port: address.port,
    drain() {
      isDraining = true;
      for (const res of answering.values()) {
        if (res && !res.headersSent) res.setHeader("Connection", "close");
      }
    },
    stopListening: (quietMs) => stopListening(server, quietMs),
    async close(graceMs) {
      if (server.listening) await stopListening(server, 0);
      await nextTurn(); // What has come while this process was held up is read first.
      await nextTurn();
      const closeIdle = () => {
        server.closeIdleConnections();
        tls?.closeUnfinished();
      };
      closeIdle();
      const sweep = setInterval(closeIdle, 100);
      const cut = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearInterval(sweep);
      clearTimeout(cut);
    },
    replacePair: (next) => tls?.replacePair(next),
  };
}

/**
 * Ends the listening after everything that the kernel had set up when the call was made: a connection that waits to be
 * accepted is lost when a server closes. New connections are not served meanwhile, because a client that has its answer
 * may open the next connection, and then there would always be one that waits.
 */
async function stopListening(server: NetServer, quietMs: number): Promise<void> {
  const serve = server.listeners("connection") as ((socket: Socket) => void)[];
  const held: Socket[] = [];
  const hold = (socket: Socket) => void held.push(socket.on("error", () => {}));
  server.removeAllListeners("connection").on("connection", hold);
  await acceptAll(server, quietMs);
  NetServer.prototype.close.call(server); // `http.Server.close` would cut connections on which a request may just come.
  server.off("connection", hold);
  for (const listener of serve) server.on("connection", listener);
  for (const socket of held) {
    if (socket.destroyed) continue;
    server.emit("connection", socket);
    await nextTurn(); // One after the other, as they would have come.
  }
}

/**
 * Resolves when nobody waits to be accepted, or when as many have been accepted as could wait at the call: the kernel
 * keeps them in order. Node accepts one per turn of the event loop. A client that has just been answered may be about to
 * open its next connection, so a quiet time comes first.
 */
async function acceptAll(server: NetServer, quietMs: number): Promise<void> {
  let accepted = 0;
  const count = () => {
    accepted += 1;
  };
  const comesDuring = async (pause: Promise<unknown>) => {
    const before = accepted;
    await pause;
    await nextTurn(); // May be of a turn that has looked for connections before; the next one looks again.
    await nextTurn();
    return accepted !== before && accepted <= BACKLOG;
  };
  server.on("connection", count).on("drop", count);
  for (let pauses = 0; pauses < MAX_QUIET_PAUSES && (await comesDuring(sleep(quietMs))); )
    pauses += 1;
  while (await comesDuring(Promise.resolve())); // However slow the machine is: no limit of time ends this.
  server.off("connection", count).off("drop", count);
}
