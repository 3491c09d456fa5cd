/**
 * Counts events per key in fixed windows: in memory, or in Redis for all replicas together.
 *
 * Redis dead or hung means an exact limit per replica, neither an outage nor no limit: after a failure it is left alone for
 * five seconds and then tried by one request, so that a hang costs its time limit once. Keys are keyed hashes: nobody can read ids out of Redis.
 */

import { createHmac } from "node:crypto";
import type { Redis } from "ioredis";
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import { AppError } from "../errors.ts";
import type { Secret } from "../secret.ts";
import type { RateLimit } from "../session/settings.ts";

export type RateLimiter = {
  /** Counts one event. Throws `rate_limited` where it is one too many. */
  take(key: string): Promise<Allowance>;
  /** Throws `rate_limited` where the next event would be one too many; counts nothing. */
  check(key: string): Promise<void>;
};

export type Allowance = { remaining: number; resetSeconds: number };

export type RateLimiterOptions = {
  /** Stands in the keys; several limiters share one store. */
  name: string;
  limit: RateLimit;
  keySecret: Secret;
  /** Else memory. */
  redis?: Redis | undefined;
  /** A request was refused. */
  onRefusal?: () => void;
  /** Redis did not answer: this process counts for itself for a while. */
  onStoreFailure?: () => void;
  /** Milliseconds of a clock that never goes back. */
  now?: () => number;
};

const DISTRUST_MS = 5000;

export function createRateLimiter(options: RateLimiterOptions): RateLimiter {
  const { name, limit, keySecret, redis, now = () => performance.now() } = options;
  const { onRefusal, onStoreFailure } = options;
  const rules = {
    points: limit.events,
    duration: limit.windowMs / 1000,
    keyPrefix: `mx-session-bff:${name}`,
  };
  const local = new RateLimiterMemory(rules);
  const shared =
    redis && new RateLimiterRedis({ ...rules, storeClient: redis, rejectIfRedisNotReady: true });
  let distrustedUntil: number | undefined;

  /** `ask` rejects with a result where the limit is reached, and with an error where the store fails. */
  function askStore<T>(key: string, ask: Ask<T>): Promise<T> {
    const isDistrusted = distrustedUntil !== undefined && now() < distrustedUntil;
    return shared && !isDistrusted ? askShared(shared, key, ask) : ask(local, key);
  }

  async function askShared<T>(store: RateLimiterRedis, key: string, ask: Ask<T>): Promise<T> {
    if (distrustedUntil !== undefined) distrustedUntil = now() + DISTRUST_MS; // One tries; the others do not wait for it.
    try {
      const result = await ask(store, toSharedKey(key));
      distrustedUntil = undefined;
      return result;
    } catch (refusal) {
      const isAnswer = refusal instanceof RateLimiterRes;
      distrustedUntil = isAnswer ? undefined : now() + DISTRUST_MS;
      if (isAnswer) throw refusal;
      onStoreFailure?.();
      return ask(local, key);
    }
  }

  function refuse(result: RateLimiterRes): AppError {
    onRefusal?.();
    return limited(result);
  }

  const toSharedKey = (key: string) =>
    createHmac("sha256", keySecret.reveal()).update(`rate-limit\0${key}`).digest("base64url");

  return {
    async take(key) {
      try {
        const { remainingPoints, msBeforeNext } = await askStore(key, consume);
        return { remaining: remainingPoints, resetSeconds: toSeconds(msBeforeNext) };
      } catch (refusal) {
        throw refusal instanceof RateLimiterRes ? refuse(refusal) : refusal;
      }
    },
    async check(key) {
      const result = await askStore(key, get);
      if (result && result.consumedPoints >= limit.events) throw refuse(result);
    },
  };
}

type Ask<T> = (store: RateLimiterMemory | RateLimiterRedis, key: string) => Promise<T>;

const consume: Ask<RateLimiterRes> = (store, key) => store.consume(key);
const get: Ask<RateLimiterRes | null> = (store, key) => store.get(key);

function limited({ msBeforeNext }: RateLimiterRes): AppError {
  const retryAfterSeconds = toSeconds(msBeforeNext);
  return new AppError("rate_limited", `Too many requests. Try again in ${retryAfterSeconds} s.`, {
    retryAfterSeconds,
  });
}

/** Rounded up: who waits that long gets through. */
function toSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}
