/**
 * What limits are made of: how many may work at once, how many may wait and for how long, how often something happened lately,
 * and how long one call may take.
 */

/** How long one call to an upstream may take, by what a whole request may take. `--check` uses the same. */
export type Limits = {
  /** For the name, the tunnel and the handshakes together. */
  connectTimeoutMs: number;
  /** For one attempt, connecting included; less where the request has less left. */
  attemptMs: number;
};

const MIN_CONNECT_MS = 1000;
const MIN_ATTEMPT_MS = 3000;

export function toLimits(requestDeadlineMs: number): Limits {
  return {
    connectTimeoutMs: Math.max(MIN_CONNECT_MS, Math.floor(requestDeadlineMs / 3)),
    attemptMs: Math.max(MIN_ATTEMPT_MS, Math.floor(requestDeadlineMs / 2)),
  };
}

type SemaphoreOptions = {
  /** How many may hold a place at once. */
  limit: number;
  /** How many may wait for a place. Default: no bound. */
  maxWaiting?: number;
  /** How long each may wait, in milliseconds. Default: no bound. */
  maxWaitMs?: number;
};

/** `full`: too many wait already. `timeout`: no place became free in time. Neither holds a place. */
type Acquisition = "acquired" | "full" | "timeout";

export function createSemaphore(options: SemaphoreOptions) {
  const { limit, maxWaiting = Number.POSITIVE_INFINITY } = options;
  const { maxWaitMs = Number.POSITIVE_INFINITY } = options;
  /** In the order of arrival; calling one gives it the place. */
  const waiting = new Set<() => void>();
  let inUse = 0;

  function waitForTurn(timeoutMs: number): Promise<Acquisition> {
    const { promise, resolve } = Promise.withResolvers<Acquisition>();
    const take = () => {
      clearTimeout(timer);
      resolve("acquired");
    };
    const giveUp = () => {
      waiting.delete(take);
      resolve("timeout");
    };
    const timer = Number.isFinite(timeoutMs) ? setTimeout(giveUp, timeoutMs) : undefined;
    waiting.add(take);
    return promise;
  }

  return {
    /**
     * Takes a place, in the order of arrival. Every `acquired` must be followed by one `release()`.
     *
     * `timeoutMs` is how long the caller can wait; `maxWaitMs` limits it. A caller that cannot wait (0) still gets a free place.
     */
    async acquire(timeoutMs = maxWaitMs): Promise<Acquisition> {
      if (inUse < limit) {
        inUse += 1;
        return "acquired";
      }
      if (waiting.size >= maxWaiting) return "full";
      return waitForTurn(Math.max(0, Math.min(timeoutMs, maxWaitMs)));
    },
    /** Hands the place to the one that has waited longest. */
    release() {
      const [next] = waiting;
      if (next) {
        waiting.delete(next);
        next();
      } else inUse -= 1;
    },
    state: () => ({ inUse, waiting: waiting.size }),
  };
}

/** The result of `work`, or the error from `toError` after `timeoutMs`. The work itself goes on: others may share it. */
export async function withTimeout<T>(
  work: Promise<T>,
  timeoutMs: number,
  toError: () => Error,
): Promise<T> {
  const { promise: expired, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(toError()), timeoutMs);
  try {
    return await Promise.race([work, expired]);
  } finally {
    clearTimeout(timer);
  }
}

const WINDOW_SECONDS = 10;

/**
 * How often something happened in the last ten seconds, in steps of one second. `now`: milliseconds of a clock that never goes
 * back.
 */
export function createSlidingWindow<Event extends string>(now: () => number) {
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
    add(event: Event) {
      const at = Math.floor(now() / 1000);
      let current = recent().at(-1);
      if (current?.at !== at) {
        current = { at, counts: new Map() };
        seconds.push(current);
      }
      current.counts.set(event, (current.counts.get(event) ?? 0) + 1);
    },
    count: (event: Event) =>
      recent().reduce((sum, { counts }) => sum + (counts.get(event) ?? 0), 0),
    clear() {
      seconds = [];
    },
  };
}
