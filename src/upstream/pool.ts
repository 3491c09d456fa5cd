/**
 * Connections to one origin, never more than a given number, the most recently used first.
 *
 * They are opened before requests need them, so that no request waits for a handshake (P17): after a start, after the
 * upstream has closed idle ones, and before a connection gets too old. A connection is replaced before it reaches its maximum
 * age (P19): the name is resolved again, and a new connection takes its place. An unused connection is replaced only if it is
 * one of those kept ready. While no new one can be opened, the old ones stay in use.
 * Why this is not undici's `Pool`: docs/decisions/0023-own-connections.md.
 */

import errors from "undici/lib/core/errors.js";
import { MIN_CALL_MS } from "../session/budget.ts";
import { type Connection, isProxied } from "./connection.ts";
import { createSemaphore } from "./limits.ts";
import { createSockets, type Sockets, type SocketsOptions } from "./sockets.ts";

export type ConnectionOptions = SocketsOptions & {
  /** Of the connections, so many are opened ahead of requests. Default: none. Not through a proxy. */
  warm?: number;
  /** Default: one minute. */
  maxAgeMs?: number;
};

export type Connections = ReturnType<typeof createConnections>;

export function createConnections(options: ConnectionOptions) {
  const { connections: limit, maxAgeMs = 60_000, warm = 0 } = options;
  const semaphore = createSemaphore({ limit });
  const sockets = createSockets(options, {
    onOpen: (connection) => renewal.watch(connection),
    onClose: (connection, isByUpstream) => renewal.unwatch(connection, isByUpstream),
  });
  const renewal = createRenewal(sockets, isProxied(options) ? 0 : warm, maxAgeMs);
  renewal.refill();

  return {
    /**
     * Waits while all are in use; `undefined` when too little of `leftMs` is left for an exchange. `isNew`: one that is opened
     * now. Rejects with the reason if none could be opened.
     */
    async acquire(isNew: boolean, leftMs: number) {
      const waitMs = leftMs - MIN_CALL_MS; // After that, nobody would wait for the answer.
      if ((await semaphore.acquire(waitMs)) !== "acquired") return undefined;
      const idle = isNew ? undefined : sockets.take();
      if (!idle?.isUsed) setImmediate(renewal.refill); // After this one has been counted as in use.
      try {
        if (!idle) sockets.makeRoom(); // There is room, or an idle one that can make it: the semaphore ensures it.
        const connection = idle ?? (await sockets.open(Math.max(waitMs, leftMs / 2)));
        connection.isUsed = true;
        return connection;
      } catch (error) {
        semaphore.release();
        throw error;
      }
    },
    /** `isSpoiled`: it must not be used again. */
    release(connection: Connection, isSpoiled: boolean) {
      const replaced = isSpoiled ? undefined : renewal.replace(connection);
      if (replaced) return void replaced.then(semaphore.release);
      if (isSpoiled) sockets.close(connection);
      else sockets.keep(connection);
      semaphore.release();
    },
    /** Discards those that have brought nothing since then: they may have died in silence. */
    discardSilent: sockets.retireSilent,
    /** Discards all that are open now: what is wrong with one may be wrong with all. */
    discardAll: sockets.retireAll,
    async [Symbol.asyncDispose]() {
      renewal[Symbol.dispose]();
      await sockets[Symbol.asyncDispose]();
    },
  };
}

/** Shares of the maximum age: early enough for a handshake, and not the same for all. */
const RENEW_FROM = 0.75;
const RENEW_UNTIL = 0.9;
/** After one could not be opened, or was closed as soon as it was open, without an answer. */
const PAUSE_MS = 5000;
const EARLY_MS = 10_000;
/** After a request took the room. */
const AGAIN_MS = 500;

/** `warm`: how many are kept open that no request has used yet. */
function createRenewal(sockets: Sockets, warm: number, maxAgeMs: number) {
  const timers = new Map<Connection, NodeJS.Timeout>();
  let pausing: NodeJS.Timeout | undefined;
  let isDisposed = false;

  function pause(): void {
    if (isDisposed) return;
    pausing ??= setTimeout(() => {
      pausing = undefined;
      refill();
    }, PAUSE_MS).unref();
  }

  /** Opens what is missing. */
  function refill(): void {
    while (isShort()) void open();
  }

  function isShort(): boolean {
    const { ready, ahead } = sockets.count();
    return !isDisposed && !pausing && !sockets.isFull() && ready + ahead < warm;
  }

  /** Whether it is open. Never rejects. */
  async function open(): Promise<boolean> {
    if (sockets.isFull()) return false;
    try {
      await sockets.openAhead();
      return true;
    } catch (error) {
      if (!(error instanceof errors.RequestAbortedError)) pause();
      return false;
    }
  }

  function renewIn(connection: Connection, ms: number): void {
    if (isDisposed || connection.isRetired || connection.socket.destroyed) return;
    timers.set(connection, setTimeout(renew, ms, connection).unref());
  }

  async function renew(connection: Connection): Promise<void> {
    const isWanted = connection.isUsed || sockets.count().ready <= warm;
    if (!isWanted) sockets.retire(connection);
    else if (pausing) renewIn(connection, PAUSE_MS);
    else if (!sockets.isFull()) {
      if (await open()) sockets.retire(connection);
      else renewIn(connection, AGAIN_MS);
    } else if (sockets.isIdle(connection)) {
      sockets.retire(connection);
      await open();
    } else connection.isDue = true;
  }

  return {
    refill,
    /** It has just been opened. */
    watch: (connection: Connection) =>
      renewIn(connection, maxAgeMs * (RENEW_FROM + (RENEW_UNTIL - RENEW_FROM) * Math.random())),
    unwatch(connection: Connection, isByUpstream: boolean) {
      clearTimeout(timers.get(connection));
      timers.delete(connection);
      if (isByUpstream && isEarly(connection)) pause();
      setImmediate(refill); // A request that closed it to make room takes the room first.
    },
    /**
     * For one that has just been used: resolves when another one has taken its place, if there was no room for both. The caller
     * keeps the place until then, so that no request finds it empty.
     */
    replace(connection: Connection) {
      if (!connection.isDue || pausing) return undefined;
      sockets.close(connection);
      return open().then(() => {});
    },
    [Symbol.dispose]() {
      isDisposed = true;
      clearTimeout(pausing);
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}

function isEarly({ openedAtMs, heardAtMs }: Connection): boolean {
  return heardAtMs === openedAtMs && performance.now() - openedAtMs < EARLY_MS;
}
