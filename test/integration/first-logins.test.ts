/**
 * Two first logins of one user at the same moment: two URLs, one User, one Member.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Simulator } from "../../packages/simulator/src/simulator.ts";
import { type Started, start } from "../support/start.ts";

const PAIRS = 200;

/** Sends all pairs at once and checks what MX and the callers have afterwards. */
async function expectPairsToSucceed(
  mx: Simulator,
  first: Started,
  second: Started,
  apis: string,
): Promise<void> {
  const subjects = Array.from({ length: PAIRS }, (_, index) => `u-${index}`);

  const responses = await Promise.all(
    subjects.flatMap((subject) => [first.post(subject), second.post(subject)]),
  );

  const statuses = Map.groupBy(responses, (response) => response.status);
  expect([...statuses.keys()]).toEqual([200]);
  expect(new Set(responses.map((response) => response.body.widget_url.url)).size).toBe(2 * PAIRS);
  expect(mx.state.users.size).toBe(PAIRS);
  expect(mx.state.created.users).toBe(PAIRS);
  if (apis !== "platform") {
    expect(mx.state.members.size).toBe(PAIRS);
    expect(mx.state.created.members).toBe(PAIRS);
  }
}

describe.each(["v20250224", "v20111101"])("first logins in two replicas with %s", (version) => {
  it.each([300, 900])("succeed while MX needs %i ms to show a new User", async (propagationMs) => {
    const environment = { MX_PLATFORM_VERSION: version };
    await using one = await start({ environment });
    await using two = await start({ environment, mx: one.mx, issuer: one.issuer });
    one.mx.settings.propagationMs = propagationMs;
    const subjects = Array.from({ length: 30 }, (_, index) => `u-${index}`);

    const responses = await Promise.all(
      subjects.flatMap((subject) => [one.post(subject), two.post(subject)]),
    );

    expect([...new Set(responses.map((response) => response.status))]).toEqual([200]);
    expect(one.mx.state.created.users).toBe(30);
  });
});

describe.each(["platform", "sso", "both"] as const)(
  "two hundred pairs of first logins with %s",
  (apis) => {
    const environment = { MAX_IN_FLIGHT: "400" };

    it("give 400 URLs, 200 Users and 200 Members in one process", async () => {
      await using service = await start({ apis, environment });
      service.mx.settings.latencyMs = 5;

      await expectPairsToSucceed(service.mx, service, service, apis);
    });

    it("give 400 URLs, 200 Users and 200 Members in two replicas", async () => {
      await using one = await start({ apis, environment });
      await using two = await start({ apis, environment, mx: one.mx, issuer: one.issuer });
      one.mx.settings.latencyMs = 5;

      await expectPairsToSucceed(one.mx, one, two, apis);
    });
  },
);

const LEGACY = { MX_PLATFORM_VERSION: "v20111101" };

describe.each([
  ["platform", {}, ["platform.create_user"]],
  ["platform", LEGACY, ["platform.create_user"]],
  ["sso", {}, ["sso.create_user", "sso.create_member"]],
  ["both", {}, ["sso.create_user", "sso.create_member"]],
  ["v3-members", {}, ["mdx.create_user", "mdx.create_member"]],
] as const)("fifty first logins of one user at once (%s %o)", (apis, environment, creates) => {
  it.each([0, 600])("send one create of each where MX shows it after %i ms", async (afterMs) => {
    await using service = await start({ apis, environment });
    Object.assign(service.mx.settings, { latencyMs: 10, propagationMs: afterMs });

    const logins = Array.from({ length: 50 }, async (_, index) => {
      await sleep(10 * index); // The last ones come when MX has made the user, but does not show it yet.
      return service.post("ada");
    });
    const responses = await Promise.all(logins);

    expect([...new Set(responses.map(({ status }) => status))]).toEqual([200]);
    for (const operation of creates) expect(service.mx.calls.of(operation)).toHaveLength(1);
  });

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
