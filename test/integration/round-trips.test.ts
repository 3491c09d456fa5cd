/**
 * How many round trips to MX a caller waits for, one after another. They are the product.
 *
 * The simulator answers after a while, so that calls sent side by side overlap, and counts the longest chain.
 */

import { describe, expect, it } from "vitest";
import { stopClock } from "../support/clock.ts";
import { type Started, type StartOptions, start } from "../support/start.ts";

const EXPIRING = {
  MEMBER_CREDENTIALS: "claim",
  MEMBER_USERKEY_SECRET: undefined,
  MEMBER_USERKEY_CLAIM: "sub",
  MEMBER_USERKEY_EXPIRES: "true",
};
const OLD = { MX_PLATFORM_VERSION: "v20111101" };

type Case = {
  name: string;
  apis: NonNullable<StartOptions["apis"]>;
  environment?: NonNullable<StartOptions["environment"]>;
  before?: (service: Started) => unknown;
  roundTrips: number;
  calls: number;
};

const login = (service: Started) => service.post("ada");
const userExists = (service: Started) => service.mx.state.createUser({ id: "ada" });

const CASES: Case[] = [
  {
    name: "Platform v20250224, known user",
    apis: "platform",
    before: login,
    roundTrips: 1,
    calls: 1,
  },
  { name: "Platform v20250224, first login", apis: "platform", roundTrips: 3, calls: 3 },
  {
    name: "Platform v20111101, known user, guid remembered",
    apis: "platform",
    environment: OLD,
    before: login,
    roundTrips: 1,
    calls: 1,
  },
  {
    name: "Platform v20111101, known user, guid not remembered",
    apis: "platform",
    environment: OLD,
    before: userExists,
    roundTrips: 2,
    calls: 2,
  },
  {
    name: "Platform v20111101, first login",
    apis: "platform",
    environment: OLD,
    roundTrips: 3,
    calls: 3,
  },
  { name: "SSO, known user", apis: "sso", before: login, roundTrips: 1, calls: 2 },
  {
    name: "SSO, known user, expiring credentials",
    apis: "sso",
    environment: EXPIRING,
    before: login,
    roundTrips: 2,
    calls: 3,
  },
  {
    name: "SSO, known user without Member",
    apis: "sso",
    before: userExists,
    roundTrips: 2,
    calls: 3,
  },
  { name: "SSO, first login", apis: "sso", roundTrips: 3, calls: 4 },
  { name: "both, known user", apis: "both", before: login, roundTrips: 2, calls: 3 },
  {
    name: "both, known user, expiring credentials",
    apis: "both",
    environment: EXPIRING,
    before: login,
    roundTrips: 2,
    calls: 4,
  },
  {
    name: "both, known user without Member",
    apis: "both",
    before: userExists,
    roundTrips: 2,
    calls: 4,
  },
  { name: "both, first login", apis: "both", roundTrips: 3, calls: 5 },
  { name: "v3, known user", apis: "v3", before: login, roundTrips: 1, calls: 1 },
  { name: "v3, first login", apis: "v3", roundTrips: 3, calls: 3 },
  ...(["v3-members", "v3-both"] as const).flatMap((apis): Case[] => [
    { name: `${apis}, known user`, apis, before: login, roundTrips: 1, calls: 2 },
    {
      name: `${apis}, known user, expiring credentials`,
      apis,
      environment: EXPIRING,
      before: login,
      roundTrips: 2,
      calls: 3,
    },
    {
      name: `${apis}, known user without Member`,
      apis,
      before: userExists,
      roundTrips: 2,
      calls: 3,
    },
    { name: `${apis}, first login`, apis, roundTrips: 3, calls: 5 },
  ]),
];

describe("a session waits for", () => {
  it.each(CASES)(
    "$roundTrips round trip(s): $name",
    async ({ apis, environment = {}, before, roundTrips, calls }) => {
      await using service = await start({ apis, environment });
      await before?.(service);
      service.mx.settings.latencyMs = 40;
      service.mx.calls.clear();

      expect((await service.post("ada")).status).toBe(200);

      expect(service.mx.calls.depth()).toBe(roundTrips);
      expect(service.mx.calls.count).toBe(calls);
    },
  );

  it("the time of one round trip, for a known user", async () => {
    using clock = stopClock();
    await using service = await start();
    await service.post("ada");
    service.mx.settings.latencyMs = 1500;

    const { result, ms } = await clock.run(service.post("ada"));

    expect([result.status, ms]).toEqual([200, 1500]);
  });
});
