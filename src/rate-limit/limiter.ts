/**
 * Counts events per key in fixed windows: in memory, or in Redis for all replicas together.
 *
 * While Redis does not answer (shared-store.ts), each replica counts for itself: neither an outage nor no limit. Keys are
 * keyed hashes, so ids cannot be read from Redis.
 */

import { createHmac } from "node:crypto";
import RateLimiterMemory from "rate-limiter-flexible/lib/RateLimiterMemory.js";
import RateLimiterRedis from "rate-limiter-flexible/lib/RateLimiterRedis.js";
import RateLimiterRes from "rate-limiter-flexible/lib/RateLimiterRes.js";
import { AppError } from "../errors.ts";
import type { Secret } from "../secret.ts";
import type { RateLimit } from "../session/settings.ts";
import type { RedisClient } from "./redis.ts";
import type { SharedStore } from "./shared-store.ts";

export type RateLimiterOptions = {
  /** Stands in the keys; several limiters share one store. */
  name: string;
  limit: RateLimit;
  keySecret: Secret;
  /** Without it, memory. */
  store?: SharedStore | undefined;
  /** A request was refused. */
  onRefusal?: () => void;
  /** Redis did not answer: this process counts for itself for a while. */
  onStoreFailure?: () => void;
};

export function createRateLimiter(options: RateLimiterOptions) {
  const { name, limit, keySecret, store, onRefusal, onStoreFailure } = options;
  const rules = {
    points: limit.events,
    duration: limit.windowMs / 1000,
    keyPrefix: `mx-session-bff:${name}`,
  };
  const local = new RateLimiterMemory(rules);
  const shared =
    store &&
    new RateLimiterRedis({ ...rules, storeClient: store.client, rejectIfRedisNotReady: true });

  /** `ask` rejects with a result where the limit is reached, and with an error where the store fails. */
  async function askStore<T>(key: string, ask: Ask<T>): Promise<T> {
    if (!store || !shared || !store.isTrusted()) return ask(local, key);
    try {
      return await store.run(() => ask(shared, toSharedKey(key)));
    } catch (refusal) {
      if (refusal instanceof RateLimiterRes) throw refusal;
      onStoreFailure?.();
      return ask(local, key);
    }
  }

  function refuse(result: RateLimiterRes): AppError {
    onRefusal?.();
    const retryAfterSeconds = toSeconds(result);
    const message = `Too many requests. Try again in ${retryAfterSeconds} s.`;
    return new AppError("rate_limited", message, { retryAfterSeconds });
  }

  /** Rounded up, so that a caller who waits that long gets through. A system clock that was set back makes no window longer. */
  function toSeconds({ msBeforeNext }: RateLimiterRes): number {
    return Math.max(1, Math.ceil(Math.min(msBeforeNext, limit.windowMs) / 1000));
  }

  const toSharedKey = (key: string) =>
    createHmac("sha256", keySecret.reveal()).update(`rate-limit\0${key}`).digest("base64url");

  return {
    /** Counts one event. Throws `rate_limited` where it is one too many. */
    async take(key: string) {
      try {
        const result = await askStore(key, consume);
        return { remaining: result.remainingPoints, resetSeconds: toSeconds(result) };
      } catch (refusal) {
        throw refusal instanceof RateLimiterRes ? refuse(refusal) : refusal;
      }
    },
    /** Throws `rate_limited` where the next event would be one too many; counts nothing. */
    async check(key: string) {
      const result = await askStore(key, get);
      if (result && result.consumedPoints >= limit.events) throw refuse(result);
    },
  };
}

type Ask<T> = (store: RateLimiterMemory | RateLimiterRedis, key: string) => Promise<T>;

const consume: Ask<RateLimiterRes> = (store, key) => store.consume(key);
const get: Ask<RateLimiterRes | null> = (store, key) => store.get(key);

/** Counts one event under a key of its own that ends after a second, for a check. Rejects where Redis does not count. */
export async function countOnce(client: RedisClient): Promise<void> {
  const limiter = new RateLimiterRedis({
    storeClient: client,
    keyPrefix: "mx-session-bff:check",
    points: 1_000_000,
    duration: 1,
    rejectIfRedisNotReady: true,
  });
  await limiter.consume("check");
}
