/** Idle connections: those that requests have used, and those that are kept ready. */

import type { Connection } from "./connection.ts";

export type Idle = {
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

export function createIdle(): Idle {
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
