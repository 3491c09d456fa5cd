import { describe, expect, it } from "vitest";
import { ConfigError } from "../../../src/config/faults.ts";
import { loadConfig } from "../../../src/config/load.ts";
import type { Environment } from "../../../src/config/variables.ts";
import { PROFILE_FIELDS } from "../../../src/session/profile.ts";

const BASE: Environment = {
  AUTH_ISSUER: "https://login.example.com",
  AUTH_AUDIENCE: "mx-session",
};
const PLATFORM: Environment = {
  ...BASE,
  MX_PLATFORM_CLIENT_ID: "client-1",
  MX_PLATFORM_API_KEY: "platform-key",
};
const LOOKUP: Environment = {
  MEMBER_LOOKUP_URL: "https://bank.example/mx",
  MEMBER_LOOKUP_TOKEN: "lookup-token-1",
};
const SSO: Environment = {
  ...BASE,
  MX_SSO_CLIENT_GUID: "CLT-1",
  MX_SSO_API_KEY: "sso-key",
  MEMBER_CREDENTIALS: "lookup",
  ...LOOKUP,
};

function tenantOf(environment: Environment) {
  const [tenant] = loadConfig(environment).tenants;
  if (!tenant) throw new Error("no tenant");
  return tenant;
}

function faultsOf(environment: Environment): string[] {
  try {
    loadConfig(environment);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.faults.map(({ variable, message }) => `${variable} ${message}`);
  }
}

describe("PROFILE_FIELDS", () => {
  it.each<[string | undefined, readonly string[]]>([
    [undefined, [...PROFILE_FIELDS, "metadata"]],
    ["", [...PROFILE_FIELDS, "metadata"]],
    ["all", [...PROFILE_FIELDS, "metadata"]],
    ["none", []],
    ["email", ["email"]],
    ["email , first_name,", ["first_name", "email"]],
    ["email,email", ["email"]],
    ["metadata", ["metadata"]],
    ["credit_score,zip_code,metadata", ["credit_score", "zip_code", "metadata"]],
  ])("%j means %j", (PROFILE_FIELDS, fields) => {
    expect(tenantOf({ ...PLATFORM, PROFILE_FIELDS }).profile.rule.fields).toEqual(fields);
  });

  it.each(["ALL", "all,email", "none,email", "given_name", "email;phone", ",", "ssn", "*"])(
    "cannot be %j",
    (PROFILE_FIELDS) => {
      expect(faultsOf({ ...PLATFORM, PROFILE_FIELDS })).toEqual([
        expect.stringMatching(/^PROFILE_FIELDS must be all, none, or a list of first_name/),
      ]);
    },
  );
});

describe("PROFILE_CLAIMS", () => {
  it("is nothing by default, and an object otherwise", () => {
    expect(tenantOf(PLATFORM).profile.rule.claims).toEqual({});
    const claims = { credit_score: "fico", zip_code: "address.postal_code" };
    const PROFILE_CLAIMS = JSON.stringify(claims);
    expect(tenantOf({ ...PLATFORM, PROFILE_CLAIMS }).profile.rule.claims).toEqual(claims);
  });

  it.each([
    "fico",
    "[]",
    "null",
    '{"email":""}',
    '{"email":7}',
    '{"email":null}',
    '{"email":["a","b"]}',
    '{"metadata":"x"}',
    '{"given_name":"first"}',
    `{"email":"${"x".repeat(256)}"}`,
  ])("cannot be %j, and the fault does not repeat it", (PROFILE_CLAIMS) => {
    const faults = faultsOf({ ...PLATFORM, PROFILE_CLAIMS });
    expect(faults).toEqual([expect.stringMatching(/^PROFILE_CLAIMS must be a JSON object from/)]);
  });
});

describe("PROFILE_SOURCE", () => {
  it.each(["claims", "userinfo"])("may be %s", (PROFILE_SOURCE) => {
    expect(tenantOf({ ...PLATFORM, PROFILE_SOURCE }).profile.source).toBe(PROFILE_SOURCE);
  });

  it.each<[string, Environment]>([
    ["beside credentials from the lookup", SSO],
    [
      "beside derived credentials",
      {
        ...SSO,
        MEMBER_CREDENTIALS: "derived",
        MEMBER_USERKEY_SECRET: "0123456789abcdef0123456789abcdef",
      },
    ],
    ["with the Platform API alone", { ...PLATFORM, ...LOOKUP }],
  ])("may be the lookup %s", (_what, environment) => {
    const { profile, lookup } = tenantOf({ ...environment, PROFILE_SOURCE: "lookup" });
    expect(profile.source).toBe("lookup");
    expect(lookup?.url.href).toBe(LOOKUP.MEMBER_LOOKUP_URL);
  });

  it.each<[string, Environment, string]>([
    [
      "a lookup that is not there",
      { ...PLATFORM, PROFILE_SOURCE: "lookup" },
      "PROFILE_SOURCE lookup needs MEMBER_LOOKUP_URL",
    ],
    [
      "a lookup without a token",
      { ...PLATFORM, PROFILE_SOURCE: "lookup", MEMBER_LOOKUP_URL: "https://bank.example" },
      "PROFILE_SOURCE lookup needs",
    ],
    [
      "an issuer that is only a name",
      {
        ...PLATFORM,
        PROFILE_SOURCE: "userinfo",
        AUTH_ISSUER: "bank",
        AUTH_JWKS_URL: "https://bank.example/jwks",
      },
      "PROFILE_SOURCE userinfo needs an issuer with discovery",
    ],
    [
      "an issuer by plain http",
      {
        ...PLATFORM,
        PROFILE_SOURCE: "userinfo",
        AUTH_ISSUER: "http://bank.example",
        AUTH_JWKS_URL: "https://bank.example/jwks",
      },
      "PROFILE_SOURCE userinfo needs an issuer with discovery",
    ],
    [
      "a session check alone",
      {
        ...PLATFORM,
        PROFILE_SOURCE: "userinfo",
        AUTH_JWT: "false",
        AUTH_SESSION_COOKIE: "sid",
        AUTH_SESSION_CHECK_URL: "https://bank.example/me",
      },
      "PROFILE_SOURCE userinfo needs the user",
    ],
    ["a word", { ...PLATFORM, PROFILE_SOURCE: "oidc" }, "PROFILE_SOURCE must be one of"],
  ])("cannot be %s", (_what, environment, fault) => {
    expect(faultsOf(environment)).toEqual([expect.stringContaining(fault)]);
  });

  it("may be asked for two seconds, and a third of a shorter deadline", () => {
    const timeout = (REQUEST_DEADLINE?: string) =>
      tenantOf({ ...PLATFORM, REQUEST_DEADLINE }).profile.timeoutMs;
    expect([timeout(), timeout("60s"), timeout("3s"), timeout("1s")]).toEqual([
      2000, 2000, 1000, 333,
    ]);
  });
});

describe("the id of a Member", () => {
  it.each<[Environment, object]>([
    [{}, { source: "lookup", template: "M-{user_id}" }],
    [{ MEMBER_ID_TEMPLATE: "acct-{user_id}" }, { source: "lookup", template: "acct-{user_id}" }],
    [{ MEMBER_ID_CLAIM: "member" }, { source: "claim", claim: "member" }],
    [
      { MEMBER_CREDENTIALS: "claim", MEMBER_USERKEY_CLAIM: "key" },
      { source: "template", template: "M-{user_id}" },
    ],
  ])("with %j follows %j", (environment, rule) => {
    expect(tenantOf({ ...SSO, ...environment }).memberIds).toEqual(rule);
  });

  it.each<[string, Environment, RegExp]>([
    [
      "no place for the user id",
      { ...SSO, MEMBER_ID_TEMPLATE: "M-" },
      /^MEMBER_ID_TEMPLATE must contain/,
    ],
    [
      "MX's prefix",
      { ...SSO, MEMBER_ID_TEMPLATE: "MBR-{user_id}" },
      /^MEMBER_ID_TEMPLATE .*must not begin with MBR-/,
    ],
    ["a space", { ...SSO, MEMBER_ID_TEMPLATE: "M {user_id}" }, /^MEMBER_ID_TEMPLATE/],
    [
      "two rules",
      { ...SSO, MEMBER_ID_TEMPLATE: "A-{user_id}", MEMBER_ID_CLAIM: "m" },
      /^MEMBER_ID_CLAIM and MEMBER_ID_TEMPLATE cannot be set together/,
    ],
    [
      "no Members",
      { ...PLATFORM, MEMBER_ID_TEMPLATE: "A-{user_id}" },
      /^MEMBER_ID_TEMPLATE has no effect/,
    ],
    ["no Members", { ...PLATFORM, MEMBER_ID_CLAIM: "m" }, /^MEMBER_ID_CLAIM has no effect/],
  ])("cannot come from %s", (_what, environment, fault) => {
    expect(faultsOf(environment)).toEqual([expect.stringMatching(fault)]);
  });
});
