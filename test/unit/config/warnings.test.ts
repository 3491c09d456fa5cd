import { describe, expect, it } from "vitest";
import { type Config, loadConfig } from "../../../src/config/load.ts";
import { findWarnings } from "../../../src/config/warnings.ts";

const SECRET = "iN5tAnCe-s3cReT-0123456789-abcdefgh";
const MINIMAL = {
  AUTH_ISSUER: "https://login.bank.com",
  AUTH_AUDIENCE: "mx-session-bff",
  MX_PLATFORM_CLIENT_ID: "client-1",
  MX_PLATFORM_API_KEY: "5f1d7a84c9b2e6035f1d7a84c9b2e603",
};

function namesOf(environment: Record<string, string>, tenants = 1, isObserved = false): string[] {
  const config = loadConfig({ ...MINIMAL, ...environment });
  const [one] = config.tenants;
  const several: Config = { ...config, tenants: one ? Array(tenants).fill(one) : [] };
  return findWarnings(several, isObserved).map(({ name }) => name);
}

describe("a warning about the configuration", () => {
  it("is not given for one tenant", () => {
    expect(namesOf({})).toEqual([]);
    expect(namesOf({ REDIS_URL: "redis://redis:6379" })).toEqual([]);
  });

  it.each<[string, Record<string, string>, string[]]>([
    ["without INSTANCE_SECRET", {}, ["no_instance_secret"]],
    ["with AUDIT_KEY alone and without Redis", { AUDIT_KEY: SECRET }, []],
    [
      "with AUDIT_KEY alone and Redis",
      { AUDIT_KEY: SECRET, REDIS_URL: "redis://redis:6379" },
      ["no_instance_secret"],
    ],
    ["with INSTANCE_SECRET", { INSTANCE_SECRET: SECRET, REDIS_URL: "redis://redis:6379" }, []],
  ])("for several tenants %s is as expected", (_what, environment, names) => {
    expect(namesOf(environment, 2)).toEqual(names);
  });

  it("is given where something else listens to requests", () => {
    expect(namesOf({}, 1, true)).toEqual(["foreign_listener"]);
  });
});
