/**
 * Upstreams that are slow, but work: how slow they may be follows REQUEST_DEADLINE, and `--check` says the same as a session.
 * Time passes only where a test lets it (clock.ts).
 */

import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startIdentityProvider } from "../../packages/simulator/src/identity-provider.ts";
import { startSimulator } from "../../packages/simulator/src/simulator.ts";
import { check } from "../../src/commands/check/check.ts";
import { loadConfig } from "../../src/config/load.ts";
import type { Environment } from "../../src/config/variables.ts";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { type Clock, stopClock } from "../support/clock.ts";
import { type FaultServer, startFaultServer } from "../support/fault-server.ts";
import { startProxy } from "../support/proxy.ts";
import { type Relay, startRelay } from "../support/relay.ts";
import { baseEnvironment, start } from "../support/start.ts";

let clock: Clock;
let certificates: Certificates;
let trust: Disposable;
beforeAll(() => {
  certificates = makeCertificates();
  trust = certificates.trust();
  clock = stopClock();
});
afterAll(() => {
  clock[Symbol.dispose]();
  trust[Symbol.dispose]();
  certificates[Symbol.dispose]();
});

type Ask = { way: "direct" | "proxy"; environment: Environment };

/** The status of a first login, and what `--check` says about MX, while MX is as slow as `slowDown` makes it. */
async function ask({ way, environment }: Ask, slowDown: (relay: Relay, mx: FaultServer) => void) {
  await using parts = new AsyncDisposableStack();
  const mx = parts.use(await startSimulator());
  const issuer = parts.use(await startIdentityProvider({ algorithm: "ES256" }));
  const certificate = certificates.good;
  const wire = parts.use(await startFaultServer({ upstream: mx.platformUrl, certificate }));
  const proxy = parts.use(await startProxy());
  const relay = parts.use(await startRelay(way === "proxy" ? proxy.url : wire.url));
  const atRelay = (url: string) => url.replace(/\d+$/, `${relay.port}`);
  const own = {
    MX_PLATFORM_BASE_URL: way === "proxy" ? wire.url : atRelay(wire.url),
    ...(way === "proxy" && { HTTPS_PROXY: atRelay(proxy.url) }),
    ...environment,
  };
  slowDown(relay, wire);
  const config = loadConfig({ ...baseEnvironment(mx, issuer, "platform"), ...own });
  const { result: findings } = await clock.run(check(config));
  const service = parts.use(await start({ mx, issuer, environment: own }));
  await clock.run(sleep(10)); // Connections are ready: the first call goes out on one that was kept.
  const { result } = await clock.run(service.post("ada"));
  const finding = findings.find(({ party }) => party === "platform_api");
  return { status: result.status, verdict: finding?.verdict };
}

describe("a session and --check agree about an MX", () => {
  it.each([
    { way: "direct", delayMs: 1800, deadline: "8s", status: 200, verdict: "ok" },
    { way: "direct", delayMs: 3000, deadline: "8s", status: 503, verdict: "unreachable" },
    { way: "direct", delayMs: 900, deadline: "2s", status: 200, verdict: "ok" },
    { way: "direct", delayMs: 15_000, deadline: "60s", status: 200, verdict: "ok" },
    { way: "proxy", delayMs: 3000, deadline: "20s", status: 200, verdict: "ok" },
    { way: "proxy", delayMs: 3000, deadline: "8s", status: 503, verdict: "unreachable" },
  ] as const)(
    "to which connections open after $delayMs ms ($way), within $deadline: $status",
    async ({ way, delayMs, deadline, status, verdict }) => {
      const environment = { REQUEST_DEADLINE: deadline };
      const slow = await ask({ way, environment }, (relay) => relay.delay(delayMs));
      expect(slow).toEqual({ status, verdict });
    },
  );

  it.each([
    { ms: 3500, deadline: "20s", status: 200, verdict: "ok" },
    { ms: 11_000, deadline: "20s", status: 504, verdict: "no_answer" },
    { ms: 5000, deadline: "8s", status: 504, verdict: "no_answer" },
    { ms: 9000, deadline: "60s", status: 200, verdict: "ok" },
  ] as const)("that answers after $ms ms, within $deadline: $status", async (row) => {
    const environment = { REQUEST_DEADLINE: row.deadline };
    const slow = await ask({ way: "direct", environment }, (_relay, mx) =>
      mx.misbehave(() => ({ kind: "delay", ms: row.ms })),
    );
    expect(slow).toEqual({ status: row.status, verdict: row.verdict });
  });
});

describe("an issuer that is slow", () => {
  it.each([
    { delayMs: 3500, deadline: "20s" },
    { delayMs: 2000, deadline: "8s" },
  ])("to open connections ($delayMs ms) is waited for within $deadline", async (row) => {
    await using issuer = await startIdentityProvider({ algorithm: "ES256" });
    await using mx = await startSimulator();
    await using relay = await startRelay(issuer.issuer);
    relay.delay(row.delayMs);
    const environment = {
      REQUEST_DEADLINE: row.deadline,
      AUTH_JWKS_URL: `http://127.0.0.1:${relay.port}/jwks`,
    };
    const config = loadConfig({ ...baseEnvironment(mx, issuer, "platform"), ...environment });
    const { result: findings } = await clock.run(check(config));
    await using service = await start({ mx, issuer, environment });

    expect(findings.find(({ party }) => party === "issuer")?.verdict).toBe("ok");
    expect((await clock.run(service.post("ada"))).result.status).toBe(200);
  });
});
