/**
 * A piece of network between the service and an upstream, such as a NAT gateway. When it is replaced, the connections that are
 * open swallow everything without a word, and new ones work.
 */

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export type Relay = AsyncDisposable & {
  port: number;
  /** So far. */
  readonly opened: number;
  /** Of those that do not swallow. */
  readonly open: number;
  /** Everything waits until so many connections are open at once. */
  holdUntilOpen(count: number): void;
  /** What is open swallows from now on. */
  swallow(): void;
  /** Answers each request with 503 itself from now on, without a body. */
  answer503(): void;
  /** New ones forward nothing for so long. */
  delay(ms: number): void;
  /** Each time when the service sent something. */
  readonly uses: readonly Use[];
  readonly mostOpen: number;
  /** The same at the next bytes from the service that contain this. `isApplied`: those still arrive. */
  swallowAt(bytes: string, isApplied: boolean): void;
};

/** `number`: of the connection, from 1 on. `openedBefore`: how many had been opened by then. `ageMs`: of the connection. */
export type Use = { number: number; openedBefore: number; ageMs: number };

const GONE = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";

type Pair = { near: Socket; far: Socket; held: Buffer[]; number: number; openedAtMs: number };

/** `host` and `port`: where it listens. */
export async function startRelay(
  target: string,
  { host = "127.0.0.1", port = 0 } = {},
): Promise<Relay> {
  const { hostname, port: targetPort } = new URL(target);
  const pairs = new Set<Pair>();
  const sockets = new Set<Socket>();
  const uses: Use[] = [];
  let opened = 0;
  let mostOpen = 0;
  let heldUntil = 0;
  let delayMs = 0;
  let isUnavailable = false;
  let trigger: { bytes: string; isApplied: boolean } | undefined;

  function swallow(): void {
    for (const { near, far } of pairs) {
      near.removeAllListeners("data").resume();
      far.removeAllListeners("data").resume();
    }
    pairs.clear();
  }

  function forward(pair: Pair, chunk: Buffer): void {
    const { number, openedAtMs } = pair;
    uses.push({ number, openedBefore: opened, ageMs: performance.now() - openedAtMs });
    if (isUnavailable) pair.near.write(GONE);
    else if (pairs.size < heldUntil) pair.held.push(chunk);
    else if (trigger && chunk.includes(trigger.bytes)) {
      if (trigger.isApplied) pair.far.write(chunk);
      trigger = undefined;
      swallow();
    } else pair.far.write(chunk);
  }

  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ host: hostname, port: Number(targetPort), noDelay: true });
    opened += 1;
    const pair: Pair = { near, far, held: [], number: opened, openedAtMs: performance.now() };
    pairs.add(pair);
    mostOpen = Math.max(mostOpen, pairs.size);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => {
        sockets.delete(socket);
        if (!pairs.delete(pair)) return;
        near.destroy();
        far.destroy();
      });
    }
    const listen = () => near.on("data", (chunk: Buffer) => forward(pair, chunk));
    if (delayMs > 0) setTimeout(listen, delayMs);
    else listen();
    far.on("data", (chunk: Buffer) => void near.write(chunk));
    if (pairs.size < heldUntil) return;
    heldUntil = 0;
    for (const each of pairs) for (const chunk of each.held.splice(0)) each.far.write(chunk);
  });
  server.listen(port, host);
  await once(server, "listening");

  return {
    port: (server.address() as AddressInfo).port,
    get opened() {
      return opened;
    },
    get open() {
      return pairs.size;
    },
    get mostOpen() {
      return mostOpen;
    },
    uses,
    answer503() {
      isUnavailable = true;
    },
    delay(ms) {
      delayMs = ms;
    },
    holdUntilOpen(count) {
      heldUntil = count;
    },
    swallow,
    swallowAt(bytes, isApplied) {
      trigger = { bytes, isApplied };
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
