/** The configured limits, wired. They share one store where there is one. */

import type { Config } from "../config/types.ts";
import type { RateLimits } from "../http/rate-limit.ts";
import { createRateLimiter } from "../rate-limit/limiter.ts";
import type { SharedStore } from "../rate-limit/shared-store.ts";
import type { RateLimit, RedisSettings } from "../session/settings.ts";
import type { Logger } from "../telemetry/logger.ts";
import { deriveKey } from "./deployment-keys.ts";
import type { Metrics } from "./metrics.ts";

export type RateLimitParts = { metrics: Metrics; logger: Logger; parts: AsyncDisposableStack };

export async function createRateLimits(
  config: Config,
  { metrics, logger, parts }: RateLimitParts,
): Promise<RateLimits> {
  const { user, address, failures, redis } = config.rateLimits;
  const store = redis && parts.use(await openStore(redis, logger));
  const keySecret = deriveKey(config, "rate-limit");
  const limiter = (name: string, limit: RateLimit | undefined) =>
    limit && createRateLimiter({ name, limit, store, keySecret, ...metrics.rateLimit(name) });
  return {
    user: limiter("user", user),
    address: limiter("address", address),
    failures: limiter("failures", failures),
  };
}

/** Only a service with REDIS_URL loads the client. */
async function openStore(settings: RedisSettings, logger: Logger): Promise<SharedStore> {
  const { createSharedStore } = await import("../rate-limit/shared-store.ts");
  return createSharedStore(settings, {
    onProblem: (problem) => logger.redis("failed", problem),
    onRecovery: () => logger.redis("recovered"),
  });
}
