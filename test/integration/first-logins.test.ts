/**
 * Two first logins of one user at the same moment: two URLs, one User, one Member.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Response } from "supertest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Clock, stopClock } from "../support/clock.ts";
import { rowsOf, runsOf } from "../support/exhaustive.ts";
import { startPartnerLookup } from "../support/partner-lookup.ts";
import { type Started, start } from "../support/start.ts";

let clock: Clock;
beforeAll(() => {
  clock = stopClock();
});
afterAll(() => clock[Symbol.dispose]());

const PAIRS = runsOf(200);
const AT_ONCE = { MAX_IN_FLIGHT: "400" };

type Post = (service: Started, subject: string) => Promise<Response>;

/** Sends all pairs at once and checks what MX and the callers have afterwards. */
async function expectPairsToSucceed(
  [first, second]: readonly [Started, Started],
  apis: string,
  post: Post = (service, subject) => service.post(subject),
): Promise<void> {
  const { state } = first.mx;
  const subjects = Array.from({ length: PAIRS }, (_, index) => `u-${index}`);

  const responses = await Promise.all(
    subjects.flatMap((subject) => [post(first, subject), post(second, subject)]),
  );

  const statuses = Map.groupBy(responses, (response) => response.status);
  expect([...statuses.keys()]).toEqual([200]);
  expect(new Set(responses.map((response) => response.body.widget_url.url)).size).toBe(2 * PAIRS);
  const members = apis === "platform" || apis === "v3" ? 0 : PAIRS;
  expect([state.users.size, state.members.size]).toEqual([PAIRS, members]);
  expect(state.created).toMatchObject({ users: PAIRS, members });
}

describe.each(["v20250224", "v20111101"])("first logins in two replicas with %s", (version) => {
  it.each(rowsOf([900, 300], 1))(
    "succeed while MX needs %i ms to show a new User",
    async (propagationMs) => {
      const environment = { MX_PLATFORM_VERSION: version };
      await using one = await start({ environment });
      await using two = await start({ environment, mx: one.mx, issuer: one.issuer });
      one.mx.settings.propagationMs = propagationMs;
      const subjects = Array.from({ length: 15 }, (_, index) => `u-${index}`);

      const responses = await Promise.all(
        subjects.flatMap((subject) => [one.post(subject), two.post(subject)]),
      );

      expect([...new Set(responses.map((response) => response.status))]).toEqual([200]);
      expect(one.mx.state.created.users).toBe(15);
    },
  );
});

describe.each(["platform", "sso", "both"] as const)("pairs of first logins with %s", (apis) => {
  const environment = AT_ONCE;

  it("give each a URL, and each user one User and one Member, in one process", async () => {
    await using service = await start({ apis, environment });
    service.mx.settings.latencyMs = 5;

    await expectPairsToSucceed([service, service], apis);
  });

  it(`give ${2 * PAIRS} URLs, ${PAIRS} Users and ${PAIRS} Members in two replicas`, async () => {
    await using one = await start({ apis, environment });
    await using two = await start({ apis, environment, mx: one.mx, issuer: one.issuer });
    one.mx.settings.latencyMs = 5;

    await expectPairsToSucceed([one, two], apis);
  });
});

const LEGACY = { MX_PLATFORM_VERSION: "v20111101" };
const EXPIRING = {
  MEMBER_CREDENTIALS: "claim",
  MEMBER_USERKEY_SECRET: undefined,
  MEMBER_USERKEY_CLAIM: "sub",
  MEMBER_USERKEY_EXPIRES: "true",
};

describe.each(["v3", "v3-members", "v3-both"] as const)(
  "pairs of first logins in two replicas with %s",
  (apis) => {
    const delays = [
      [900, 900],
      [0, 0],
      [300, 0],
      [900, 0],
      [0, 900],
    ] as const;
    it.each(rowsOf(delays, 1))(
      "succeed while it takes %i ms until a new User gets URLs, and %i ms until MDX shows what it made",
      async (propagationMs, mdxPropagationMs) => {
        await using one = await start({ apis, environment: AT_ONCE });
        await using two = await start({
          apis,
          environment: AT_ONCE,
          mx: one.mx,
          issuer: one.issuer,
        });
        Object.assign(one.mx.settings, { propagationMs, mdxPropagationMs });

        await expectPairsToSucceed([one, two], apis);
      },
    );
  },
);

it.each([
  ["v3-members", EXPIRING],
  ["v3-both", LEGACY],
  ["v3-both", { ...LEGACY, ...EXPIRING }],
] as const)(
  "pairs of first logins with %s %o succeed while everything of MX's is late",
  async (apis, more) => {
    const environment = { ...AT_ONCE, ...more };
    await using one = await start({ apis, environment });
    await using two = await start({ apis, environment, mx: one.mx, issuer: one.issuer });
    Object.assign(one.mx.settings, { propagationMs: 900, mdxPropagationMs: 900 });

    await expectPairsToSucceed([one, two], apis);
  },
);

it.each([
  ["sso", "a template", { MEMBER_ID_TEMPLATE: "acct-{user_id}" }],
  ["sso", "a claim", { MEMBER_ID_CLAIM: "mx_member" }],
  ["sso", "the lookup", { MEMBER_CREDENTIALS: "lookup", MEMBER_USERKEY_SECRET: undefined }],
  ["v3-members", "the lookup", { MEMBER_CREDENTIALS: "lookup", MEMBER_USERKEY_SECRET: undefined }],
] as const)(
  "pairs of first logins (%s) give each user the one Member that %s names",
  async (apis, _what, changes) => {
    await using lookup = await startPartnerLookup(({ user_id }) => ({
      userkey: `key-of-${user_id}`,
      member_id: `acct-${user_id}`,
    }));
    const isAsked = "MEMBER_CREDENTIALS" in changes;
    const environment = { ...AT_ONCE, ...changes, ...(isAsked && lookup.environment) };
    await using one = await start({ apis, environment });
    await using two = await start({ apis, environment, mx: one.mx, issuer: one.issuer });

    await expectPairsToSucceed([one, two], apis, async (service, subject) => {
      const claims = { mx_member: `acct-${subject}` };
      const token = await one.issuer.issueToken(subject, { claims });
      return service.check(service.request().set("Authorization", `Bearer ${token}`));
    });

    const { state } = one.mx;
    for (const { id, userGuid } of state.members.values())
      expect(id).toBe(`acct-${state.users.get(userGuid)?.id}`);
  },
);

describe.each([
  ["platform", {}, ["platform.create_user"]],
  ["platform", LEGACY, ["platform.create_user"]],
  ["sso", {}, ["sso.create_user", "sso.create_member"]],
  ["both", {}, ["sso.create_user", "sso.create_member"]],
  ["v3-members", {}, ["mdx.create_user", "mdx.create_member"]],
] as const)("fifty first logins of one user at once (%s %o)", (apis, environment, creates) => {
  it.each(rowsOf([600, 0], 1))(
    "send one create of each where MX shows it after %i ms",
    async (afterMs) => {
      await using service = await start({ apis, environment });
      Object.assign(service.mx.settings, { latencyMs: 10, propagationMs: afterMs });

      const logins = Array.from({ length: 50 }, async (_, index) => {
        await sleep(10 * index); // The last ones come when MX has made the user, but does not show it yet.
        return service.post("ada");
      });
      const { result: responses } = await clock.run(Promise.all(logins));

      expect([...new Set(responses.map(({ status }) => status))]).toEqual([200]);
      for (const operation of creates) expect(service.mx.calls.of(operation)).toHaveLength(1);
    },
  );

  it.each(creates)("send another %s where the answer was lost", async (operation) => {
    await using service = await start({ apis, environment });
    service.mx.failNext({ kind: "reset", when: "before" }, { operation });

    const responses = await Promise.all(Array.from({ length: 5 }, () => service.post("ada")));

    expect([...new Set(responses.map(({ status }) => status))]).toEqual([200]);
    expect(service.mx.calls.of(operation)).toHaveLength(2);
  });
});

it("blames no widget for a user whom MX shows too late (v3)", async () => {
  await using service = await start({ apis: "v3" });
  Object.assign(service.mx.settings, { latencyMs: 200, propagationMs: 60_000 });

  const responses = await Promise.all([service.post("ada"), service.post("ada")]);

  expect(responses.map(({ body }) => body.type)).toEqual(
    Array(2).fill("/problems/upstream-unavailable"),
  );
});
