/**
 * Connections that die without a word, as when a NAT gateway or a firewall on the way is replaced: those that are open
 * swallow everything, and new ones work. Time passes only where a test lets it (clock.ts).
 */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSimulator } from "../../packages/simulator/src/simulator.ts";
import type { Environment } from "../../src/config/variables.ts";
import { makeCertificates } from "../support/certificates.ts";
import { type Clock, letTimePass, stopClock } from "../support/clock.ts";
import { startFaultServer } from "../support/fault-server.ts";
import { SESSION_COOKIE, startPartnerLogin } from "../support/partner-login.ts";
import { startPartnerLookup } from "../support/partner-lookup.ts";
import { startProxy } from "../support/proxy.ts";
import { type Relay, startRelay } from "../support/relay.ts";
import { askSessions, countByStatus, subjectsOf } from "../support/sessions.ts";
import { type Started, type StartOptions, start } from "../support/start.ts";

/** What a request on a kept connection waits, and some time for its repeat. */
const ONE_DEATH_MS = 3500;
const UNLIMITED = { RATE_LIMIT_USER: "100000/1s" };

let clock: Clock;
beforeAll(() => {
  clock = stopClock();
});
afterAll(() => clock[Symbol.dispose]());

type Relayed = Started & { relay: Relay };

/** The service, with MX behind a relay; over https and through a forward proxy, where the relay is in front of that. */
async function startRelayed(
  environment: Environment = {},
  {
    apis = "platform",
    way = "plain",
  }: Pick<StartOptions, "apis"> & { way?: "plain" | "proxy" } = {},
): Promise<Relayed> {
  await using parts = new AsyncDisposableStack();
  const mx = parts.use(await startSimulator());
  const api = apis === "sso" ? mx.ssoUrl : mx.platformUrl;
  const certificates = way === "proxy" ? parts.use(makeCertificates()) : undefined;
  if (certificates) parts.use(certificates.trust());
  const certificate = certificates && { certificate: certificates.good };
  const upstream = parts.use(await startFaultServer({ upstream: api, ...certificate }));
  const proxy = way === "proxy" ? parts.use(await startProxy()) : undefined;
  const relay = parts.use(await startRelay(proxy?.url ?? upstream.url));
  const atRelay = (url: string) => url.replace(/\d+$/, `${relay.port}`);
  const base = proxy ? upstream.url : atRelay(upstream.url);
  const service = parts.use(
    await start({
      apis,
      mx,
      environment: {
        ...UNLIMITED,
        [apis === "sso" ? "MX_SSO_BASE_URL" : "MX_PLATFORM_BASE_URL"]: base,
        ...(proxy && { HTTPS_PROXY: atRelay(proxy.url) }),
        ...environment,
      },
    }),
  );
  const owned = parts.move();
  return { ...service, relay, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function askAll(service: Started, subjects: readonly string[], atOnce: number) {
  return (await clock.run(askSessions(service, subjects, atOnce))).result;
}

/** Opens so many connections, with users whom MX knows. */
async function openConnections(service: Relayed, count: number): Promise<void> {
  const subjects = subjectsOf(count);
  for (const id of subjects) service.mx.state.createUser({ id });
  service.relay.holdUntilOpen(count);
  const answers = await askAll(service, subjects, count);
  expect(countByStatus(answers)).toEqual({ 200: count });
  expect(service.relay.open).toBeGreaterThanOrEqual(count);
}

describe("when the connections to MX have died in silence", () => {
  it.each([
    { width: 33, way: "plain" },
    { width: 73, way: "plain" },
    { width: 5, way: "proxy" },
  ] as const)(
    "one request waits for it, and none fails: $width connections ($way)",
    async (row) => {
      await using service = await startRelayed({}, row);
      await openConnections(service, row.width);
      service.relay.swallow();

      const [first] = await askAll(service, ["u-0"], 1);
      expect(first?.status).toBe(200);
      expect(first?.ms).toBeLessThan(ONE_DEATH_MS);
      for (const { status, ms } of await askAll(service, subjectsOf(10), 3)) {
        expect(status).toBe(200);
        expect(ms).toBeLessThan(1000); // Nobody else meets a dead one.
      }
    },
  );

  it("requests that come all at once are repeated, and the circuit breaker stays closed", async () => {
    await using service = await startRelayed();
    await openConnections(service, 60);
    service.relay.swallow();

    const answers = await askAll(service, subjectsOf(60), 60);
    expect(countByStatus(answers)).toEqual({ 200: 60 });
    expect(Math.max(...answers.map(({ ms }) => ms))).toBeLessThan(ONE_DEATH_MS);
  });

  it("with a short deadline those fail that were sent before the first timeout, and no others", async () => {
    await using service = await startRelayed({ REQUEST_DEADLINE: "1s" });
    await openConnections(service, 33);
    service.relay.swallow();

    expect(countByStatus(await askAll(service, subjectsOf(5), 5))).toEqual({ 504: 5 });
    expect(countByStatus(await askAll(service, subjectsOf(28), 1))).toEqual({ 200: 28 });
  });

  it("with a long deadline a kept connection gets three seconds all the same", async () => {
    await using service = await startRelayed({ REQUEST_DEADLINE: "60s" });
    await openConnections(service, 3);
    service.relay.swallow();

    const [first] = await askAll(service, ["u-0"], 1);
    expect(first?.status).toBe(200);
    expect(first?.ms).toBeLessThan(ONE_DEATH_MS);
  });

  it.each([
    { create: "User", isApplied: true, apis: "platform", bytes: "POST /users " },
    { create: "User", isApplied: false, apis: "platform", bytes: "POST /users " },
    { create: "User", isApplied: true, apis: "sso", bytes: "POST /user?" },
    { create: "Member", isApplied: true, apis: "sso", bytes: "POST /member?" },
    { create: "Member", isApplied: false, apis: "sso", bytes: "POST /member?" },
  ] as const)(
    "a create of a $create is read back before it is repeated ($apis, applied: $isApplied)",
    async ({ isApplied, apis, bytes }) => {
      await using service = await startRelayed({}, { apis });
      service.relay.swallowAt(bytes, isApplied);

      const { result, ms } = await clock.run(service.post("ada"));

      expect(result.status).toBe(200);
      expect(ms).toBeGreaterThanOrEqual(3000);
      expect(service.mx.state.users.size).toBe(1);
      if (apis === "sso") expect(service.mx.state.members.size).toBe(1);
    },
  );

  it("a URL that was made in vain is not handed out: each session gets one of its own", async () => {
    await using service = await startRelayed();
    await openConnections(service, 3);
    service.relay.swallowAt("/widget_urls", true);

    const answers = await askAll(service, ["u-0", "u-1", "u-2"], 1);
    expect(countByStatus(answers)).toEqual({ 200: 3 });
    expect(new Set(answers.map(({ url }) => url)).size).toBe(3);
  });

  it("one slow answer costs no other connection that answers meanwhile", async () => {
    await using service = await startRelayed();
    await openConnections(service, 5);
    const { opened } = service.relay;
    service.mx.failNext({ kind: "silence" });
    const slow = askSessions(service, ["u-0"], 1); // Lets no time pass, as `post` would.
    await clock.until(() => service.mx.calls.count === 6);
    await clock.advance(100);
    for (const id of ["u-1", "u-2", "u-3", "u-4"]) await service.post(id);

    expect(countByStatus(await letTimePass(slow))).toEqual({ 200: 1 });
    await service.post("u-1");
    expect(service.relay.opened - opened).toBeLessThanOrEqual(6);
  });
});

describe("when the connections to the partner's hosts have died in silence", () => {
  it.each([
    ["introspection", { Authorization: "Bearer opaque-1" }],
    [
      "the session check",
      { Cookie: `${SESSION_COOKIE}=s-1`, "X-CSRF": "1", "Sec-Fetch-Site": "same-origin" },
    ],
  ])("%s is asked again on a new one, and nobody else waits", async (_what, headers) => {
    await using partner = await startPartnerLogin();
    await using relay = await startRelay(partner.url);
    const atRelay = Object.entries(partner.environment).map(([name, value]) => [
      name,
      value?.replace(partner.url, `http://127.0.0.1:${relay.port}`),
    ]);
    await using service = await start({ environment: Object.fromEntries(atRelay) });
    for (let number = 1; number <= 9; number += 1) {
      partner.tokens.set(`opaque-${number}`, { active: true, sub: "ada", aud: "mx-session-bff" });
      partner.sessions.set(`s-${number}`, { sub: "ada" });
    }
    const ask = async (number: number) => {
      const own = Object.entries(headers).map(([name, value]) => [
        name,
        value.replace(/-1$/, `-${number}`),
      ]);
      const test = service.request().set(Object.fromEntries(own));
      const { result, ms } = await clock.run(service.check(test));
      return { status: result.status, ms };
    };
    relay.holdUntilOpen(3);
    const warm = await Promise.all([1, 2, 3].map(ask));
    expect(countByStatus(warm)).toEqual({ 200: 3 });
    relay.swallow();

    const first = await ask(4);
    expect(first.status).toBe(200);
    expect(first.ms).toBeLessThan(ONE_DEATH_MS);
    for (const number of [5, 6, 7, 8]) {
      const { status, ms } = await ask(number);
      expect(status).toBe(200);
      expect(ms).toBeLessThan(1000);
    }
  });

  it("the lookup is asked again on a new one, and nobody else waits", async () => {
    await using lookup = await startPartnerLookup({ userkey: "key-of-nobody" });
    const url = lookup.environment.MEMBER_LOOKUP_URL ?? "";
    await using relay = await startRelay(url);
    await using service = await start({
      apis: "sso",
      environment: {
        ...lookup.environment,
        MEMBER_CREDENTIALS: "lookup",
        MEMBER_USERKEY_SECRET: undefined,
        MEMBER_LOOKUP_URL: url.replace(/:\d+/, `:${relay.port}`),
      },
    });
    relay.holdUntilOpen(3);
    expect(countByStatus(await askAll(service, subjectsOf(3), 3))).toEqual({ 200: 3 });
    relay.swallow();

    const [first, ...others] = await askAll(service, subjectsOf(5), 1);
    expect(first?.status).toBe(200);
    expect(first?.ms).toBeLessThan(ONE_DEATH_MS + 1000);
    for (const { status, ms } of others) {
      expect(status).toBe(200);
      expect(ms).toBeLessThan(1000);
    }
  });
});
