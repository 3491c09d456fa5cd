/** Real Redis servers, as people run them: one, a cluster, a primary with replicas behind sentinels. On free ports of loopback. */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { parseRedisUrl } from "../../src/config/redis-url.ts";
import type { RedisSettings } from "../../src/session/settings.ts";
import { freePort } from "./free-port.ts";

export type RedisServer = AsyncDisposable & { port: number; process: ChildProcess };

/** Options as in redis.conf, `{ maxmemory: "1mb" }`. */
export type RedisOptions = Readonly<Record<string, string | readonly string[]>>;

/** One command; its answer as redis-cli prints it. */
export function ask(port: number, ...command: string[]): string {
  return spawnSync("redis-cli", ["-p", String(port), ...command])
    .stdout.toString()
    .trim();
}

/** One server, as the configuration has it. */
export function toSettings(url: string, timeoutMs: number): RedisSettings {
  const address = parseRedisUrl(url);
  if (typeof address === "string") throw new Error(address);
  return { ...address, mode: "single", sentinelMaster: undefined, timeoutMs };
}

async function startServer(
  options: RedisOptions = {},
  { port = 0, program = "redis-server" } = {},
): Promise<RedisServer> {
  const chosen = port || (await freePort());
  const folder = mkdtempSync(join(tmpdir(), "redis-"));
  const file = join(folder, "redis.conf");
  const all = { port: String(chosen), bind: "127.0.0.1", dir: folder, ...options };
  const lines = Object.entries(all).flatMap(([name, values]) =>
    [values].flat().map((value) => `${name} ${value === "" ? '""' : value}`),
  );
  writeFileSync(file, `${lines.join("\n")}\n`);
  const child = spawn(program, [file], { stdio: "ignore" });
  await expect.poll(() => ask(chosen, "ping")).toMatch(/PONG|NOAUTH|LOADING/);
  return {
    port: chosen,
    process: child,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGKILL");
        await once(child, "exit");
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const IN_MEMORY = { save: "", appendonly: "no" };

export const startSingle = (options: RedisOptions = {}, port = 0) =>
  startServer({ ...IN_MEMORY, ...options }, { port });

export type Topology = AsyncDisposable & {
  /** REDIS_URL and what goes with it. */
  environment: Record<string, string>;
  servers: readonly RedisServer[];
};

/** Three masters, and three replicas where one is to fail. */
export async function startCluster({ replicas = 0 } = {}): Promise<Topology> {
  await using parts = new AsyncDisposableStack();
  const servers: RedisServer[] = [];
  const options = { ...IN_MEMORY, "cluster-enabled": "yes", "cluster-node-timeout": "3000" };
  for (let index = 0; index < 3 + 3 * replicas; index += 1)
    servers.push(
      parts.use(await startServer({ ...options, "cluster-port": String(await freePort()) })),
    );
  const addresses = servers.map(({ port }) => `127.0.0.1:${port}`);
  const created = spawnSync(
    "redis-cli",
    ["--cluster", "create", ...addresses, "--cluster-replicas", String(replicas), "--cluster-yes"],
    { encoding: "utf8" },
  );
  expect(created.stdout).toContain("All 16384 slots covered");
  for (const { port } of servers) {
    await expect.poll(() => ask(port, "cluster", "info")).toContain("state:ok");
    await expect.poll(() => ask(port, "cluster", "nodes").split("\n").length).toBe(servers.length);
  }
  for (const { port } of servers.slice(3)) await expectReplica(port);
  const owned = parts.move();
  return {
    servers,
    environment: {
      REDIS_MODE: "cluster",
      REDIS_URL: addresses
        .slice(0, 3)
        .map((address) => `redis://${address}`)
        .join(","),
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

export const MASTER = "bff-primary";

/** A primary and a replica (`servers`), and three sentinels. */
export async function startSentinels(): Promise<Topology & { sentinels: readonly RedisServer[] }> {
  await using parts = new AsyncDisposableStack();
  const primary = parts.use(await startSingle());
  const replica = parts.use(await startSingle({ replicaof: `127.0.0.1 ${primary.port}` }));
  await expectReplica(replica.port);
  const sentinels: RedisServer[] = [];
  for (let index = 0; index < 3; index += 1) {
    const options = {
      sentinel: [
        `monitor ${MASTER} 127.0.0.1 ${primary.port} 2`,
        `down-after-milliseconds ${MASTER} 2000`,
        `failover-timeout ${MASTER} 10000`,
      ],
    };
    sentinels.push(parts.use(await startServer(options, { program: "redis-sentinel" })));
  }
  for (const { port } of sentinels)
    await expect
      .poll(() => ask(port, "sentinel", "master", MASTER))
      .toMatch(/num-slaves\n1\nnum-other-sentinels\n2\n/);
  const owned = parts.move();
  return {
    servers: [primary, replica],
    sentinels,
    environment: {
      REDIS_MODE: "sentinel",
      REDIS_SENTINEL_MASTER: MASTER,
      REDIS_URL: sentinels.map(({ port }) => `redis://127.0.0.1:${port}`).join(","),
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Only a replica that has its data can become the primary. */
async function expectReplica(port: number): Promise<void> {
  await expect.poll(() => ask(port, "info", "replication")).toContain("master_link_status:up");
}
