/** The store that replicas share for rate limits. Only a service with REDIS_URL loads its client. */

import { Redis } from "ioredis";
import type { Secret } from "../secret.ts";

const COMMAND_TIMEOUT_MS = 100;

/** A connection that fails fast: no queue while Redis is away, and an answer within 100 ms or none. */
export function createRedis(url: Secret): Redis & AsyncDisposable {
  const redis = new Redis(url.reveal(), {
    commandTimeout: COMMAND_TIMEOUT_MS,
    connectTimeout: 1000,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(100 * 2 ** attempt, 2000),
  });
  redis.on("error", () => {}); // Its text can hold the URL. The limiter goes on without it.
  return Object.assign(redis, {
    async [Symbol.asyncDispose]() {
      redis.disconnect();
    },
  });
}
