/**
 * An upstream whose name leads to another address from now on. The old one is still there, and refuses. Time passes only where
 * a test lets it (clock.ts).
 */

import dns from "node:dns";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { startSimulator } from "../../packages/simulator/src/simulator.ts";
import type { Environment } from "../../src/config/variables.ts";
import { type Clock, stopClock } from "../support/clock.ts";
import { startFaultServer } from "../support/fault-server.ts";
import { startPartnerLogin } from "../support/partner-login.ts";
import { startRelay } from "../support/relay.ts";
import { askSessions, countByStatus, subjectsOf } from "../support/sessions.ts";
import { start } from "../support/start.ts";

const UNLIMITED = { RATE_LIMIT_USER: "100000/1s" };
const GONE = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";

let clock: Clock;
beforeAll(() => {
  clock = stopClock();
});
afterAll(() => clock[Symbol.dispose]());

/** What `localhost` leads to, until the test is over. */
function resolveLocalhost() {
  const name = { address: "127.0.0.1", isBroken: false };
  const fake = (
    host: string,
    options: dns.LookupOptions,
    callback: (...results: unknown[]) => void,
  ) => {
    const isName = host === "localhost";
    const address = isName ? name.address : host;
    const error = Object.assign(new Error("no answer"), { code: "EAI_AGAIN" });
    if (isName && name.isBroken) process.nextTick(callback, error);
    else if (options.all) process.nextTick(callback, null, [{ address, family: 4 }]);
    else process.nextTick(callback, null, address, 4);
  };
  const spy = vi.spyOn(dns, "lookup").mockImplementation(fake as typeof dns.lookup);
  onTestFinished(() => spy.mockRestore());
  return name;
}

/** MX at two addresses: what is at the old one can be told to refuse. */
async function startMovable(environment: Environment = {}) {
  const name = resolveLocalhost();
  await using parts = new AsyncDisposableStack();
  const mx = parts.use(await startSimulator());
  const old = parts.use(await startFaultServer({ upstream: mx.platformUrl }));
  const { port } = new URL(old.url);
  const next = parts.use(
    await startRelay(mx.platformUrl, { host: "127.0.0.2", port: Number(port) }),
  );
  const service = parts.use(
    await start({
      mx,
      environment: {
        ...UNLIMITED,
        MX_PLATFORM_BASE_URL: `http://localhost:${port}`,
        ...environment,
      },
    }),
  );
  const owned = parts.move();
  return {
    ...service,
    name,
    old,
    next,
    move() {
      name.address = "127.0.0.2";
      old.misbehave(() => ({ kind: "raw", text: GONE }));
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const wait = (ms: number) => clock.run(sleep(ms));

describe("an MX that moves", () => {
  it.each([
    ["60s", 60_000],
    ["1s", 1000],
  ])("is followed within CONNECTION_MAX_AGE (%s), however few ask", async (age, ms) => {
    await using service = await startMovable({ CONNECTION_MAX_AGE: age });
    expect((await clock.run(service.post("ada"))).result.status).toBe(200);
    service.move();
    expect((await clock.run(service.post("ada"))).result.status).toBe(503);

    await wait(ms);

    expect((await clock.run(service.post("ada"))).result.status).toBe(200);
    expect(service.next.uses.length).toBeGreaterThan(0);
    await clock.until(() => service.old.connections.open === 0);
  });

  it("is found by the circuit breaker's trial, and all others follow", async () => {
    await using service = await startMovable({ CONNECTION_MAX_AGE: "1h" });
    const ask = async (count: number, atOnce: number) =>
      countByStatus((await clock.run(askSessions(service, subjectsOf(count), atOnce))).result);
    expect(await ask(40, 10)).toEqual({ 200: 40 });
    await wait(11_000); // The breaker looks back ten seconds.
    service.move();
    expect(await ask(40, 10)).toEqual({ 503: 40 });

    await wait(6000); // 5 s and a fifth.

    const before = service.old.requests.length;
    expect(await ask(1, 1)).toEqual({ 200: 1 });
    expect(await ask(40, 10)).toEqual({ 200: 40 });
    expect(service.old.requests).toHaveLength(before);
  });

  it("is not missed while no name can be resolved: what is open stays in use", async () => {
    await using service = await startMovable({ CONNECTION_MAX_AGE: "5s" });
    await clock.run(service.post("ada"));
    service.name.isBroken = true;

    for (let time = 0; time < 4; time += 1) {
      await wait(5000);
      expect((await clock.run(service.post("ada"))).result.status).toBe(200);
    }

    service.name.isBroken = false;
    service.move();
    await wait(15_000);
    expect((await clock.run(service.post("ada"))).result.status).toBe(200);
  });
});

describe("a host of the partner's that moves", () => {
  it("is followed within CONNECTION_MAX_AGE and 10 s", async () => {
    const name = resolveLocalhost();
    await using partner = await startPartnerLogin();
    const { port } = new URL(partner.url);
    let isGone = false;
    await using moved = await startPartnerLogin();
    await using _next = await startRelay(moved.url, { host: "127.0.0.2", port: Number(port) });
    const atName = Object.entries(partner.environment).map(([variable, value]) => [
      variable,
      value?.replace("127.0.0.1", "localhost"),
    ]);
    await using service = await start({ environment: Object.fromEntries(atName) });
    for (const each of [partner, moved]) {
      for (const token of ["t-1", "t-2", "t-3"])
        each.tokens.set(token, { active: true, sub: "ada", aud: "mx-session-bff" });
    }
    partner.misbehave((res, call) => {
      const [token = ""] = /t-\d/.exec(call.body) ?? [];
      res.setHeader("content-type", "application/json").statusCode = isGone ? 503 : 200;
      res.end(JSON.stringify(partner.tokens.get(token)));
    });
    const ask = async (token: string) => {
      const test = service.request().set("Authorization", `Bearer ${token}`);
      return (await clock.run(service.check(test))).result.status;
    };
    expect(await ask("t-1")).toBe(200);
    isGone = true;
    name.address = "127.0.0.2";
    expect(await ask("t-2")).toBe(503);

    await wait(70_000);

    expect(await ask("t-3")).toBe(200);
    expect(moved.calls).toHaveLength(1);
  });
});

describe("connections that are renewed", () => {
  it.each([
    { connections: "100", atOnce: 1 },
    { connections: "100", atOnce: 4 },
    { connections: "4", atOnce: 4 },
    { connections: "1", atOnce: 1 },
  ])(
    "never get too old, are never too many, and let no session wait ($connections, $atOnce at once)",
    async (row) => {
      await using mx = await startSimulator();
      await using relay = await startRelay(mx.platformUrl);
      await using service = await start({
        mx,
        environment: {
          ...UNLIMITED,
          MX_PLATFORM_BASE_URL: `http://127.0.0.1:${relay.port}`,
          MX_CONNECTIONS: row.connections,
          CONNECTION_MAX_AGE: "10s",
        },
      });
      const subjects = subjectsOf(row.atOnce);
      for (const id of subjects) mx.state.createUser({ id });
      relay.holdUntilOpen(row.atOnce);
      await clock.run(askSessions(service, subjects, row.atOnce));
      const warmedUp = relay.uses.length;

      for (let round = 0; round < 12; round += 1) {
        await wait(1900);
        await clock.settle(); // A renewal that has just begun is over.
        const before = relay.opened;
        const { result } = await clock.run(askSessions(service, subjects, row.atOnce));
        expect(countByStatus(result)).toEqual({ 200: row.atOnce });
        const uses = relay.uses.slice(warmedUp + round * row.atOnce);
        expect(uses).toHaveLength(row.atOnce);
        expect(Math.max(...uses.map(({ number }) => number))).toBeLessThanOrEqual(before);
      }

      expect(Math.max(...relay.uses.map(({ ageMs }) => ageMs))).toBeLessThanOrEqual(10_000);
      expect(relay.mostOpen).toBeLessThanOrEqual(Number(row.connections) + 1); // What is closed here, MX sees a moment later.
      expect(relay.opened).toBeGreaterThan(row.atOnce + 1);
    },
  );
});
