import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createExchange } from "../../../src/upstream/exchange.ts";
import { type ConnectionOptions, createConnections } from "../../../src/upstream/pool.ts";

async function startUpstream(listener: RequestListener) {
  const server = createServer({ keepAliveTimeout: 60_000 }, listener);
  const open = new Set<Socket>();
  let opened = 0;
  let most = 0;
  server.on("connection", (socket: Socket) => {
    opened += 1;
    open.add(socket);
    most = Math.max(most, open.size);
    socket.once("close", () => open.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const options: ConnectionOptions = {
    origin: `http://127.0.0.1:${port}`,
    connections: 2,
    maxResponseBytes: 1000,
  };
  return {
    options,
    open: () => open.size,
    opened: () => opened,
    most: () => most,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const NEVER = new AbortController().signal;

describe("connections", () => {
  it("are used again, the last one first", async () => {
    await using upstream = await startUpstream((_req, res) => res.end());
    await using connections = createConnections(upstream.options);
    const first = await connections.acquire(false, NEVER);
    const second = await connections.acquire(false, NEVER);
    expect(second).not.toBe(first);
    connections.release(first, false);
    connections.release(second, false);
    expect(await connections.acquire(false, NEVER)).toBe(second);
    expect(await connections.acquire(false, NEVER)).toBe(first);
  });

  it("are waited for in order when all are in use, but not by those who have gone", async () => {
    await using upstream = await startUpstream((_req, res) => res.end());
    await using connections = createConnections({ ...upstream.options, connections: 1 });
    const only = await connections.acquire(false, NEVER);
    const gone = new AbortController();
    const served: string[] = [];
    const wait = async (name: string, signal: AbortSignal) => {
      const connection = await connections.acquire(false, signal);
      served.push(name);
      connections.release(connection, false);
    };
    void wait("gone", gone.signal);
    const waiters = [wait("first", NEVER), wait("second", NEVER)];
    gone.abort();
    connections.release(only, false);
    await Promise.all(waiters);
    expect(served).toEqual(["first", "second"]);
  });

  it.each([
    ["spoiled", "release"],
    ["distrusted while in use", "distrust"],
  ] as const)("that are %s are not used again, and leave room", async (_when, how) => {
    await using upstream = await startUpstream((_req, res) => res.end());
    await using connections = createConnections({ ...upstream.options, connections: 1 });
    const bad = await connections.acquire(false, NEVER);
    if (how === "distrust") connections.distrust(bad);
    connections.release(bad, how === "release");
    expect(await connections.acquire(false, NEVER)).not.toBe(bad);
  });

  it("are all distrusted with one of them, and those that came later are not", async () => {
    await using upstream = await startUpstream((_req, res) => res.end());
    await using connections = createConnections(upstream.options);
    const [first, second] = [
      await connections.acquire(false, NEVER),
      await connections.acquire(false, NEVER),
    ];
    connections.release(second, false);
    connections.distrust(first);
    const third = await connections.acquire(false, NEVER);
    expect(third).not.toBe(second);
    connections.release(third, false);
    connections.distrust(first); // Known already.
    expect(await connections.acquire(false, NEVER)).toBe(third);
  });

  it("that must be fresh take the place of one that is idle", async () => {
    await using upstream = await startUpstream((_req, res) => res.end());
    await using exchange = createExchange(upstream.options);
    const ask = (isFresh = false) =>
      exchange({ method: "GET", path: "/", headers: {}, isFresh }, 2000);
    await Promise.all([ask(), ask()]);
    expect(upstream.opened()).toBe(2);
    await ask(true);
    expect(upstream.opened()).toBe(3);
    await expect.poll(upstream.open).toBe(2);
  });

  it("stay within their number while every third request is cut off and repeated on a fresh one", async () => {
    let count = 0;
    await using upstream = await startUpstream(async (req, res) => {
      count += 1;
      if (count % 3 === 0) return void req.socket.destroy();
      await sleep(5);
      res.end();
    });
    const limit = 10;
    await using exchange = createExchange({ ...upstream.options, connections: limit });
    const ask = async () => {
      const request = { method: "GET", path: "/", headers: {} } as const;
      const result = await exchange(request, 5000);
      return result.kind === "answer" ? result : exchange({ ...request, isFresh: true }, 5000);
    };
    await Promise.all(Array.from({ length: 500 }, ask));
    // What we have closed the other side may see a moment later.
    expect(upstream.most()).toBeLessThanOrEqual(limit + 3);
    expect(upstream.most()).toBeGreaterThanOrEqual(limit - 1);
  });
});
