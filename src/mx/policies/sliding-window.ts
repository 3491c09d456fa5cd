/**
 * How often something happened in the last ten seconds, in steps of one second.
 */

export type SlidingWindow<Event extends string> = {
  add(event: Event): void;
  count(event: Event): number;
  clear(): void;
};

const WINDOW_SECONDS = 10;

/** `now`: milliseconds of a clock that never goes back. */
export function createSlidingWindow<Event extends string>(now: () => number): SlidingWindow<Event> {
  type Second = { at: number; counts: Map<Event, number> };
  let seconds: Second[] = [];

  /** Drops what is too old. */
  function recent(): Second[] {
    const at = Math.floor(now() / 1000);
    if (seconds[0] && seconds[0].at <= at - WINDOW_SECONDS) {
      seconds = seconds.filter((second) => second.at > at - WINDOW_SECONDS);
    }
    return seconds;
  }

  return {
    add(event) {
      const at = Math.floor(now() / 1000);
      let current = recent().at(-1);
      if (current?.at !== at) {
        current = { at, counts: new Map() };
        seconds.push(current);
      }
      current.counts.set(event, (current.counts.get(event) ?? 0) + 1);
    },
    count: (event) => recent().reduce((sum, { counts }) => sum + (counts.get(event) ?? 0), 0),
    clear() {
      seconds = [];
    },
  };
}
