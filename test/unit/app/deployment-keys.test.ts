import { describe, expect, it } from "vitest";
import { deriveKey } from "../../../src/app/deployment-keys.ts";
import { loadConfig } from "../../../src/config/load.ts";

const MINIMAL = {
  AUTH_ISSUER: "https://login.bank.com",
  AUTH_AUDIENCE: "mx-session-bff",
  MX_PLATFORM_CLIENT_ID: "client-1",
  MX_PLATFORM_API_KEY: "5f1d7a84c9b2e6035f1d7a84c9b2e603",
};
const BOTH = {
  ...MINIMAL,
  MX_SSO_API_KEY: "c3a1f9d07b5e2468c3a1f9d07b5e2468",
  MX_SSO_CLIENT_GUID: "CLT-7a1b2c3d",
  MEMBER_CREDENTIALS: "derived",
  MEMBER_USERKEY_SECRET: "kP3vX9qLm2RtY7wZb5NcJ8dFh4GsA6uE",
  USER_ID_MODE: "hmac",
  USER_ID_SECRET: "Tq8nB1xVw6KcR4yMz9HdJ2fLg7PsE5uA",
};

function keyOf(environment: Record<string, string>): string {
  return deriveKey(loadConfig(environment), "user.hash").reveal();
}

describe("a key of the deployment", () => {
  it.each(["MX_PLATFORM_API_KEY", "MX_SSO_API_KEY"])("stays when %s is rotated", (name) => {
    expect(keyOf({ ...BOTH, [name]: "0e9d8c7b6a5f4e3d2c1b0a9f8e7d6c5b" })).toBe(keyOf(BOTH));
  });

  it.each([
    ["MX_PLATFORM_CLIENT_ID", "client-2"],
    ["MX_SSO_CLIENT_GUID", "CLT-9f8e7d6c"],
    ["USER_ID_SECRET", "9vN2mKx7QpL4sWz8RtB6yHc3JfGd5AeU"],
    ["MEMBER_USERKEY_SECRET", "9vN2mKx7QpL4sWz8RtB6yHc3JfGd5AeU"],
  ])("is another one with another %s", (name, value) => {
    expect(keyOf({ ...BOTH, [name]: value })).not.toBe(keyOf(BOTH));
  });

  it("comes from INSTANCE_SECRET alone where there is one", () => {
    const [one, other] = [
      "iN5tAnCe-s3cReT-0123456789-abcdefgh",
      "iN5tAnCe-s3cReT-9876543210-abcdefgh",
    ];
    const key = keyOf({ ...MINIMAL, INSTANCE_SECRET: one });
    expect(key).not.toBe(keyOf(MINIMAL));
    expect(key).toBe(keyOf({ ...BOTH, INSTANCE_SECRET: one }));
    expect(key).not.toBe(keyOf({ ...MINIMAL, INSTANCE_SECRET: other }));
  });

  it("is another one for each purpose", () => {
    const config = loadConfig(MINIMAL);
    const keys = (["user.hash", "rate-limit"] as const).map((purpose) =>
      deriveKey(config, purpose).reveal(),
    );
    expect(new Set(keys).size).toBe(2);
  });

  it("does not depend on the order of the tenants", () => {
    const [first, second] = [loadConfig(MINIMAL), loadConfig(BOTH)].map((one) => one.tenants);
    const of = (...tenants: NonNullable<typeof first>) =>
      deriveKey({ instanceSecret: undefined, tenants }, "user.hash");
    expect(of(...(second ?? []), ...(first ?? [])).reveal()).toBe(
      of(...(first ?? []), ...(second ?? [])).reveal(),
    );
  });
});
