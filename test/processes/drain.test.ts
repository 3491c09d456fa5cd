/**
 * SIGTERM: told to the load balancer at once, served for a while yet, then closed without losing what is in flight.
 */

import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import { rowsOf } from "../support/exhaustive.ts";
import { type ServiceProcess, startServiceProcess } from "../support/program.ts";
import { startReconnectingClients } from "../support/reconnecting-clients.ts";
import { startUpstreams } from "../support/start.ts";

/** More than any machine needs beside what the service may take, and less than what it must not wait for. */
const ROOM_MS = 10_000;

const upstreams = await startUpstreams();
const { mx, issuer } = upstreams;
const authorization = `Bearer ${await issuer.issueToken("ada")}`;
mx.state.createUser({ id: "ada" });
afterAll(() => upstreams[Symbol.asyncDispose]());

function run(environment: Record<string, string>): Promise<ServiceProcess> {
  mx.calls.clear();
  mx.settings.latencyMs = 0;
  return startServiceProcess({
    ...upstreams.environment(),
    RATE_LIMIT_USER: "100000/1s",
    ...environment,
  });
}

/** One request; without an agent on a connection of its own. */
async function ask(url: string, options: { agent?: Agent; method?: string } = {}) {
  const { agent = false, method = "POST" } = options;
  const sent = request(url, { method, agent, headers: { authorization } });
  sent.end();
  const [response]: IncomingMessage[] = await once(sent, "response");
  if (!response) throw new Error("no response");
  await response.resume().toArray();
  return { status: response.statusCode, connection: response.headers.connection };
}

async function inFlight({ operationsUrl }: ServiceProcess): Promise<number> {
  const metrics = await (await fetch(`${operationsUrl}/metrics`)).text();
  return Number(/^http_server_active_requests (\d+)$/m.exec(metrics)?.[1]);
}

/** Whether a new connection is still taken. */
async function accepts(url: string): Promise<boolean> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  const connected = await once(socket, "connect").then(
    () => true,
    () => false,
  );
  socket.destroy();
  return connected;
}

async function untilClosed(service: ServiceProcess): Promise<void> {
  while (await accepts(service.url)) await sleep(20);
}

/** A client that keeps its connection, as a load balancer does. */
async function open(service: ServiceProcess): Promise<Socket> {
  const socket = connect(Number(new URL(service.url).port), "127.0.0.1").on("error", () => {});
  await once(socket, "connect");
  return socket;
}

function post(socket: Socket): void {
  socket.write(`POST /session HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\n\r\n`);
}

describe("on SIGTERM the service", () => {
  it("is not ready at once, serves on for DRAIN_DELAY, then takes no connections, and exits with 0", async () => {
    await using service = await run({ DRAIN_DELAY: "3s" });
    const kept = new Agent({ keepAlive: true });
    expect(await ask(`${service.url}/session`, { agent: kept })).toMatchObject({
      status: 200,
      connection: "keep-alive",
    });
    const readyz = () => ask(`${service.operationsUrl}/readyz`, { method: "GET" });
    expect((await readyz()).status).toBe(200);

    const signalledAt = performance.now();
    service.signal("SIGTERM");
    await expect.poll(async () => (await readyz()).status, { interval: 10 }).toBe(503);

    for (const agent of [kept, new Agent()]) {
      const answer = await ask(`${service.url}/session`, { agent });
      expect(answer).toEqual({ status: 200, connection: "close" });
    }
    expect((await ask(`${service.operationsUrl}/livez`, { method: "GET" })).status).toBe(200);
    await untilClosed(service);
    expect(performance.now() - signalledAt).toBeGreaterThan(2950);
    expect(await service.exited).toBe(0);
    expect(performance.now() - signalledAt).toBeLessThan(3000 + ROOM_MS);
  });

  it("answers 100 requests in flight, 50 of them sent after it, and refuses those after the close", async () => {
    await using service = await run({ DRAIN_DELAY: "2s", REQUEST_DEADLINE: "30s" });
    await ask(`${service.url}/session`); // The keys are there.
    mx.calls.clear();
    const isClosed = Promise.withResolvers<void>();
    // More than there are requests: the service repeats a call that stays silent on a connection that was idle.
    for (let call = 0; call < 300; call += 1)
      mx.before("platform.request_widget_url", () => isClosed.promise);
    const wave = () => Array.from({ length: 50 }, () => ask(`${service.url}/session`));
    const first = wave();
    await expect.poll(() => inFlight(service), { interval: 50 }).toBe(50);

    service.signal("SIGTERM");
    await expect.poll(() => service.output()).toContain("draining");
    const second = wave();
    await expect.poll(() => inFlight(service), { interval: 50 }).toBe(100);
    expect(mx.calls.count).toBeGreaterThanOrEqual(50);
    await untilClosed(service);
    const third = await Promise.allSettled(wave());
    isClosed.resolve();

    expect(third.map(({ status }) => status)).toEqual(Array(50).fill("rejected"));
    const answers = await Promise.all([...first, ...second]);
    expect(answers.map(({ status }) => status)).toEqual(Array(100).fill(200));
    expect(await service.exited).toBe(0);
  });

  it("tells those whose request it took before, too, not to come back on their connection", async () => {
    await using service = await run({ DRAIN_DELAY: "200ms" });
    const kept = new Agent({ keepAlive: true });
    await ask(`${service.url}/session`, { agent: kept });
    mx.calls.clear();
    mx.settings.latencyMs = 1000;
    const asked = ask(`${service.url}/session`, { agent: kept });
    await expect.poll(() => mx.calls.count, { interval: 10 }).toBe(1);

    service.signal("SIGTERM");

    expect(await asked).toEqual({ status: 200, connection: "close" });
  });

  it("closes connections that are idle, and waits for none that never asked anything", async () => {
    await using service = await run({ DRAIN_DELAY: "300ms", REQUEST_DEADLINE: "1s" });
    const used = await Promise.all(Array.from({ length: 20 }, () => open(service)));
    const answers = used.map((socket) => once(socket, "data"));
    used.forEach(post);
    await Promise.all(answers);
    const silent = await Promise.all(Array.from({ length: 5 }, () => open(service)));
    const ends = [...used, ...silent].map((socket) => once(socket.resume(), "close"));

    const signalledAt = performance.now();
    service.signal("SIGTERM");
    await Promise.all(ends.slice(0, used.length));
    expect(performance.now() - signalledAt).toBeLessThan(300 + 100 + ROOM_MS);

    await Promise.all(ends);
    expect(await service.exited).toBe(0);
    expect(performance.now() - signalledAt).toBeLessThan(300 + 1250 + ROOM_MS);
  });

  it("serves what comes on a kept connection in the moment of the close", async () => {
    await using service = await run({ DRAIN_DELAY: "1s" }); // Half of it for what comes last.
    const kept = await open(service);
    post(kept);
    await once(kept, "data");
    service.signal("SIGTERM");
    await untilClosed(service);

    post(kept);
    const [answer] = await once(kept, "data");
    expect(String(answer)).toMatch(/^HTTP\/1.1 200 [\s\S]*\r\nConnection: close\r\n/);
    expect(await service.exited).toBe(0);
  });

  it("loses none of the connections that were set up before the close", async () => {
    await using service = await run({ DRAIN_DELAY: "300ms" });
    const clients = startReconnectingClients(Number(new URL(service.url).port), 40);
    clients.waitForConnections(400);
    service.signal("SIGTERM");
    const { answered, lost } = await clients.ended;
    expect(answered).toBeGreaterThanOrEqual(400);
    expect(lost).toBe(0);
    expect(await service.exited).toBe(0);
  });

  const SIGNALS = [
    "SIGTERM",
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGUSR2",
    "SIGABRT",
    "SIGALRM",
  ] as const;
  it.each(rowsOf(SIGNALS, 1))(
    "drains on %s as the first signal, whatever comes after it",
    async (first) => {
      await using service = await run({ DRAIN_DELAY: "100ms" });
      await ask(`${service.url}/session`);
      mx.calls.clear();
      mx.settings.latencyMs = 1000;
      const asked = ask(`${service.url}/session`);
      await expect.poll(() => mx.calls.count, { interval: 10 }).toBe(1);

      service.signal(first);
      await expect.poll(() => service.output()).toContain("service.draining");
      for (const later of [first, ...SIGNALS, "SIGUSR1", "SIGVTALRM"] as const)
        service.signal(later);

      expect((await asked).status).toBe(200);
      expect(await service.exited).toBe(0);
      expect(service.output()).toContain('"session.opened"');
      expect(service.output()).toMatch(/"service.stopped".*\n$/);
      expect(service.output().match(/service.draining/g)).toHaveLength(1);
    },
  );

  it("waits for no MX call longer than the deadline", async () => {
    await using service = await run({ DRAIN_DELAY: "0s", REQUEST_DEADLINE: "1s" });
    await ask(`${service.url}/session`);
    mx.calls.clear();
    mx.settings.latencyMs = 20_000;
    const asked = Array.from({ length: 10 }, () => ask(`${service.url}/session`));
    await expect.poll(() => mx.calls.count, { interval: 10 }).toBe(10);

    const signalledAt = performance.now();
    service.signal("SIGTERM");

    const answers = await Promise.all(asked);
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(504));
    expect(await service.exited).toBe(0);
    expect(performance.now() - signalledAt).toBeLessThan(1250 + ROOM_MS);
  });
});
