/** A server that has become a replica keeps its connections: the client comes again, with a growing pause. */

import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, expect, it, vi } from "vitest";
import { createRateLimiter } from "../../src/rate-limit/limiter.ts";
import { createSharedStore, type SharedStore } from "../../src/rate-limit/shared-store.ts";
import { createSecret } from "../../src/secret.ts";
import type { RedisProblem } from "../../src/session/settings.ts";
import { isInstalled } from "../support/installed.ts";
import { ask, startSingle, toSettings } from "../support/redis.ts";

/** Accepts everybody, and refuses or ignores each write. */
async function startReplica(answer: string | undefined) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.on("data", (data) => {
      for (const [, name = ""] of data.toString().matchAll(/\*\d+\r\n\$\d+\r\n(\w+)/g)) {
        const said = name.toUpperCase() === "HELLO" ? "*0" : answer;
        if (said !== undefined) socket.write(`${said}\r\n`);
      }
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    connections: () => sockets.length,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

const settingsFor = (port: number, timeoutMs: number) =>
  toSettings(`redis://127.0.0.1:${port}`, timeoutMs);

const limiterOf = (store: SharedStore) =>
  createRateLimiter({
    name: "test",
    limit: { events: 100_000, windowMs: 600_000 },
    keySecret: createSecret("k"),
    store,
  });

describe("a user who asks before the first connection stands is counted here", () => {
  it.each([
    ["tells nobody while it comes", true, []],
    ["tells why none comes", false, ["unreachable"]],
  ] as const)("%s", async (_what, isThere, told) => {
    await using replica = await startReplica("*2\r\n:1\r\n:600000");
    if (!isThere) await replica[Symbol.asyncDispose]();
    const events: string[] = [];
    await using store = createSharedStore(settingsFor(replica.port, 2000), {
      onProblem: (problem) => void events.push(problem),
      onRecovery: () => void events.push("recovered"),
    });
    const limiter = limiterOf(store);

    expect(await limiter.take("ada")).toMatchObject({ remaining: 99_999 });
    await expect
      .poll(() => (isThere ? store.client.status === "ready" : events.length > 0))
      .toBe(true);
    expect(await limiter.take("ada")).toBeDefined();

    expect(events).toEqual(told);
  });
});

describe("a server that takes no writes behind an open connection", () => {
  it.each([
    ["says READONLY", "-READONLY You can't write against a read only replica.", "read_only"],
    ["hangs", undefined, "timeout"],
  ] as const)(
    "that %s is connected to anew after 1, 2, 4 … up to 30 s",
    async (_how, answer, problem) => {
      await using replica = await startReplica(answer);
      const clock = { ms: 0 };
      const problems: RedisProblem[] = [];
      await using store = createSharedStore(
        settingsFor(replica.port, answer === undefined ? 50 : 2000),
        { now: () => clock.ms, onProblem: (each) => void problems.push(each) },
      );
      const limiter = limiterOf(store);
      const disconnect = vi.spyOn(store.client, "disconnect");
      const reconnects: number[] = [];
      for (; clock.ms < 120_000; clock.ms += 500) {
        await expect.poll(() => store.client.status).toBe("ready");
        const [before, calls] = [replica.connections(), disconnect.mock.calls.length];
        await limiter.take("ada");
        if (disconnect.mock.calls.length > calls) {
          reconnects.push(clock.ms);
          await expect.poll(replica.connections).toBe(before + 1);
        }
      }

      const pauses = reconnects.slice(1).map((at, index) => at - (reconnects[index] ?? 0));
      expect(reconnects[0]).toBe(0);
      expect(Math.min(...pauses)).toBeGreaterThanOrEqual(1000);
      expect(pauses).toEqual(pauses.toSorted((a, b) => a - b)); // They grow.
      expect(pauses.at(-1)).toBeGreaterThanOrEqual(30_000);
      expect(new Set(problems)).toEqual(new Set([problem]));
      expect(problems.length).toBeLessThanOrEqual(3); // One line a minute.
    },
    60_000,
  );
});

describe.skipIf(!isInstalled("redis-server"))("a database that cannot be selected", () => {
  it("is never replaced by another one, and its users are counted here", async () => {
    await using server = await startSingle();
    const problems: string[] = [];
    await using store = createSharedStore(
      { ...settingsFor(server.port, 2000), database: 99 },
      {
        onProblem: (each) => void problems.push(each),
        onRecovery: () => void problems.push("recovered"),
      },
    );
    const limiter = limiterOf(store);
    await expect.poll(() => problems, { timeout: 10_000 }).toContain("unknown_database");
    for (let turn = 1; turn <= 3; turn += 1)
      expect(await limiter.take("ada")).toMatchObject({ remaining: 100_000 - turn });

    expect(ask(server.port, "info", "keyspace")).toBe("# Keyspace"); // Nothing in any database.
    expect(problems).not.toContain("recovered");
  });
});
