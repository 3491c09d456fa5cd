/**
 * Who asks too often waits. With Redis the replicas count together; without an answer from it each counts for itself.
 */

import { spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import request from "supertest";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createRateLimiter } from "../../src/rate-limit/limiter.ts";
import { createSharedStore } from "../../src/rate-limit/shared-store.ts";
import { createSecret } from "../../src/secret.ts";
import { stopClock } from "../support/clock.ts";
import { isInstalled } from "../support/installed.ts";
import { startSingle, toSettings } from "../support/redis.ts";
import { type Started, start } from "../support/start.ts";

const SUBJECTS = ["ada", "grace"];

async function statusesOf(service: Started, subject: string, times: number): Promise<number[]> {
  const responses = [];
  for (let index = 0; index < times; index += 1)
    responses.push((await service.post(subject)).status);
  return responses;
}

describe("the limit per user", () => {
  it("is exact, names the seconds to wait, and leaves others alone", async () => {
    using clock = stopClock();
    await using service = await start({ environment: { RATE_LIMIT_USER: "3/2s" } });

    expect(await statusesOf(service, "ada", 3)).toEqual([200, 200, 200]);
    service.mx.calls.clear();
    const refused = await service.post("ada");
    expect(refused.status).toBe(429);
    expect(refused.body.type).toBe("/problems/rate-limited");
    const retryAfterSeconds = Number(refused.headers["retry-after"]);
    expect([1, 2]).toContain(retryAfterSeconds);
    expect(service.mx.calls.count).toBe(0);
    expect((await service.post("grace")).status).toBe(200);

    await clock.advance(retryAfterSeconds * 1000);
    const allowed = await service.post("ada");
    expect(allowed.status).toBe(200);
    expect(allowed.headers.ratelimit).toBe('"user";r=2;t=2');
  });

  it("holds for the longest window that can be configured", async () => {
    await using service = await start({ environment: { RATE_LIMIT_USER: "2/576h" } });

    expect(await statusesOf(service, "ada", 3)).toEqual([200, 200, 429]);
  });

  it("is 60 per minute unless the operator says otherwise", async () => {
    await using service = await start({ environment: { RATE_LIMIT_USER: undefined } });

    expect((await service.post("ada")).headers.ratelimit).toBe('"user";r=59;t=60');
  });
});

describe("the limits per address", () => {
  it("count failed logins only, and then refuse good ones too", async () => {
    await using service = await start({ environment: { RATE_LIMIT_FAILURES: "3/1m" } });
    const fail = async () => (await service.request()).status;

    expect(await statusesOf(service, "ada", 5)).toEqual([200, 200, 200, 200, 200]);
    expect([await fail(), await fail(), await fail(), await fail()]).toEqual([401, 401, 401, 429]);
    expect((await service.post("ada")).status).toBe(429);
  });

  it("believe X-Forwarded-For of trusted proxies only", async () => {
    const ask = async (service: Started, address: string) =>
      (await service.request().set("X-Forwarded-For", address)).status;

    await using trusting = await start({
      environment: { RATE_LIMIT_ADDRESS: "1/1m", TRUSTED_PROXIES: "127.0.0.1" },
    });
    expect([await ask(trusting, "203.0.113.1"), await ask(trusting, "203.0.113.2")]).toEqual([
      401, 401,
    ]);
    expect([await ask(trusting, "203.0.113.1"), await ask(trusting, "203.0.113.2")]).toEqual([
      429, 429,
    ]);

    await using wary = await start({ environment: { RATE_LIMIT_ADDRESS: "1/1m" } });
    expect([await ask(wary, "203.0.113.1"), await ask(wary, "203.0.113.2")]).toEqual([401, 429]);
  });

  it.each([
    ["203.0.113.7:4711", "203.0.113.7"],
    ["203.0.113.7:_port", "203.0.113.7"],
    ['"203.0.113.7:80"', "203.0.113.7"],
    ["[2001:db8::7]:4711", "2001:db8::7"],
    ["[2001:db8::7]", "2001:db8::7"],
    ['"[2001:db8::7]:4711"', "2001:db8::7"],
    ["::ffff:203.0.113.7", "203.0.113.7"],
    ["[::ffff:203.0.113.7]:4711", "203.0.113.7"],
    ["[::FFFF:cb00:7107]:0", "203.0.113.7"],
    ["0:0:0:0:0:ffff:203.0.113.7", "203.0.113.7"],
    ["[fe80::1%eyJhbGciOi.J9-zone]:4711", "fe80::1"],
    ["198.51.100.1:1, 203.0.113.7:2", "203.0.113.7"],
    ["198.51.100.1,\t203.0.113.7:2\t", "203.0.113.7"],
  ])("understand X-Forwarded-For: %s", async (forwarded, address) => {
    const environment = { RATE_LIMIT_ADDRESS: "1/1m", TRUSTED_PROXIES: "1" };
    await using service = await start({ environment });
    const ask = async (value: string) =>
      (await service.request().set("X-Forwarded-For", value)).status;

    expect([await ask(forwarded), await ask(address), await ask("192.0.2.1")]).toEqual([
      401, 429, 401,
    ]);
    expect(JSON.parse(service.log[0] ?? "")).toMatchObject({ "client.address": address });
  });

  it.each([
    "unknown",
    "_hidden",
    "203.0.113.7:port",
    "203.0.113.7:4711:4712",
    "[203.0.113.7]",
    "2001:db8::7]",
    "[2001:db8::7",
    "203.0.113.7\xa0",
    "203.0.113.256",
    "app.example.com",
    "",
  ])("go by the peer's own address where a proxy sends %j", async (forwarded) => {
    const environment = { RATE_LIMIT_ADDRESS: "1/1m", TRUSTED_PROXIES: "1" };
    await using service = await start({ environment });
    const ask = async (value: string) =>
      (await service.request().set("X-Forwarded-For", value)).status;

    expect([await ask(forwarded), await ask("garbage of another kind")]).toEqual([401, 429]);
    expect(JSON.parse(service.log[0] ?? "")).toMatchObject({ "client.address": "127.0.0.1" });
  });

  it("find trusted networks behind ports, and never read Forwarded", async () => {
    const environment = {
      RATE_LIMIT_ADDRESS: "1/1m",
      TRUSTED_PROXIES: "127.0.0.1,10.0.0.0/8,2001:db8:1::/48",
    };
    await using service = await start({ environment });
    const chain = "203.0.113.7:1, 10.1.2.3:2, [2001:db8:1::9]:3";
    await service.request().set({ "X-Forwarded-For": chain, Forwarded: "for=192.0.2.1" });

    expect(JSON.parse(service.log[0] ?? "")).toMatchObject({ "client.address": "203.0.113.7" });
  });

  it("do not count preflights", async () => {
    const page = "https://app.example.com";
    const environment = { RATE_LIMIT_ADDRESS: "1/1m", CORS_ORIGINS: page };
    await using service = await start({ environment });
    const preflight = async () =>
      (await service.check(request(service.url).options("/session").set("Origin", page))).status;

    expect([await preflight(), await preflight(), await preflight()]).toEqual([204, 204, 204]);
    expect((await service.request()).status).toBe(401);
    expect((await service.request()).status).toBe(429);
    expect(await preflight()).toBe(204);
  });

  it("take a /64 of IPv6 for one", async () => {
    const environment = { RATE_LIMIT_ADDRESS: "100/1m", TRUSTED_PROXIES: "1" };
    await using service = await start({ environment });
    const ask = async (index: number) =>
      (await service.request().set("X-Forwarded-For", `2001:db8:1:2:${index.toString(16)}::1`))
        .status;

    const statuses = await Promise.all(Array.from({ length: 150 }, (_, index) => ask(index)));

    expect(statuses.filter((status) => status === 429)).toHaveLength(50);
  });
});

const hasRedis = isInstalled("redis-server");

describe.skipIf(!hasRedis)(
  "the limit per user of three replicas with one Redis (skipped without redis-server)",
  () => {
    const LIMIT = "20/1m";
    /** For counts that must be exact: no busy machine takes Redis for dead. */
    const PATIENT = { REDIS_TIMEOUT: "800ms" };

    it("is one limit", async () => {
      await using redis = await startRedis();
      await using cluster = await startReplicas({
        RATE_LIMIT_USER: LIMIT,
        REDIS_URL: redis.url,
        ...PATIENT,
      });

      for (const subject of SUBJECTS) {
        const statuses = await cluster.ask(subject, 60);
        expect(statuses.filter((status) => status === 200)).toHaveLength(20);
        expect(statuses.filter((status) => status === 429)).toHaveLength(40);
      }
    });

    it("is a limit per replica while Redis hangs or is gone, at the price of one wait", async () => {
      await using redis = await startRedis();
      await using cluster = await startReplicas({ RATE_LIMIT_USER: LIMIT, REDIS_URL: redis.url });
      await cluster.ask("warm-up", 3);

      redis.process.kill("SIGSTOP");
      const hung = await cluster.ask("ada", 90);
      expect(hung.filter((status) => status === 200)).toHaveLength(3 * 20);
      expect(hung.filter((status) => status === 429)).toHaveLength(30);

      redis.process.kill("SIGKILL");
      const dead = await cluster.ask("grace", 90);
      expect(dead.filter((status) => status === 200)).toHaveLength(3 * 20);
    });

    it("is tried again by one request every five seconds; no other waits for a Redis that hangs", async () => {
      await using redis = await startRedis();
      const clock = { ms: 0 };
      await using store = createSharedStore(toSettings(redis.url, 100), { now: () => clock.ms });
      await expect.poll(() => store.client.status).toBe("ready");
      const limiter = createRateLimiter({
        name: "test",
        limit: { events: 1000, windowMs: 60_000 },
        keySecret: createSecret("k"),
        store,
      });
      const take = () => limiter.take("ada");
      const asked = vi.spyOn(store.client, "sendCommand");
      onTestFinished(() => asked.mockRestore());

      redis.process.kill("SIGSTOP");
      await take();
      expect(asked).toHaveBeenCalledTimes(1);
      const twenty = () => Promise.all(Array.from({ length: 20 }, take));
      await twenty();
      expect(asked).toHaveBeenCalledTimes(1);
      clock.ms += 5000;
      await twenty();
      expect(asked).toHaveBeenCalledTimes(2);

      redis.process.kill("SIGCONT");
      const keys = async () => {
        clock.ms += 5000;
        await take();
        return Number(spawnSync("redis-cli", ["-u", redis.url, "dbsize"]).stdout.toString());
      };
      await expect.poll(keys).toBe(1);
    });

    it("fails no request while Redis hangs, dies and comes back under load", async () => {
      await using redis = await startRedis();
      await using cluster = await startReplicas({
        RATE_LIMIT_USER: "100000/1m",
        REDIS_URL: redis.url,
      });
      const load = startLoad(cluster);
      await load.more();

      redis.process.kill("SIGSTOP");
      await load.more();
      redis.process.kill("SIGCONT");
      await load.more();
      redis.process.kill("SIGKILL");
      await load.more();
      await using again = await startRedis(Number(new URL(redis.url).port));
      await expect
        .poll(() => keysOf(again.url), { interval: 250 })
        .toContain("mx-session-bff:user:"); // It counts in Redis again.

      const answers = await load.stop();
      expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    });

    it("holds no id of a user", async () => {
      await using redis = await startRedis();
      await using cluster = await startReplicas({ RATE_LIMIT_USER: LIMIT, REDIS_URL: redis.url });
      await cluster.ask("ada", 3);

      const keys = keysOf(redis.url);

      expect(keys).toMatch(/^mx-session-bff:user:[\w-]{43}$/m);
      expect(keys).not.toContain("ada");
    });
  },
);

function keysOf(url: string): string {
  return spawnSync("redis-cli", ["-u", url, "--scan"]).stdout.toString();
}

/** Connections of replicas; the one that asks is not counted. */
function clientsOf(url: string): number {
  const list = spawnSync("redis-cli", ["-u", url, "client", "list"]).stdout.toString();
  return list.split("\n").filter((line) => line !== "" && !line.includes("cmd=client|list")).length;
}

/** Twelve callers, each one request after the other, with a pause between. */
function startLoad({ ask }: { ask: (subject: string, times: number) => Promise<unknown[]> }) {
  const answers: { status: unknown }[] = [];
  let isOver = false;
  const callers = Array.from({ length: 12 }, async (_, index) => {
    while (!isOver) {
      const [status] = await ask(`u-${index}`, 1);
      answers.push({ status });
      await sleep(30);
    }
  });
  return {
    /** Until each caller has had some more answers. */
    more() {
      const enough = answers.length + 12 * 5;
      return expect.poll(() => answers.length).toBeGreaterThan(enough);
    },
    async stop() {
      isOver = true;
      await Promise.all(callers);
      return answers;
    },
  };
}

async function startReplicas(environment: { RATE_LIMIT_USER: string; REDIS_URL: string }) {
  await using parts = new AsyncDisposableStack();
  const first = parts.use(await start({ environment }));
  const shared = { mx: first.mx, issuer: first.issuer, environment };
  const replicas = [first, parts.use(await start(shared)), parts.use(await start(shared))];
  const owned = parts.move();
  await expect.poll(() => clientsOf(environment.REDIS_URL)).toBe(3);
  await sleep(50); // Until they have asked whether it is ready.
  let turn = 0;
  return {
    /** Spreads the requests evenly over the replicas. */
    ask: (subject: string, times: number) =>
      Promise.all(
        Array.from(
          { length: times },
          async () => (await replicas[turn++ % 3]?.post(subject))?.status,
        ),
      ),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function startRedis(port?: number) {
  const redis = await startSingle({}, port);
  return { ...redis, url: `redis://127.0.0.1:${redis.port}/0` };
}
