/**
 * The client of Redis or Valkey: a single server, a cluster, or one that sentinels name. Only a service with REDIS_URL loads it.
 *
 * It fails fast: no queue while Redis is away, and an answer in time or none. It asks for no INFO, which an ACL may forbid.
 */

import { Cluster, Redis } from "ioredis";
import type { RedisProblem, RedisSettings } from "../session/settings.ts";
import { toRedisProblem } from "./redis-problem.ts";

export type RedisClient = Redis | Cluster;

export type RedisEvents = {
  /** It can be asked (again). */
  onReady?: () => void;
  /** It cannot be asked, or not as configured. The error's text can hold the URL. */
  onProblem?: (problem: RedisProblem, error?: unknown) => void;
};

const CONNECT_TIMEOUT_MS = 1000;
const MAX_PAUSE_MS = 2000;
const SLOTS_REFRESH_MS = 5000;

/** Connects at once. */
export function createRedis(
  settings: RedisSettings,
  events: RedisEvents = {},
): RedisClient & AsyncDisposable {
  const { onReady, onProblem } = events;
  const redis = settings.mode === "cluster" ? toCluster(settings) : toServer(settings);
  redis.on("error", (error) => onProblem?.(toRedisProblem(error) ?? "unreachable", error));
  redis.on("ready", () => {
    onReady?.();
    void findMode(redis).then((mode) => {
      if (mode !== undefined && mode !== EXPECTED[settings.mode]) onProblem?.("wrong_mode");
    });
  });
  let isDisposed = false;
  redis.on("end", () => {
    if (!isDisposed) void setTimeout(() => redis.connect().catch(() => {}), MAX_PAUSE_MS).unref();
  });
  return Object.assign(redis, {
    async [Symbol.asyncDispose]() {
      isDisposed = true;
      redis.disconnect();
    },
  });
}

function toServer(settings: RedisSettings): Redis {
  const { mode, nodes, socket, sentinelMaster, isTls, password, database } = settings;
  const common = {
    ...toCommon(settings),
    db: database,
    enableOfflineQueue: false,
    retryStrategy: toPause,
  };
  const [server] = nodes;
  if (mode === "single" && socket !== undefined) return new Redis(socket, common);
  if (mode === "single") return new Redis({ ...common, ...server });
  return new Redis({
    ...common,
    sentinels: [...nodes],
    name: sentinelMaster ?? "",
    ...(password && { sentinelPassword: password.reveal() }),
    ...(isTls && { enableTLSForSentinelMode: true, sentinelTLS: {} }),
    sentinelCommandTimeout: CONNECT_TIMEOUT_MS,
    sentinelRetryStrategy: toPause,
  });
}

function toCluster(settings: RedisSettings): Cluster {
  const cluster = new Cluster([...settings.nodes], {
    redisOptions: toCommon(settings),
    enableOfflineQueue: false,
    enableReadyCheck: false,
    lazyConnect: true,
    clusterRetryStrategy: toPause,
    slotsRefreshInterval: SLOTS_REFRESH_MS, // A master that hangs is replaced without an error that would tell.
    dnsLookup: (address, done) => done(null, address), // Certificates are made for names.
  });
  // It would only subscribe, and print what an ACL forbids. ioredis has no option to leave it out.
  Object.assign(Reflect.get(cluster, "subscriber"), { start: () => {} });
  cluster.connect().catch(() => {}); // Told by the event.
  return cluster;
}

function toCommon(settings: RedisSettings) {
  const { username, password, isTls, timeoutMs } = settings;
  return {
    ...(username && { username }),
    ...(password && { password: password.reveal() }),
    ...(isTls && { tls: {} }),
    commandTimeout: timeoutMs,
    connectTimeout: CONNECT_TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    disableClientInfo: true,
  };
}

function toPause(attempt: number): number {
  return Math.min(100 * 2 ** attempt, MAX_PAUSE_MS);
}

const EXPECTED = { single: "standalone", cluster: "cluster", sentinel: "standalone" } as const;

/** What the server says that it is: `standalone`, `cluster` or `sentinel`; `undefined` before Redis 6. */
export async function findMode(redis: RedisClient): Promise<string | undefined> {
  try {
    const answer: unknown = await redis.call("HELLO");
    const fields = Array.isArray(answer) ? answer : Object.entries(Object(answer)).flat();
    const mode: unknown = fields[fields.indexOf("mode") + 1];
    return typeof mode === "string" ? mode : undefined;
  } catch {
    return undefined;
  }
}
