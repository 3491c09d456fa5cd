import { connect, Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { queryObjects } from "node:v8";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { listen } from "../../../src/http/server.ts";
import { sendRaw } from "../../support/raw.ts";
import { startReconnectingClients } from "../../support/reconnecting-clients.ts";

const OPTIONS = {
  host: "127.0.0.1",
  port: 0,
  keepAliveTimeoutMs: 65_000,
  onParserRefusal: () => {},
};

describe("a server that stops to listen", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["Date", "performance"] }));
  afterEach(() => void vi.useRealTimers());

  it("answers every connection that was set up before, however slow it is, and no client for ever", async () => {
    let answers = 0;
    const server = await listen((_req, res) => {
      answers += 1;
      vi.advanceTimersByTime(60_000);
      res.end("ok");
    }, OPTIONS);
    const clients = startReconnectingClients(server.port, 200);
    clients.waitForConnections(200); // None is accepted: this thread waits.

    await server.stopListening(50);

    const tally = await clients.ended;
    expect(tally).toEqual({ answered: answers, lost: 0 });
    expect(answers).toBeGreaterThanOrEqual(200);
    await server.close(0);
  });

  it("waits for those that no pause was long enough for", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"], fakeNodeBuiltins: true });
    const server = await listen((_req, res) => void res.end("ok"), OPTIONS);
    const clients = startReconnectingClients(server.port, 200);
    clients.waitForConnections(200); // None is accepted: this thread waits.

    let isStopped = false;
    const stopped = server.stopListening(50).then(() => {
      isStopped = true;
    });
    while (!isStopped) {
      vi.advanceTimersByTime(50); // Each pause is over at once.
      await nextTurn();
    }
    await stopped;
    vi.useRealTimers();

    expect(await clients.ended).toMatchObject({ lost: 0 });
    await server.close(0);
  });

  it("answers a client that comes back a moment after the last one", async () => {
    const server = await listen((_req, res) => void res.end("ok"), OPTIONS);

    const stopped = server.stopListening(50);
    for (let turns = 0; turns < 6; turns += 1) await nextTurn();
    const answer = await sendRaw(
      `http://127.0.0.1:${server.port}`,
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );

    expect(answer.statuses).toEqual([200]);
    await stopped;
    await server.close(0);
  });

  it("does so although connections come without end", async () => {
    const server = await listen((_req, res) => void res.end(), OPTIONS);
    let isRefused = false;
    let connections = 0;
    const comeAgain = () => {
      const socket = connect(server.port, "127.0.0.1", () => {
        connections += 1;
        socket.destroy();
        comeAgain();
      });
      socket.on("error", () => {
        isRefused = true;
      });
    };
    comeAgain();
    await vi.waitUntil(() => connections > 0);

    await server.stopListening(50);

    await vi.waitUntil(() => isRefused);
    await server.close(0);
  });
});

it("leaves nothing of a connection that has ended in memory", async () => {
  const server = await listen((_req, res) => void res.end(), OPTIONS);
  const countSockets = () => queryObjects(Socket, { format: "count" }); // After a full collection.
  const before = countSockets();

  for (let count = 0; count < 100; count += 1)
    await sendRaw(
      `http://127.0.0.1:${server.port}`,
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );

  await expect.poll(countSockets).toBeLessThan(before + 50);
  await server.close(0);
});

describe("bytes that are no request", () => {
  it("behind a request do not reach into its answer", async () => {
    const refusals: string[] = [];
    const onParserRefusal = (kind: string) => void refusals.push(kind);
    const server = await listen((_req, res) => void res.end("answer"), {
      ...OPTIONS,
      onParserRefusal,
    });

    const answer = await sendRaw(
      `http://127.0.0.1:${server.port}`,
      "GET / HTTP/1.1\r\nHost: a\r\n\r\n\0\0\0",
      { untilClosed: true },
    );

    expect(answer).toMatchObject({ statuses: [200], isClosed: true });
    expect(answer.text).toMatch(/\r\n\r\nanswer$/);
    expect(refusals).toEqual(["malformed"]);
    await server.close(0);
  });
});
