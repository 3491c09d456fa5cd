/** The sockets of one pool: those that are open, those that are being opened, and those that are idle. */

import {
  type Connection,
  type ConnectOptions,
  createConnection,
  createOpen,
  type Open,
} from "./connection.ts";

export type SocketsOptions = ConnectOptions & {
  /** Sockets at most, those included that are just being opened. */
  connections: number;
};

type SocketEvents = {
  onOpen(connection: Connection): void;
  /** Once for each. `isByUpstream`: it was not closed here. */
  onClose(connection: Connection, isByUpstream: boolean): void;
};

export type Sockets = ReturnType<typeof createSockets>;

export function createSockets(options: SocketsOptions, events: SocketEvents) {
  const openings = createOpenings(createOpen(options));
  const all = new Set<Connection>();
  const idle = createIdle();
  let isDisposed = false;
  const isFull = () => all.size + openings.all.size >= options.connections;

  /** Rejects with why it could not be opened. The new one is in use. */
  async function open(isAhead: boolean, timeoutMs?: number): Promise<Connection> {
    const socket = await openings.open(isAhead, timeoutMs);
    const connection = createConnection(socket, options, () => forget(connection, true));
    all.add(connection);
    events.onOpen(connection);
    if (isDisposed) close(connection);
    return connection;
  }

  function forget(connection: Connection, isByUpstream: boolean): void {
    idle.all.delete(connection);
    if (all.delete(connection)) events.onClose(connection, isByUpstream);
  }

  function close(connection: Connection): void {
    forget(connection, false);
    connection.close();
  }

  /** Never used again; closed at once unless a request is on it. */
  function retire(connection: Connection): void {
    connection.isRetired = true;
    if (idle.all.has(connection)) close(connection);
  }

  /** It is idle from now on. */
  function keep(connection: Connection): void {
    connection.wasIdle = true;
    if (connection.isRetired || connection.socket.destroyed) close(connection);
    else idle.all.add(connection);
  }

  /** An idle one, if there is one. */
  function take(): Connection | undefined {
    const next = idle.next();
    if (next) idle.all.delete(next);
    if (!next?.socket.destroyed) return next;
    close(next);
    return take();
  }

  return {
    isFull,
    isIdle: (connection: Connection) => idle.all.has(connection),
    /** Those that are idle and have never been used, and those that are being opened ahead of requests. */
    count: () => ({ ready: idle.ready().length, ahead: openings.ahead().length }),
    take,
    /** Makes room for one more: in the place of what is idle, or of what is opened ahead. */
    makeRoom() {
      const oldest = idle.oldest();
      if (isFull() && oldest) close(oldest);
      else if (isFull()) openings.abortAhead();
    },
    open: (timeoutMs?: number) => open(false, timeoutMs),
    /** One that no request waits for. It is idle when it is open. */
    openAhead: () => open(true).then(keep),
    keep,
    retire,
    close,
    retireAll: () => [...all].forEach(retire),
    /** The idle ones that have brought nothing since then. */
    retireSilent: (sinceMs: number) =>
      [...idle.all].filter(({ heardAtMs }) => heardAtMs <= sinceMs).forEach(retire),
    async [Symbol.asyncDispose]() {
      isDisposed = true;
      await openings.abortAll();
      [...all].forEach(close);
    },
  };
}

/** Those that requests have used, and those that are kept ready, in the order in which they became idle. */
function createIdle() {
  const all = new Set<Connection>();
  const used = () => [...all].filter(({ isUsed }) => isUsed);
  const ready = () => [...all].filter(({ isUsed }) => !isUsed);
  return {
    all,
    ready,
    /** The most recently used, or else the one that has been ready for longest, so that none gets old. */
    next: () => used().at(-1) ?? ready()[0],
    /** The one to close first if there is no room. */
    oldest: () => used()[0] ?? ready()[0],
  };
}

/** Sockets that are being opened. */
function createOpenings(openSocket: Open) {
  const all = new Set<ReturnType<Open> & { isAhead: boolean }>();
  /** Those that no request waits for. */
  const ahead = () => [...all].filter(({ isAhead }) => isAhead);
  return {
    all,
    ahead,
    open(isAhead: boolean, timeoutMs?: number) {
      const opening = { ...openSocket(timeoutMs), isAhead };
      all.add(opening);
      return opening.socket.finally(() => all.delete(opening));
    },
    abortAhead(): void {
      const [first] = ahead();
      if (!first) return;
      all.delete(first);
      first.abort();
    },
    async abortAll(): Promise<void> {
      const openings = [...all];
      for (const opening of openings) opening.abort();
      await Promise.allSettled(openings.map(({ socket }) => socket));
    },
  };
}
