import { describe, expect, it } from "vitest";
import { loadConfig } from "../../../src/config/load.ts";
import type { Environment } from "../../../src/config/types.ts";
import { faultsOf, GOOD } from "./support.ts";

const redisOf = (environment: Environment) => {
  const { redis } = loadConfig({ ...GOOD, ...environment }).rateLimits;
  return redis && { ...redis, password: redis.password?.reveal() };
};

const DEFAULTS = {
  mode: "single",
  socket: undefined,
  isTls: false,
  username: undefined,
  password: undefined,
  database: 0,
  sentinelMaster: undefined,
  timeoutMs: 100,
};
const CLUSTER = { REDIS_MODE: "cluster" };
const SENTINEL = { REDIS_MODE: "sentinel", REDIS_SENTINEL_MASTER: "bff" };

describe("REDIS_URL", () => {
  it.each<[string, Environment, object]>([
    ["redis://redis", {}, { nodes: [{ host: "redis", port: 6379 }] }],
    ["redis://10.0.0.7:6380/2", {}, { nodes: [{ host: "10.0.0.7", port: 6380 }], database: 2 }],
    ["redis://[fd00::1]:6380/", {}, { nodes: [{ host: "fd00::1", port: 6380 }] }],
    ["rediss://redis:6380", {}, { nodes: [{ host: "redis", port: 6380 }], isTls: true }],
    [
      "redis://:p%40ss%2Cword@redis",
      {},
      { nodes: [{ host: "redis", port: 6379 }], password: "p@ss,word" },
    ],
    [
      "rediss://bff:p%2Fw@redis/1",
      {},
      {
        nodes: [{ host: "redis", port: 6379 }],
        isTls: true,
        username: "bff",
        password: "p/w",
        database: 1,
      },
    ],
    ["unix:///run/redis.sock", {}, { nodes: [], socket: "/run/redis.sock" }],
    [
      "unix://bff:pw@localhost/run/redis.sock?db=3",
      {},
      { nodes: [], socket: "/run/redis.sock", username: "bff", password: "pw", database: 3 },
    ],
    [
      "redis://a:1,redis://b:2, redis://c:3",
      CLUSTER,
      {
        mode: "cluster",
        nodes: [
          { host: "a", port: 1 },
          { host: "b", port: 2 },
          { host: "c", port: 3 },
        ],
      },
    ],
    [
      "rediss://u:p@a:1,b:2,c",
      CLUSTER,
      {
        mode: "cluster",
        nodes: [
          { host: "a", port: 1 },
          { host: "b", port: 2 },
          { host: "c", port: 6379 },
        ],
        isTls: true,
        username: "u",
        password: "p",
      },
    ],
    ["redis://a", CLUSTER, { mode: "cluster", nodes: [{ host: "a", port: 6379 }] }],
    [
      "redis://:pw@s1:26379/1,s2:26379",
      SENTINEL,
      {
        mode: "sentinel",
        sentinelMaster: "bff",
        nodes: [
          { host: "s1", port: 26379 },
          { host: "s2", port: 26379 },
        ],
        password: "pw",
        database: 1,
      },
    ],
  ])("%s is understood", (url, more, redis) => {
    expect(redisOf({ REDIS_URL: url, ...more })).toEqual({ ...DEFAULTS, ...redis });
  });

  it.each<[string, Environment, RegExp]>([
    ["redis:/host", {}, /^REDIS_URL must be redis:\/\//],
    ["host:6379", {}, /^REDIS_URL must be redis:\/\//],
    ["http://host", {}, /^REDIS_URL must be redis:\/\//],
    ["redis+sentinel://host", {}, /^REDIS_URL must be redis:\/\//],
    ["redis://host/one", {}, /^REDIS_URL must be redis:\/\//],
    ["redis://host?db=1", {}, /^REDIS_URL must be redis:\/\//],
    ["unix:relative.sock", {}, /^REDIS_URL must be redis:\/\//],
    ["unix://elsewhere/run/redis.sock", {}, /^REDIS_URL must be redis:\/\//],
    ["redis://:pa,ss@host", {}, /^REDIS_URL must be redis:\/\/.*percent-encoded/],
    ["redis://a,http://b", CLUSTER, /^REDIS_URL must be redis:\/\//],
    ["redis://169.254.169.254", {}, /^REDIS_URL must not be a link-local/],
    ["redis://a,redis://169.254.169.254", CLUSTER, /^REDIS_URL must not be a link-local/],
    ["redis://a,rediss://b", CLUSTER, /^REDIS_URL must have the same scheme/],
    ["redis://:one@a,redis://:two@b", CLUSTER, /^REDIS_URL must have the same/],
    ["redis://a,redis://b", {}, /^REDIS_URL has several servers: set REDIS_MODE/],
    ["redis://a/1", CLUSTER, /^REDIS_URL must not have a database/],
    ["unix:///run/redis.sock", CLUSTER, /^REDIS_URL must not be a socket/],
    ["unix:///run/redis.sock", SENTINEL, /^REDIS_URL must not be a socket/],
    ["redis://a", { REDIS_MODE: "sentinel" }, /^REDIS_SENTINEL_MASTER is missing/],
    ["redis://a", { REDIS_SENTINEL_MASTER: "bff" }, /^REDIS_SENTINEL_MASTER has no effect/],
    [
      "redis://a",
      { ...SENTINEL, REDIS_SENTINEL_MASTER: "a b" },
      /^REDIS_SENTINEL_MASTER must have letters/,
    ],
    [
      "redis://a",
      { REDIS_MODE: "replicated" },
      /^REDIS_MODE must be one of single, cluster, sentinel/,
    ],
    ["", CLUSTER, /^REDIS_MODE has no effect without REDIS_URL/],
    ["redis://a", { REDIS_TIMEOUT: "9ms" }, /^REDIS_TIMEOUT must be a duration.* from 10ms to 2s/],
    [
      "redis://a",
      { REDIS_TIMEOUT: "2001ms", REQUEST_DEADLINE: "60s" },
      /^REDIS_TIMEOUT must be a duration/,
    ],
    [
      "redis://a",
      { REDIS_TIMEOUT: "801ms" },
      /^REDIS_TIMEOUT must be at most a tenth of REQUEST_DEADLINE, here 800ms/,
    ],
  ])("%s with %j is a fault", (url, more, fault) => {
    expect(faultsOf({ ...GOOD, REDIS_URL: url, ...more })).toEqual([expect.stringMatching(fault)]);
  });

  it.each([
    ["10ms", "1s", 10],
    ["100ms", "1s", 100],
    ["2s", "20s", 2000],
  ])("may be waited for %s with a deadline of %s", (timeout, deadline, timeoutMs) => {
    const environment = {
      REDIS_URL: "redis://a",
      REDIS_TIMEOUT: timeout,
      REQUEST_DEADLINE: deadline,
    };
    expect(redisOf(environment)).toMatchObject({ timeoutMs });
  });

  it("prints no password", () => {
    const config = loadConfig({ ...GOOD, REDIS_URL: "redis://bff:canary@redis" });
    expect(JSON.stringify(config)).not.toContain("canary");
  });
});
