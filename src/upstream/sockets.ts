/** Keeps account of all connections to one origin: in use, idle, or being opened. There are never more than a given number. */

import { type ConnectOptions, createOpen } from "./connect.ts";
import { type Connection, createConnection } from "./connection.ts";
import { createIdle } from "./idle.ts";
import { createOpenings } from "./openings.ts";

export type SocketsOptions = ConnectOptions & {
  /** Sockets at most, those included that are just being opened. */
  connections: number;
  maxResponseBytes: number;
};

export type SocketEvents = {
  onOpen(connection: Connection): void;
  /** Once for each. `isByUpstream`: it was not closed here. */
  onClose(connection: Connection, isByUpstream: boolean): void;
};

export type Sockets = AsyncDisposable & {
  isFull(): boolean;
  isIdle(connection: Connection): boolean;
  /** Those that are idle and have never been used, and those that are being opened ahead of requests. */
  count(): { ready: number; ahead: number };
  /** An idle one, if there is one: the most recently used, or else the oldest that was not used. */
  take(): Connection | undefined;
  /** Makes room for one more: in the place of what is idle, or of what is opened ahead. */
  makeRoom(): void;
  /** Rejects with why it could not be opened. The new one is in use. */
  open(timeoutMs?: number): Promise<Connection>;
  /** One that no request waits for. It is idle when it is open. */
  openAhead(): Promise<void>;
  /** It is idle from now on. */
  keep(connection: Connection): void;
  /** Never used again; closed at once unless a request is on it. */
  retire(connection: Connection): void;
  close(connection: Connection): void;
  /** Retires all, or the idle ones that have brought nothing since then. */
  retireAll(): void;
  retireSilent(sinceMs: number): void;
};

export function createSockets(options: SocketsOptions, events: SocketEvents): Sockets {
  const openings = createOpenings(createOpen(options));
  const all = new Set<Connection>();
  const idle = createIdle();
  let isDisposed = false;
  const isFull = () => all.size + openings.count().all >= options.connections;

  async function open(isAhead: boolean, timeoutMs?: number): Promise<Connection> {
    const socket = await openings.open(isAhead, timeoutMs);
    const connection = createConnection(socket, options, () => forget(connection, true));
    all.add(connection);
    events.onOpen(connection);
    if (isDisposed) close(connection);
    return connection;
  }

  function forget(connection: Connection, isByUpstream: boolean): void {
    idle.remove(connection);
    if (all.delete(connection)) events.onClose(connection, isByUpstream);
  }

  function close(connection: Connection): void {
    forget(connection, false);
    connection.close();
  }

  function retire(connection: Connection): void {
    connection.isRetired = true;
    if (idle.has(connection)) close(connection);
  }

  function keep(connection: Connection): void {
    connection.wasIdle = true;
    if (connection.isRetired || connection.socket.destroyed) close(connection);
    else idle.add(connection);
  }

  function take(): Connection | undefined {
    const next = idle.take();
    if (!next?.socket.destroyed) return next;
    close(next);
    return take();
  }

  return {
    isFull,
    isIdle: idle.has,
    count: () => ({ ready: idle.readyCount(), ahead: openings.count().ahead }),
    take,
    makeRoom() {
      const oldest = idle.oldest();
      if (isFull() && oldest) close(oldest);
      else if (isFull()) openings.abortAhead();
    },
    open: (timeoutMs) => open(false, timeoutMs),
    openAhead: () => open(true).then(keep),
    keep,
    retire,
    close,
    retireAll: () => [...all].forEach(retire),
    retireSilent: (sinceMs) => idle.all().filter(isSilent(sinceMs)).forEach(retire),
    async [Symbol.asyncDispose]() {
      isDisposed = true;
      await openings[Symbol.asyncDispose]();
      [...all].forEach(close);
    },
  };
}

function isSilent(sinceMs: number): (connection: Connection) => boolean {
  return ({ heardAtMs }) => heardAtMs <= sinceMs;
}
