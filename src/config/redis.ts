/** REDIS_URL and what belongs to it -> where replicas count together. */

import type { RedisSettings } from "../session/settings.ts";
import type { Faults } from "./faults.ts";
import { parseRedisUrl } from "./redis-url.ts";
import type { Variables } from "./variables.ts";

export function toRedis(v: Variables, faults: Faults): RedisSettings | undefined {
  const { REDIS_MODE: mode, REDIS_SENTINEL_MASTER: sentinelMaster, REDIS_TIMEOUT: timeoutMs } = v;
  const address = v.REDIS_URL && parseRedisUrl(v.REDIS_URL.reveal());
  if (!address || typeof address === "string") {
    if (!faults.has("REDIS_URL")) reportUseless(v, faults);
    return undefined;
  }
  if (mode === "single" && address.nodes.length > 1)
    faults.add("REDIS_URL", "has several servers: set REDIS_MODE=cluster or REDIS_MODE=sentinel");
  if (mode !== "single" && address.socket)
    faults.add("REDIS_URL", `must not be a socket with REDIS_MODE=${mode}`);
  if (mode === "cluster" && address.database > 0)
    faults.add("REDIS_URL", "must not have a database: a cluster has only 0");
  if (mode === "sentinel" && !sentinelMaster && !faults.has("REDIS_SENTINEL_MASTER"))
    faults.add("REDIS_SENTINEL_MASTER", "is missing: REDIS_MODE=sentinel needs it");
  if (mode !== "sentinel" && sentinelMaster)
    faults.add("REDIS_SENTINEL_MASTER", "has no effect without REDIS_MODE=sentinel");
  if (timeoutMs > v.REQUEST_DEADLINE / 10)
    faults.add(
      "REDIS_TIMEOUT",
      `must be at most a tenth of REQUEST_DEADLINE, here ${Math.floor(v.REQUEST_DEADLINE / 10)}ms`,
    );
  return { ...address, mode, sentinelMaster, timeoutMs };
}

function reportUseless(v: Variables, faults: Faults): void {
  if (v.REDIS_MODE !== "single") faults.add("REDIS_MODE", "has no effect without REDIS_URL");
  if (v.REDIS_SENTINEL_MASTER)
    faults.add("REDIS_SENTINEL_MASTER", "has no effect without REDIS_URL");
}
