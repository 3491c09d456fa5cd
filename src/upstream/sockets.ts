/** Keeps account of all connections to one origin: in use, idle, or being opened. There are never more than a given number. */

import type { Socket } from "node:net";
import {
  type Connection,
  type ConnectOptions,
  createConnection,
  createOpen,
  type Open,
  type Opening,
} from "./connection.ts";

export type SocketsOptions = ConnectOptions & {
  /** Sockets at most, those included that are just being opened. */
  connections: number;
  maxResponseBytes: number;
};

type SocketEvents = {
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

/** Those that requests have used, and those that are kept ready. */
type Idle = {
  add(connection: Connection): void;
  /** The most recently used, or else the one that has been ready for longest, so that none gets old. */
  take(): Connection | undefined;
  /** The one to close first if there is no room. */
  oldest(): Connection | undefined;
  remove(connection: Connection): void;
  has(connection: Connection): boolean;
  readyCount(): number;
  all(): Connection[];
};

function createIdle(): Idle {
  let used: Connection[] = [];
  let ready: Connection[] = [];
  return {
    add: (connection) => void (connection.isUsed ? used : ready).push(connection),
    take: () => used.pop() ?? ready.shift(),
    oldest: () => used[0] ?? ready[0],
    remove(connection) {
      used = used.filter((each) => each !== connection);
      ready = ready.filter((each) => each !== connection);
    },
    has: (connection) => used.includes(connection) || ready.includes(connection),
    readyCount: () => ready.length,
    all: () => [...used, ...ready],
  };
}

/** Sockets that are being opened. */
type Openings = AsyncDisposable & {
  /** Rejects with why it could not be opened. `isAhead`: no request waits for it. */
  open(isAhead: boolean, timeoutMs?: number): Promise<Socket>;
  /** Gives up the first one that no request waits for. */
  abortAhead(): void;
  count(): { all: number; ahead: number };
};

function createOpenings(open: Open): Openings {
  const all = new Set<Opening>();
  const ahead = new Set<Opening>();

  function forget(opening: Opening): void {
    all.delete(opening);
    ahead.delete(opening);
  }

  return {
    open(isAhead, timeoutMs) {
      const opening = open(timeoutMs);
      all.add(opening);
      if (isAhead) ahead.add(opening);
      return opening.socket.finally(() => forget(opening));
    },
    abortAhead() {
      const [first] = ahead;
      if (!first) return;
      forget(first);
      first.abort();
    },
    count: () => ({ all: all.size, ahead: ahead.size }),
    async [Symbol.asyncDispose]() {
      for (const opening of all) opening.abort();
      await Promise.allSettled([...all].map(({ socket }) => socket));
    },
  };
}
