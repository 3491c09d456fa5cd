/**
 * The client of Redis or Valkey, and what its errors mean: a single server, a cluster, or one that sentinels name. Only a
 * service with REDIS_URL loads it.
 *
 * It fails fast: no queue while Redis is away, and an answer in time or none. It does not use INFO, which an ACL may forbid.
 * Sources: Redis, "Redis serialization protocol specification", simple errors; ioredis for the client's own errors.
 */

import { Cluster, Redis } from "ioredis";
import type { RedisProblem, RedisSettings } from "../session/settings.ts";

export type RedisClient = Redis | Cluster;

type RedisEvents = {
  /** It can be used (again). */
  onReady?: () => void;
  /** It cannot be used, or not as configured. The error's text can contain the URL. */
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
  redis.on("error", (error) => {
    onProblem?.(toRedisProblem(error) ?? "unreachable", error);
    if (isOfSelect(error)) redis.disconnect(); // ioredis would count in database 0, which may be another program's.
  });
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
    slotsRefreshInterval: SLOTS_REFRESH_MS, // The replacement of a master that hangs causes no error.
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

/** The database of REDIS_URL was refused. */
function isOfSelect(error: unknown): boolean {
  return Object(Reflect.get(Object(error), "command")).name === "select";
}

const WORDS: readonly (readonly [RegExp, RedisProblem])[] = [
  [/\bLOADING\b/, "loading"],
  [/\bOOM\b/, "out_of_memory"],
  [/\bREADONLY\b/, "read_only"],
  [/\bMISCONF\b/, "cannot_persist"],
  [/\bNOPERM\b/, "not_permitted"],
  [/\b(WRONGPASS|NOAUTH)\b|invalid (username-)?password|\bERR AUTH\b/, "credentials_refused"],
  [/^(MOVED|ASK|CROSSSLOT) |cluster support disabled/, "wrong_mode"],
  [/unknown (sub)?command/i, "wrong_mode"], // Sentinels know few; servers know neither those of sentinels nor of clusters.
  [
    /\b(CLUSTERDOWN|MASTERDOWN|TRYAGAIN|NOREPLICAS)\b|Too many Cluster redirections/,
    "cluster_down",
  ],
  [/\bDB index\b/i, "unknown_database"],
  [/max number of clients/, "too_many_clients"],
  [/timed out|ETIMEDOUT/i, "timeout"],
  [/\b(ECONN[A-Z]+|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)\b/, "unreachable"],
  [/\bNo such master\b/, "unknown_master"],
  [/\bConnection is closed\b/, "unreachable"],
  [/^All sentinels are unreachable\. Retrying from scratch after \d+ms\.$/, "unknown_master"], // They answered, with nothing.
];

/**
 * What an error means, the errors that ioredis wraps included. Their messages can hold names and addresses, so only this word goes
 * any further. The first word of an error is stable, but scripts put others before it.
 */
export function toRedisProblem(error: unknown): RedisProblem | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("lastNodeError" in error && error.lastNodeError instanceof Error)
    return toRedisProblem(error.lastNodeError);
  const word = WORDS.find(([pattern]) => pattern.test(error.message));
  if (word) return word[1];
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (/CERT|SELF_SIGNED|UNABLE_TO|ERR_SSL|ERR_TLS/.test(code)) return "tls_error";
  if (/^(ECONN|ENOTFOUND|EAI_|EHOST|ENET|ENOENT|EACCES|EPIPE)/.test(code)) return "unreachable";
  return undefined;
}
