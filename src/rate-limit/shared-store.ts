/**
 * Redis as a store that may fail: after a failure it gets no commands for five seconds.
 *
 * If it is down or hangs, only one request waits for its time limit: after the pause one request tries, and the others do not
 * wait for it. Several limiters share one store, and so its state.
 */

import RateLimiterRes from "rate-limiter-flexible/lib/RateLimiterRes.js";
import type { RedisProblem, RedisSettings } from "../session/settings.ts";
import { withTimeout } from "../upstream/limits.ts";
import { createRedis, type RedisClient, toRedisProblem } from "./redis.ts";

export type SharedStore = ReturnType<typeof createSharedStore>;

export type SharedStoreOptions = {
  /** Redis does not count: at most once a minute for each reason. */
  onProblem?: (problem: RedisProblem) => void;
  /** It counts again, after a problem that was told. */
  onRecovery?: () => void;
  /** Milliseconds of a clock that never goes back. */
  now?: () => number;
};

const PAUSE_MS = 5000;
const MIN_RECONNECT_MS = 1000;
const MAX_RECONNECT_MS = 30_000;
const REPEAT_MS = 60_000;

export function createSharedStore(settings: RedisSettings, options: SharedStoreOptions = {}) {
  const { onProblem, onRecovery, now = () => performance.now() } = options;
  let pausedUntil: number | undefined;
  const toldAt = new Map<RedisProblem, number>();
  let isToldToFail = false;
  /** Why there is no connection: without one, a command's error says only that there is none. */
  let connectionProblem: RedisProblem | undefined;
  /** Until the first connection stands or fails: a service that has just started has no problem with Redis. */
  let isStarting = true;

  const client = createRedis(settings, {
    onReady() {
      isStarting = false;
      connectionProblem = undefined;
      if (pausedUntil !== undefined) pausedUntil = now(); // Worth a try.
    },
    onProblem(problem) {
      isStarting = false;
      connectionProblem = problem;
      tell(problem);
    },
  });

  const reconnect = createReconnect(client, now);

  function tell(problem: RedisProblem): void {
    if (now() - (toldAt.get(problem) ?? Number.NEGATIVE_INFINITY) < REPEAT_MS) return;
    toldAt.set(problem, now());
    isToldToFail = true;
    onProblem?.(problem);
  }

  function answered(): void {
    pausedUntil = undefined;
    reconnect.reset();
    if (!isToldToFail || connectionProblem) return;
    isToldToFail = false;
    onRecovery?.();
  }

  return {
    client,
    /** False while it is left alone. */
    isTrusted: () => pausedUntil === undefined || now() >= pausedUntil,
    /** Rejects where it does not answer in time. A `RateLimiterRes` that `work` rejects with is an answer. */
    async run<T>(work: () => Promise<T>): Promise<T> {
      if (pausedUntil !== undefined) pausedUntil = now() + PAUSE_MS; // One tries; the others do not wait for it.
      try {
        const result = await withTimeout(work(), settings.timeoutMs, () => new Error("timed out"));
        answered();
        return result;
      } catch (error) {
        if (error instanceof RateLimiterRes) answered();
        else {
          const known = toRedisProblem(error) ?? connectionProblem;
          const problem = known ?? "unreachable";
          pausedUntil = now() + PAUSE_MS;
          if (known || !isStarting) tell(problem);
          const isStale = problem === "read_only" || problem === "timeout";
          if (isStale && reconnect.run()) connectionProblem = problem;
        }
        throw error;
      }
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

/**
 * After a failover, an open connection may lead to what is now a replica, or to a server that hangs. So it connects again, with a
 * growing pause. A cluster's client does so by itself.
 */
function createReconnect(client: RedisClient, now: () => number) {
  let pauseMs = MIN_RECONNECT_MS;
  let lastAt = Number.NEGATIVE_INFINITY;
  return {
    /** Whether it leaves the connection: what is in flight then fails. */
    run(): boolean {
      if (client.isCluster || client.status !== "ready" || now() - lastAt < pauseMs) return false;
      pauseMs = Math.min(2 * pauseMs, MAX_RECONNECT_MS);
      lastAt = now();
      client.disconnect(true);
      return true;
    },
    reset(): void {
      pauseMs = MIN_RECONNECT_MS;
    },
  };
}
