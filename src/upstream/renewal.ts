/**
 * Opens connections before requests need them, so that no request waits for a handshake (P17): after a start, after the
 * upstream has closed idle ones, and before a connection gets too old.
 *
 * A connection is replaced before it reaches its maximum age (P19): the name is looked up again, and a new connection takes its
 * place. An unused connection is replaced only if it is one of those kept ready. While no new one can be opened, the old ones
 * stay in use.
 */

import { errors } from "undici";
import type { Connection } from "./connection.ts";
import type { Sockets } from "./sockets.ts";

export type RenewalOptions = {
  /** So many are kept open that no request has used yet. */
  warm: number;
  maxAgeMs: number;
  /** In [0, 1). */
  random?: () => number;
};

export type Renewal = Disposable & {
  /** Opens what is missing. */
  refill(): void;
  /** It has just been opened. */
  watch(connection: Connection): void;
  unwatch(connection: Connection, isByUpstream: boolean): void;
  /**
   * For one that has just been used: whether another one takes its place first, because there is no room for both. Its caller
   * keeps the place meanwhile, so that no request finds it empty.
   */
  replace(connection: Connection): Promise<void> | undefined;
};

/** Shares of the maximum age: early enough for a handshake, and not the same for all. */
const RENEW_FROM = 0.75;
const RENEW_UNTIL = 0.9;
/** After one could not be opened, or was closed as soon as it was open, without an answer. */
const PAUSE_MS = 5000;
const EARLY_MS = 10_000;
/** After a request took the room. */
const AGAIN_MS = 500;

export function createRenewal(sockets: Sockets, options: RenewalOptions): Renewal {
  const { warm, maxAgeMs, random = Math.random } = options;
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
    watch: (connection) =>
      renewIn(connection, maxAgeMs * (RENEW_FROM + (RENEW_UNTIL - RENEW_FROM) * random())),
    unwatch(connection, isByUpstream) {
      clearTimeout(timers.get(connection));
      timers.delete(connection);
      if (isByUpstream && isEarly(connection)) pause();
      setImmediate(refill); // A request that closed it to make room takes the room first.
    },
    replace(connection) {
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
