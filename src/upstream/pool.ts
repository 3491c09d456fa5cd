/**
 * Connections to one origin, never more than a given number, the most recently used first.
 *
 * Why this is not undici's `Pool`: docs/decisions/0023-own-connections.md.
 */

import { isProxied } from "./connect.ts";
import type { Connection } from "./connection.ts";
import { createRenewal } from "./renewal.ts";
import { createSemaphore } from "./semaphore.ts";
import { createSockets, type SocketsOptions } from "./sockets.ts";

export type ConnectionOptions = SocketsOptions & {
  /** Of the connections, so many are opened ahead of requests. Default: none. Not through a proxy. */
  warm?: number;
  /** Default: one minute. */
  maxAgeMs?: number;
};

export type Connections = AsyncDisposable & {
  /**
   * Waits while all are in use; `undefined` after `waitMs`. `isNew`: one that is opened now, within `openMs` at most. Rejects
   * with why none could be opened.
   */
  acquire(isNew: boolean, waitMs: number, openMs?: number): Promise<Connection | undefined>;
  /** `isSpoiled`: not to be used again. */
  release(connection: Connection, isSpoiled: boolean): void;
  /** Uses none again that has brought nothing since then: it may have died in silence. */
  distrust(sinceMs: number): void;
  /** Uses none again of those that are open now: what is wrong with one may be wrong with all. */
  discardAll(): void;
};

export function createConnections(options: ConnectionOptions): Connections {
  const { connections: limit, maxAgeMs = 60_000, warm = 0 } = options;
  const semaphore = createSemaphore({ limit });
  const sockets = createSockets(options, {
    onOpen: (connection) => renewal.watch(connection),
    onClose: (connection, isByUpstream) => renewal.unwatch(connection, isByUpstream),
  });
  const renewal = createRenewal(sockets, { warm: isProxied(options) ? 0 : warm, maxAgeMs });
  renewal.refill();

  /** There is room, or an idle connection to make room: the semaphore has seen to it. */
  function open(timeoutMs: number | undefined): Promise<Connection> {
    sockets.makeRoom();
    return sockets.open(timeoutMs);
  }

  return {
    async acquire(isNew, waitMs, openMs) {
      if ((await semaphore.acquire(waitMs)) !== "acquired") return undefined;
      const idle = isNew ? undefined : sockets.take();
      if (!idle?.isUsed) setImmediate(renewal.refill); // After this one has been counted as in use.
      try {
        const connection = idle ?? (await open(openMs));
        connection.isUsed = true;
        return connection;
      } catch (error) {
        semaphore.release();
        throw error;
      }
    },
    release(connection, isSpoiled) {
      if (isSpoiled) sockets.close(connection);
      const replaced = isSpoiled ? undefined : renewal.replace(connection);
      if (!replaced && !isSpoiled) sockets.keep(connection);
      if (replaced) void replaced.then(semaphore.release);
      else semaphore.release();
    },
    distrust: sockets.retireSilent,
    discardAll: sockets.retireAll,
    async [Symbol.asyncDispose]() {
      renewal[Symbol.dispose]();
      await sockets[Symbol.asyncDispose]();
    },
  };
}
