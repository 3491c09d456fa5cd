/** The configured limits, wired. They share one store where there is one. */

import type { Config } from "../config/types.ts";
import type { RateLimits } from "../http/rate-limit.ts";
import { createRateLimiter } from "../rate-limit/limiter.ts";
import type { RateLimit } from "../session/settings.ts";
import { deriveKey } from "./deployment-keys.ts";
import type { Metrics } from "./metrics.ts";

export async function createRateLimits(
  config: Config,
  metrics: Metrics,
  parts: AsyncDisposableStack,
): Promise<RateLimits> {
  const { user, address, failures, redis: redisUrl } = config.rateLimits;
  const redis =
    redisUrl && parts.use((await import("../rate-limit/redis.ts")).createRedis(redisUrl));
  const keySecret = deriveKey(config, "rate-limit");
  const limiter = (name: string, limit: RateLimit | undefined) =>
    limit && createRateLimiter({ name, limit, redis, keySecret, ...metrics.rateLimit(name) });
  return {
    user: limiter("user", user),
    address: limiter("address", address),
    failures: limiter("failures", failures),
  };
}
