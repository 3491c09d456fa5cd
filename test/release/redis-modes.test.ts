/**
 * One limit for three replicas, whatever way Redis is run in: a server, a cluster, behind sentinels; and while its primary dies.
 */

import { describe, expect, it } from "vitest";
import { isInstalled } from "../support/installed.ts";
import {
  ask,
  MASTER,
  type RedisServer,
  startCluster,
  startSentinels,
  startSingle,
  type Topology,
} from "../support/redis.ts";
import { type Started, start } from "../support/start.ts";

const LIMIT = 10;
const REPLICAS = 3;
/** So long that no busy machine takes Redis for dead. */
const PATIENT = { REDIS_TIMEOUT: "2s", REQUEST_DEADLINE: "20s" };

type Cluster = AsyncDisposable & {
  replicas: readonly Started[];
  /** Spread over the replicas, one after the other. */
  statuses(subject: string, times: number): Promise<number[]>;
  /** What the log says of Redis: state and reason. */
  log(): string[];
};

async function startReplicas(redis: Record<string, string>, window = "10m"): Promise<Cluster> {
  await using parts = new AsyncDisposableStack();
  const environment = { RATE_LIMIT_USER: `${LIMIT}/${window}`, ...PATIENT, ...redis };
  const first = parts.use(await start({ environment }));
  const shared = { mx: first.mx, issuer: first.issuer, environment };
  const replicas = [first, parts.use(await start(shared)), parts.use(await start(shared))];
  const owned = parts.move();
  return {
    replicas,
    async statuses(subject, times) {
      const statuses: number[] = [];
      for (let turn = 0; turn < times; turn += 1) {
        const response = await replicas[turn % REPLICAS]?.post(subject);
        statuses.push(response?.status ?? 0);
      }
      return statuses;
    },
    log: () =>
      replicas.flatMap(({ log }) =>
        log.flatMap((line) => {
          const { "event.name": event, "error.reason": reason } = JSON.parse(line);
          return String(event).startsWith("redis.") ? [`${event} ${reason ?? ""}`.trim()] : [];
        }),
      ),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const allowedOf = (statuses: readonly number[]) =>
  statuses.filter((status) => status === 200).length;
const refusedOf = (statuses: readonly number[]) =>
  statuses.filter((status) => status === 429).length;

/** Waits until all replicas count in Redis: a user's last requests are refused by each of them. */
async function expectExact(cluster: Cluster, prefix: string, users: number): Promise<void> {
  for (let index = 0; index < users; index += 1) {
    const statuses = await cluster.statuses(`${prefix}-${index}`, LIMIT + REPLICAS);
    expect([allowedOf(statuses), refusedOf(statuses)]).toEqual([LIMIT, REPLICAS]);
  }
}

/**
 * Until a user who is new to them gets exactly the limit. What the log has said until then: on a busy machine, a first
 * connection can take longer than the service waits.
 */
async function untilExact(cluster: Cluster): Promise<string[]> {
  let user = 0;
  const allowed = async () => {
    user += 1;
    return allowedOf(await cluster.statuses(`probe-${user}`, LIMIT + REPLICAS));
  };
  await expect.poll(allowed, { interval: 500 }).toBe(LIMIT);
  const start = cluster.log();
  expect(start).not.toContain("redis.failed wrong_mode");
  return start;
}

const hasRedis = isInstalled("redis-server") && isInstalled("redis-sentinel");

describe.skipIf(!hasRedis)("one limit for three replicas (skipped without redis-server)", () => {
  it("is exact with a single server", async () => {
    await using redis = await startSingle();
    await using cluster = await startReplicas({ REDIS_URL: `redis://127.0.0.1:${redis.port}` });
    const start = await untilExact(cluster);
    await expectExact(cluster, "user", 3);
    expect(cluster.log()).toEqual(start);
  });

  it("is exact over a Unix socket, with an ACL user who may not ask for INFO, in a database of its own", async () => {
    const folder = process.env.TMPDIR ?? "/tmp";
    const socket = `${folder}/bff-redis-${process.pid}.sock`;
    await using redis = await startSingle({
      unixsocket: socket,
      user: ["default off", "bff on >p@ss ~mx-session-bff:* +@read +@write +@scripting +select"],
    });
    const url = `unix://bff:p%40ss@localhost${socket}?db=3`;
    await using cluster = await startReplicas({ REDIS_URL: url });
    const start = await untilExact(cluster);
    await expectExact(cluster, "user", 2);
    expect(cluster.log()).toEqual(start);
    expect(redis.process.exitCode).toBeNull();
  });

  it("is exact in a cluster of three masters", async () => {
    await using redis = await startCluster();
    await using cluster = await startReplicas(redis.environment);
    const start = await untilExact(cluster);
    await expectExact(cluster, "user", 6);
    const keys = redis.servers.map(({ port }) => Number(ask(port, "dbsize")));
    expect(keys.filter((count) => count > 0).length).toBeGreaterThan(1); // On more than one node.
    expect(cluster.log()).toEqual(start);
  });

  it("is exact behind sentinels", async () => {
    await using redis = await startSentinels();
    await using cluster = await startReplicas(redis.environment);
    const start = await untilExact(cluster);
    await expectExact(cluster, "user", 3);
    expect(cluster.log()).toEqual(start);
  });
});

/** Asks for users in turn until it is stopped. */
function startLoad(cluster: Cluster, users: readonly string[]) {
  const answers: { subject: string; status: number }[] = [];
  let isOver = false;
  const done = (async () => {
    while (!isOver)
      for (const subject of users)
        for (const status of await cluster.statuses(subject, REPLICAS))
          answers.push({ subject, status });
  })();
  return {
    answers,
    async stop() {
      isOver = true;
      await done;
    },
  };
}

async function expectFailover(
  redis: Topology,
  victim: RedisServer,
  isOver: () => boolean,
): Promise<void> {
  await using cluster = await startReplicas(redis.environment);
  await untilExact(cluster);
  const users = ["ada", "grace", "joan", "mary"];
  for (const user of users) expect(allowedOf(await cluster.statuses(user, LIMIT))).toBe(LIMIT);

  const load = startLoad(cluster, users);
  victim.process.kill("SIGKILL");
  await expect.poll(isOver, { interval: 200 }).toBe(true);
  await untilExact(cluster);
  await load.stop();

  const failed = load.answers.filter(({ status }) => status !== 200 && status !== 429);
  expect(failed).toEqual([]);
  for (const user of users) {
    const more = load.answers.filter(({ subject, status }) => subject === user && status === 200);
    expect(more.length).toBeLessThanOrEqual(REPLICAS * LIMIT);
  }
  await expectExact(cluster, "afterwards", 4);
}

describe.skipIf(!hasRedis)("while the primary is killed (skipped without redis-server)", () => {
  it("no session fails, at most a limit per replica more is admitted, and then it is exact: sentinels", async () => {
    await using redis = await startSentinels();
    const [primary, replica] = redis.servers;
    if (!primary || !replica) throw new Error("no servers");
    const isOver = () => ask(replica.port, "role").startsWith("master");
    await expectFailover(redis, primary, isOver);
  }, 180_000);

  it("no session fails, at most a limit per replica more is admitted, and then it is exact: a cluster", async () => {
    await using redis = await startCluster({ replicas: 1 });
    const [victim, other] = redis.servers;
    if (!victim || !other) throw new Error("no servers");
    const isOver = () =>
      ask(other.port, "cluster", "info").includes("cluster_state:ok") &&
      ask(other.port, "cluster", "nodes")
        .split("\n")
        .some(
          (line) =>
            line.includes(`:${victim.port}@`) && line.includes("fail") && !/\d+-\d+$/.test(line),
        );
    await expectFailover(redis, victim, isOver);
  }, 180_000);

  it("a server that has become a replica behind an open connection is left for the one at its address", async () => {
    await using redis = await startSingle();
    await using cluster = await startReplicas({ REDIS_URL: `redis://127.0.0.1:${redis.port}` });
    await untilExact(cluster);

    ask(redis.port, "replicaof", "127.0.0.1", "1"); // Connections stay open; every write is refused.
    const during = await cluster.statuses("ada", REPLICAS * LIMIT + REPLICAS);
    expect([allowedOf(during), refusedOf(during)]).toEqual([REPLICAS * LIMIT, REPLICAS]);
    expect(new Set(cluster.log())).toEqual(new Set(["redis.failed read_only"]));

    ask(redis.port, "replicaof", "no", "one");
    await untilExact(cluster);
    await expectExact(cluster, "afterwards", 2);
    expect(cluster.log().at(-1)).toBe("redis.recovered");
  });
});

describe.skipIf(!hasRedis)("a mode that is not the servers' (skipped without redis-server)", () => {
  const reasonsOf = async (environment: Record<string, string>) => {
    await using service = await start({
      environment: { RATE_LIMIT_USER: `${LIMIT}/1m`, ...PATIENT, ...environment },
    });
    const events = () =>
      service.log.flatMap((line) => {
        const { "event.name": event, "error.reason": reason } = JSON.parse(line);
        return event === "redis.failed" ? [reason] : [];
      });
    await expect.poll(() => events().length).toBeGreaterThan(0);
    return events()[0];
  };

  it("is told in the log, for each", async () => {
    await using single = await startSingle();
    await using redis = await startSentinels();
    await using nodes = await startCluster();
    const at = ({ port }: { port: number }) => `redis://127.0.0.1:${port}`;
    const [node] = nodes.servers;
    const [sentinel] = redis.sentinels;
    if (!node || !sentinel) throw new Error("no servers");
    const asSentinel = { REDIS_MODE: "sentinel", REDIS_SENTINEL_MASTER: MASTER };

    expect(await reasonsOf({ REDIS_URL: at(node) })).toBe("wrong_mode");
    expect(await reasonsOf({ REDIS_URL: at(sentinel) })).toBe("wrong_mode");
    expect(await reasonsOf({ REDIS_URL: at(single), REDIS_MODE: "cluster" })).toBe("wrong_mode");
    expect(await reasonsOf({ REDIS_URL: at(sentinel), REDIS_MODE: "cluster" })).toBe("wrong_mode");
    expect(await reasonsOf({ REDIS_URL: at(single), ...asSentinel })).toBe("wrong_mode");
    expect(await reasonsOf({ REDIS_URL: at(node), ...asSentinel })).toBe("wrong_mode");
    const other = { ...asSentinel, REDIS_SENTINEL_MASTER: "nobody" };
    expect(await reasonsOf({ REDIS_URL: at(sentinel), ...other })).toBe("unknown_master");
  });
});
