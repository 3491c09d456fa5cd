/** Sockets that are just being opened. */

import type { Socket } from "node:net";
import type { Open, Opening } from "./connect.ts";

export type Openings = AsyncDisposable & {
  /** Rejects with why it could not be opened. `isAhead`: no request waits for it. */
  open(isAhead: boolean, timeoutMs?: number): Promise<Socket>;
  /** Gives up the first one that no request waits for. */
  abortAhead(): void;
  count(): { all: number; ahead: number };
};

export function createOpenings(open: Open): Openings {
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
