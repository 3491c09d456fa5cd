/** The simulator's clock: the base clock, plus what was skipped by hand. */

export type Clock = {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Skips time. Nothing waits for it: URLs expire, new Users become visible. */
  advance(ms: number): void;
};

export function createClock(base: () => number): Clock {
  let skippedMs = 0;
  return {
    now: () => base() + skippedMs,
    advance(ms) {
      skippedMs += ms;
    },
  };
}
