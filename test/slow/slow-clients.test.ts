/**
 * Callers that say little, slowly, nothing, or far too much: closed in time, while others are served as ever.
 *
 * The service runs in a process of its own, as an operator runs it. Source: RFC 9110, section 15.5.9 (408).
 */

import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type IdentityProvider,
  startIdentityProvider,
} from "../../packages/simulator/src/identity-provider.ts";
import { type Simulator, startSimulator } from "../../packages/simulator/src/simulator.ts";
import { type ServiceProcess, startServiceProcess } from "../support/program.ts";
import { baseEnvironment } from "../support/start.ts";

let mx: Simulator;
let issuer: IdentityProvider;
let service: ServiceProcess;
let port: number;

beforeAll(async () => {
  mx = await startSimulator();
  issuer = await startIdentityProvider();
  service = await startServiceProcess(baseEnvironment(mx, issuer, "platform"));
  port = service.port;
});

afterAll(async () => {
  service.signal("SIGTERM");
  expect(await service.exited).toBe(0);
  await issuer[Symbol.asyncDispose]();
  await mx[Symbol.asyncDispose]();
});

type Attack = {
  connections: number;
  /** What each connection does, once it is there. */
  act: (socket: Socket) => void;
  closedWithinMs: number;
};

/** Milliseconds that each connection lived. */
async function attack({ connections, act, closedWithinMs }: Attack): Promise<number[]> {
  return Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect(port, "127.0.0.1").resume();
      socket.on("error", () => {});
      await once(socket, "connect");
      const startedAt = performance.now();
      act(socket);
      const closed = once(socket, "close").then(() => performance.now() - startedAt);
      const patience = setTimeout(() => socket.destroy(), closedWithinMs + 5000);
      return closed.finally(() => clearTimeout(patience));
    }),
  );
}

const newTally = (): Tally => ({ all: 0, good: 0, others: {} });

type Tally = { all: number; good: number; others: Record<string, number> };

/** Asks one after the other, on one connection, until it is told to stop. */
async function askUntil(isOver: () => boolean, tally = newTally()): Promise<Tally> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const headers = { authorization: `Bearer ${await issuer.issueToken("ada")}` };
  while (!isOver()) {
    tally.all += 1;
    const status = await new Promise<unknown>((resolve) => {
      const options = { port, path: "/session", method: "POST", headers, agent };
      request(options, (answer) => answer.resume().once("end", () => resolve(answer.statusCode)))
        .once("error", resolve)
        .end();
    });
    if (status === 200) tally.good += 1;
    else tally.others[String(status)] = (tally.others[String(status)] ?? 0) + 1;
  }
  agent.destroy();
  return tally;
}

const dripEvery = (ms: number, text: string) => (socket: Socket) => {
  const timer = setInterval(() => socket.write(text), ms);
  socket.once("close", () => clearInterval(timer));
};

const HEAD = "POST /session HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n";

function expectNearlyAllGood({ all, good, others }: Tally): void {
  expect(good / all, `the others: ${JSON.stringify(others)}`).toBeGreaterThanOrEqual(0.999);
}

describe("callers that take their time", () => {
  it.each<[string, Attack]>([
    [
      "500 that send a header now and then",
      {
        connections: 500,
        act: (socket) => {
          socket.write(HEAD);
          dripEvery(500, "X-A: b\r\n")(socket);
        },
        closedWithinMs: 7000,
      },
    ],
    ["1,000 that never say a word", { connections: 1000, act: () => {}, closedWithinMs: 7000 }],
    [
      "300 that send a body byte by byte",
      {
        connections: 300,
        act: (socket) => {
          socket.write(`${HEAD}Content-Length: 1000\r\n\r\n`);
          dripEvery(500, " ")(socket);
        },
        closedWithinMs: 11_500,
      },
    ],
    [
      "300 that send chunks of one byte",
      {
        connections: 300,
        act: (socket) => {
          socket.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
          dripEvery(500, "1\r\n \r\n")(socket);
        },
        closedWithinMs: 11_500,
      },
    ],
    [
      "300 that go on with a body that was too large",
      {
        connections: 300,
        act: (socket) => {
          socket.write(`${HEAD}Content-Length: 999999999\r\n\r\n`);
          dripEvery(200, "x".repeat(1000))(socket);
        },
        closedWithinMs: 11_500,
      },
    ],
  ])(
    "%s are closed in time, and nobody else notices",
    async (_what, plan) => {
      let isOver = false;
      const healthy = askUntil(() => isOver);

      const lived = await attack(plan);
      isOver = true;
      const tally = await healthy;

      expect(lived).toHaveLength(plan.connections);
      expect(Math.max(...lived)).toBeLessThan(plan.closedWithinMs);
      expect(tally.all).toBeGreaterThan(500);
      expectNearlyAllGood(tally);
    },
    40_000,
  );

  it("10,000 connections at once are more than are taken, and those who are in are served", async () => {
    let isOver = false;
    const tally = newTally();
    const healthy = askUntil(() => isOver, tally);
    await expect.poll(() => tally.good).toBeGreaterThan(0);
    const sockets = Array.from({ length: 10_000 }, () => {
      const socket = connect(port, "127.0.0.1").resume();
      socket.on("error", () => {});
      return socket;
    });
    const closed = Promise.all(sockets.map((socket) => socket.closed || once(socket, "close")));
    const startedAt = performance.now();
    await closed;
    isOver = true;
    await healthy;

    expect(performance.now() - startedAt).toBeLessThan(15_000);
    expectNearlyAllGood(tally);
  }, 60_000);

  it("2,000 requests a second without a token cost those with one less than a tenth", async () => {
    mx.settings.latencyMs = 100;
    const measure = async (ms: number) => {
      let isOver = false;
      setTimeout(() => {
        isOver = true;
      }, ms);
      const tallies = await Promise.all(Array.from({ length: 10 }, () => askUntil(() => isOver)));
      tallies.forEach(expectNearlyAllGood);
      return tallies.reduce((sum, { good }) => sum + good, 0);
    };
    await measure(1000);
    const alone = await measure(4000);

    let refused = 0;
    const flood = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const socket = connect(port, "127.0.0.1");
        socket.on("data", (bytes) => {
          refused += bytes.toString("latin1").split("HTTP/1.1 401").length - 1;
        });
        await once(socket, "connect");
        dripEvery(10, "POST /session HTTP/1.1\r\nHost: a\r\n\r\n")(socket);
        return socket;
      }),
    );
    const flooded = await measure(4000);
    for (const socket of flood) socket.destroy();
    mx.settings.latencyMs = 0;

    expect(refused).toBeGreaterThan(0.8 * 2000 * 4);
    expect(flooded / alone).toBeGreaterThanOrEqual(0.9);
  }, 30_000);
});
