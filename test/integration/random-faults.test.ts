/**
 * The whole service under random faults at random calls: whatever MX does, nobody gets somebody else's widget, no user is
 * made twice, no answer is late or undocumented, and the first call after the faults mends everything.
 */

import fc from "fast-check";
import type { Response } from "supertest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Fault } from "../../packages/simulator/src/faults.ts";
import {
  type IdentityProvider,
  startIdentityProvider,
} from "../../packages/simulator/src/identity-provider.ts";
import { type Simulator, startSimulator } from "../../packages/simulator/src/simulator.ts";
import { type Clock, stopClock } from "../support/clock.ts";
import { runsOf } from "../support/exhaustive.ts";
import {
  type FaultServer,
  type Misbehaviour,
  type StartedBehindFaults,
  startBehindFaults,
  toHttp,
} from "../support/fault-server.ts";

/** The same runs each time. */
const SEED = 20_261_120;
const RUNS = runsOf(150);
const DEADLINE_MS = 1000;
const GRACE_MS = 250;
/** Fewer than the breaker needs to open: otherwise the first call after them would not reach MX. */
const MAX_FAULTS = 9;
/** Of one request: see src/session/budget.ts. */
const MAX_CALLS = 10;
/** An answer that nobody asked for comes at most so long after the real one. */
const EXTRA_AFTER_MS = 5;

let mx: Simulator;
let issuer: IdentityProvider;

let clock: Clock;

beforeAll(async () => {
  clock = stopClock();
  mx = await startSimulator();
  issuer = await startIdentityProvider({ algorithm: "ES256" });
});
afterAll(async () => {
  await issuer[Symbol.asyncDispose]();
  await mx[Symbol.asyncDispose]();
  clock[Symbol.dispose]();
});

/** What happens to one call: on the wire, or in MX's own words, which the simulator says. */
type Blow = { wire: Misbehaviour } | { mx: Fault };

const EXPIRING = {
  MEMBER_CREDENTIALS: "claim",
  MEMBER_USERKEY_CLAIM: "sid",
  MEMBER_USERKEY_EXPIRES: "true",
  MEMBER_USERKEY_SECRET: "",
};
const SETUPS = [
  { apis: "platform", environment: {} },
  { apis: "platform", environment: { MX_PLATFORM_VERSION: "v20111101" } },
  { apis: "sso", environment: {} },
  { apis: "sso", environment: EXPIRING },
  { apis: "both", environment: {} },
  { apis: "both", environment: EXPIRING },
  { apis: "v3", environment: {} },
  { apis: "v3-members", environment: {} },
  { apis: "v3-members", environment: EXPIRING },
  { apis: "v3-both", environment: EXPIRING },
] as const;
const WITHOUT_MEMBERS = ["platform", "v3"];

const FOREIGN_URL = toHttp({
  widget_url: { type: "connect_widget", url: "http://127.0.0.1/foreign", user_id: "eve" },
});
/** As the SSO API v2, the SSO API v3 and MDX Real Time would give it. */
const FOREIGN_USER = toHttp({
  guid: "USR-eve",
  external_user_guid: "eve",
  master_widget_url: "http://127.0.0.1/foreign",
  url: { type: "connect_widget", url: "http://127.0.0.1/foreign", user_id: "eve" },
  user: { id: "eve", guid: "USR-eve" },
  member: { id: "M-eve", user_id: "eve" },
});
const isApplied = fc.boolean();

const blows: fc.Arbitrary<Blow> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ wire: wireFaults() }) },
  { weight: 4, arbitrary: fc.record({ mx: mxFaults() }) },
);

function wireFaults(): fc.Arbitrary<Misbehaviour> {
  return fc.oneof(
    fc.record({ kind: fc.constantFrom("reset" as const, "fin" as const), applied: isApplied }),
    fc.record({ kind: fc.constant("truncate" as const), of: fc.constantFrom("head", "body") }),
    fc.record({ kind: fc.constant("delay" as const), ms: fc.integer({ min: 1, max: 150 }) }),
    fc.record({
      kind: fc.constant("raw" as const),
      text: fc.constantFrom(
        FOREIGN_URL,
        FOREIGN_USER,
        "SSH-2.0-canary\r\n",
        toHttp("{"),
        toHttp([]),
      ),
      applied: isApplied,
      close: fc.boolean(),
    }),
    fc.record({
      kind: fc.constant("extra" as const),
      text: fc.constantFrom(FOREIGN_URL, FOREIGN_USER),
      afterMs: fc.integer({ min: 0, max: EXTRA_AFTER_MS }),
    }),
    fc.record({ kind: fc.constant("stale" as const), by: fc.constantFrom("fin", "reset") }),
  );
}

function mxFaults(): fc.Arbitrary<Fault> {
  return fc.oneof(
    fc.record({
      kind: fc.constant("status" as const),
      status: fc.constantFrom(400, 401, 404, 409, 422, 429, 500, 502, 503, 504),
      applied: isApplied,
    }),
    fc.record({ kind: fc.constant("absent" as const), applied: isApplied }),
    fc.constant<Fault>({ kind: "wrongUser" }),
    fc.record({
      kind: fc.constant("raw" as const),
      body: fc.constantFrom("", "null", "[]", "<html>canary</html>", '{"user":{"gu'),
      applied: isApplied,
    }),
  );
}

/** At most one silence in a run: it costs the deadline. */
const plans = fc.record({
  setup: fc.constantFrom(...SETUPS),
  blows: fc.array(fc.option(blows, { freq: 3, nil: undefined }), { maxLength: MAX_FAULTS }),
  silentAt: fc.option(fc.nat({ max: 60 }), { freq: 2, nil: undefined }),
  atOnce: fc.integer({ min: 1, max: 3 }),
  /** Deleted at MX before this call, as MX does on its own. */
  deletedAt: fc.option(fc.nat({ max: 12 }), { freq: 4, nil: undefined }),
});

let runs = 0;

function arrange(service: StartedBehindFaults, plan: Plan, subject: string): void {
  let calls = 0;
  const choose: Parameters<FaultServer["misbehave"]>[0] = ({ operation }) => {
    const index = calls++;
    if (index === plan.deletedAt) service.mx.deleteUser(subject);
    if (index === plan.silentAt) return { kind: "silence" };
    const blow = plan.blows[index];
    if (blow && "wire" in blow) return blow.wire;
    if (blow && operation !== "unknown") service.mx.failNext(blow.mx, { operation });
    return undefined;
  };
  for (const wire of wiresOf(service)) wire.misbehave(choose);
}

const wiresOf = ({ platform, sso, mdx }: StartedBehindFaults) => [platform, sso, mdx];

type Plan = typeof plans extends fc.Arbitrary<infer Value> ? Value : never;

async function login(service: StartedBehindFaults, subject: string): Promise<Response> {
  const token = await service.issuer.issueToken(subject, { claims: { sid: `${runs}` } });
  return service.check(service.request().set("Authorization", `Bearer ${token}`));
}

/** A widget of this user, or a problem; in time, and with nothing of MX's in it. */
async function expectPromiseKept(service: StartedBehindFaults, subject: string): Promise<string> {
  const startedAt = performance.now();
  const response = await login(service, subject);
  const ms = performance.now() - startedAt;

  expect(ms).toBeLessThan(DEADLINE_MS + GRACE_MS);
  expect(response.text).not.toMatch(/canary|foreign|eve|USR-|MBR-/);
  if (response.status !== 200) {
    expect([502, 503, 504]).toContain(response.status);
    return "";
  }
  const { url } = response.body.widget_url;
  const ticket = mx.state.widgetTickets.get(url.split("/").at(-1));
  expect(ticket).toBeDefined();
  const owner = mx.state.users.get(ticket?.userGuid ?? "");
  expect(owner ? owner.id : subject).toBe(subject); // MX may have deleted him since.
  return url;
}

function expectMadeAtMostOnce(subject: string, before: Counts, deletions: number): void {
  const { users, members } = mx.state.created;
  expect(users - before.users).toBeLessThanOrEqual(1 + deletions);
  expect(members - before.members).toBeLessThanOrEqual(1 + deletions);
  const all = [...mx.state.users.values()].filter(({ id }) => id === subject);
  expect(all.length).toBeLessThanOrEqual(1);
}

type Counts = { users: number; members: number };

describe("under random faults at random calls", () => {
  it(`every promise holds, and the first healthy call gives 200 (${RUNS} runs)`, async () => {
    const property = fc.asyncProperty(plans, async (plan) => {
      runs += 1;
      const subject = `u-${runs}`;
      const { apis } = plan.setup;
      const environment = { ...plan.setup.environment, REQUEST_DEADLINE: `${DEADLINE_MS}ms` };
      await using service = await startBehindFaults({ apis, environment, mx, issuer });
      const before = { ...mx.state.created };
      arrange(service, plan, subject);

      const asking = Array.from({ length: plan.atOnce }, () => expectPromiseKept(service, subject));
      const urls = await Promise.all(asking);
      const given = urls.filter((url) => url !== "");
      expect(new Set(given).size).toBe(given.length);
      expectMadeAtMostOnce(subject, before, plan.deletedAt === undefined ? 0 : 1);

      mx.clearFaults();
      for (const wire of wiresOf(service)) wire.reset();
      await clock.advance(EXTRA_AFTER_MS); // Nobody can tell an answer too many from one's own while it is on its way.
      expect(await expectPromiseKept(service, subject)).not.toBe("");
      const calls = wiresOf(service).flatMap(({ requests }) => requests);
      expect(calls.length).toBeLessThanOrEqual(MAX_CALLS);
      expectMadeAtMostOnce(subject, before, plan.deletedAt === undefined ? 0 : 1);
      const user = mx.state.findUser(subject);
      expect(user).toBeDefined();
      expect(user && mx.state.membersOf(user)).toHaveLength(WITHOUT_MEMBERS.includes(apis) ? 0 : 1);
    });
    await fc.assert(property, { seed: SEED, numRuns: RUNS, endOnFailure: true });
  });
});
