/**
 * Sockets opened ahead of the requests that will need them, TLS handshake included. So nobody waits for a handshake after
 * a start, nor after a pause in which the upstream has closed what was idle.
 *
 * One that the upstream closes is replaced: by one at once where it was kept for a while, and else after some seconds.
 */

import type { Socket } from "node:net";
import type { buildConnector } from "undici";

export type PrewarmedSockets = Disposable & {
  /** Gives a socket that is ready, or opens one as `connect` does. */
  connect: buildConnector.connector;
  /** Whether it was ready and waiting: the upstream may just have closed it. */
  wasReady(socket: Socket): boolean;
};

export type PrewarmOptions = {
  origin: string;
  connect: buildConnector.connector;
  count: number;
  /** Whether there may be one more, besides so many that are ready or being opened. */
  hasRoom(besides: number): boolean;
};

type Ready = { socket: Socket; release(): void };

const PATIENCE_MS = 10_000;
const PAUSE_MS = 5000;

export function createPrewarmedSockets(options: PrewarmOptions): PrewarmedSockets {
  const { origin, connect, count, hasRoom } = options;
  const wereReady = new WeakSet<Socket>();
  let ready: Ready[] = [];
  let opening = 0;
  let isDisposed = false;
  let pause: NodeJS.Timeout | undefined;

  function refill(): void {
    pause = undefined;
    while (!isDisposed && ready.length + opening < count && hasRoom(ready.length + opening)) {
      opening += 1;
      connect(toTarget(origin), (...[, socket]) => {
        opening -= 1;
        if (socket) keep(socket);
        else refillLater();
      });
    }
  }

  function refillLater(): void {
    if (!isDisposed) pause ??= setTimeout(refill, PAUSE_MS).unref();
  }

  function keep(socket: Socket): void {
    if (isDisposed) {
      socket.destroy();
      return;
    }
    const since = performance.now();
    const release = () => {
      ready = ready.filter((each) => each.socket !== socket);
      for (const event of SPOILED) socket.off(event, drop);
    };
    const drop = () => {
      release();
      socket.on("error", () => {}).destroy();
      if (performance.now() - since >= PATIENCE_MS && !pause) refill();
      else refillLater();
    };
    for (const event of SPOILED) socket.on(event, drop);
    ready.push({ socket, release });
  }

  refill();

  return {
    connect(target, callback) {
      const next = ready[0]; // In turn, so that none gets old.
      if (!next) return connect(target, callback);
      next.release();
      wereReady.add(next.socket);
      process.nextTick(callback, null, next.socket);
      setImmediate(refill); // After this one has been counted as in use.
    },
    wasReady: (socket) => wereReady.has(socket),
    [Symbol.dispose]() {
      isDisposed = true;
      clearTimeout(pause);
      for (const { socket, release } of [...ready]) {
        release();
        socket.on("error", () => {}).destroy();
      }
    },
  };
}

/** `readable`: an end, or bytes that nobody has asked for. */
const SPOILED = ["readable", "error", "close"] as const;

function toTarget(origin: string): buildConnector.Options {
  const { protocol, host, hostname, port } = new URL(origin);
  return { protocol, host, hostname: hostname.replace(/^\[|\]$/g, ""), port };
}
