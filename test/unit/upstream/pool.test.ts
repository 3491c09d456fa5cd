import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Connection } from "../../../src/upstream/connection.ts";
import { createExchange } from "../../../src/upstream/exchange.ts";
import {
  type ConnectionOptions,
  type Connections,
  createConnections,
} from "../../../src/upstream/pool.ts";
import { sendRaw } from "../../support/raw.ts";

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

/** A connection, in a test where one is always free in the end. */
async function acquire(connections: Connections): Promise<Connection> {
  const connection = await connections.acquire(false, 60_000);
  if (!connection) throw new Error("no connection became free");
  return connection;
}

describe("connections", () => {
  it("are used again, the last one first", async () => {
    await using upstream = await startUpstream((_req, res) => res.end());
    await using connections = createConnections(upstream.options);
    const first = await acquire(connections);
    const second = await acquire(connections);
    expect(second).not.toBe(first);
    connections.release(first, false);
    connections.release(second, false);
    expect(await acquire(connections)).toBe(second);
    expect(await acquire(connections)).toBe(first);
  });

  it("are waited for in order when all are in use, but not by those whose time is up", async () => {
    await using upstream = await startUpstream((_req, res) => res.end());
    await using connections = createConnections({ ...upstream.options, connections: 1 });
    const only = await acquire(connections);
    const served: string[] = [];
    const wait = async (name: string) => {
      const connection = await acquire(connections);
      served.push(name);
      connections.release(connection, false);
    };
    const late = connections.acquire(false, 1);
    const waiters = [wait("first"), wait("second")];
    expect(await late).toBeUndefined();
    connections.release(only, false);
    await Promise.all(waiters);
    expect(served).toEqual(["first", "second"]);
  });

  it.each([
    ["spoiled", "release"],
    ["discarded while in use", "discard"],
  ] as const)("that are %s are not used again, and leave room", async (_when, how) => {
    await using upstream = await startUpstream((_req, res) => res.end());
    await using connections = createConnections({ ...upstream.options, connections: 1 });
    const bad = await acquire(connections);
    if (how === "discard") connections.discardAll();
    connections.release(bad, how === "release");
    expect(await acquire(connections)).not.toBe(bad);
  });

  it("are all discarded with one of them, and those that came later are not", async () => {
    await using upstream = await startUpstream((_req, res) => res.end());
    await using connections = createConnections(upstream.options);
    const [first, second] = [await acquire(connections), await acquire(connections)];
    connections.release(second, false);
    connections.discardAll();
    const third = await acquire(connections);
    expect(third).not.toBe(second);
    connections.release(third, false);
    connections.release(first, false);
    expect(await acquire(connections)).toBe(third);
  });

  it("that must be new take the place of one that is idle", async () => {
    await using upstream = await startUpstream((_req, res) => res.end());
    await using exchange = createExchange(upstream.options);
    const ask = (newConnection = false) =>
      exchange({ method: "GET", path: "/", headers: {}, newConnection }, 2000);
    await Promise.all([ask(), ask()]);
    expect(upstream.opened()).toBe(2);
    await ask(true);
    expect(upstream.opened()).toBe(3);
    await expect.poll(upstream.open).toBe(2);
  });

  it("that are being opened ahead make room for requests", async () => {
    await using upstream = await startUpstream((_req, res) => res.end());
    await using connections = createConnections({ ...upstream.options, warm: 2 });

    await Promise.all([acquire(connections), acquire(connections)]);
    await sendRaw(
      upstream.options.origin,
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ); // Comes after all others.

    await expect.poll(upstream.open).toBe(2);
  });

  it("stay within their number while every third request is cut off and repeated on a new one", async () => {
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
      return result.kind === "answer"
        ? result
        : exchange({ ...request, newConnection: true }, 5000);
    };
    await Promise.all(Array.from({ length: 500 }, ask));
    // What we have closed the other side may see a moment later.
    expect(upstream.most()).toBeLessThanOrEqual(limit + 3);
    expect(upstream.most()).toBeGreaterThanOrEqual(limit - 1);
  });
});
