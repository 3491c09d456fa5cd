import { describe, expect, it } from "vitest";
import { ConfigError } from "../../../src/config/faults.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { type Environment, SECRET_NAMES } from "../../../src/config/variables.ts";

const KEY = "0123456789abcdef0123456789abcdef";
const URL_NAMES = ["HTTPS_PROXY", "REDIS_URL"];
/** MX gives one key for both. */
const PAIR = ["MX_MDX_API_KEY", "MX_SSO_API_KEY"];

/** Where MX_MDX_API_KEY may be set. */
const V3 = { MX_SSO_VERSION: "v3", MX_SSO_CLIENT_ID: "client", MX_SSO_API_KEY: "key-of-sso" };

const pairs = SECRET_NAMES.flatMap((one, at) =>
  SECRET_NAMES.slice(at + 1).map((other): [string, string] => [one, other]),
);

/** As it stands in the variable: a URL holds it as its password. */
const toValue = (name: string, secret: string) =>
  URL_NAMES.includes(name) ? toUrl(name, `user:${secret}`) : secret;

const toUrl = (name: string, user: string) =>
  name === "REDIS_URL" ? `redis://${user}@redis.example:6379` : `http://${user}@proxy.example`;

function faultsOf(environment: Environment, tenants?: object[]): string[] {
  try {
    const file = tenants && { TENANTS_FILE: "/tenants.json" };
    loadConfig({ USER_ID_MODE: tenants ? undefined : "hmac", ...file, ...environment }, () =>
      JSON.stringify({ tenants }),
    );
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.faults
      .map(({ variable, message }) => `${variable} ${message}`)
      .filter((fault) => fault.includes("must differ from"));
  }
  return [];
}

const tenant = (name: string, variables: object) => ({
  name,
  AUTH_ISSUER: `https://${name}.example`,
  AUTH_AUDIENCE: "bff",
  MX_PLATFORM_CLIENT_ID: `client-${name}`,
  MX_PLATFORM_API_KEY: `key-${name}`,
  ...variables,
});

describe("two secret variables", () => {
  it.each(pairs.filter(([one, other]) => !PAIR.includes(one) || !PAIR.includes(other)))(
    "%s and %s have different values",
    (one, other) => {
      const version = [one, other].includes("MX_MDX_API_KEY") ? V3 : {};
      const same = { ...version, [one]: toValue(one, KEY), [other]: toValue(other, KEY) };
      expect(faultsOf(same)).toEqual([expect.stringMatching(`(${one}|${other})$`)]);
      expect(faultsOf({ ...same, [other]: toValue(other, `${KEY}x`) })).toEqual([]);
    },
  );

  it.each([
    ["in files", { AUDIT_KEY_FILE: "a", USER_ID_SECRET_FILE: "b" }, "\n"],
    ["in a file and the environment", { AUDIT_KEY: KEY, USER_ID_SECRET_FILE: "b" }, "\n"],
    ["in a file with blanks", { AUDIT_KEY: KEY, USER_ID_SECRET_FILE: "b" }, " \n"],
  ])("may be %s", (_where, environment, end) => {
    expect(() => loadConfig(environment, () => `${KEY}${end}`)).toThrow(
      /^ {2}(USER_ID_SECRET|AUDIT_KEY) must differ from (USER_ID_SECRET|AUDIT_KEY)$/m,
    );
  });

  it("are compared as Redis and a proxy see them: decoded, or as a user name that stands alone", () => {
    const secret = `${KEY}@/%`;
    const user = encodeURIComponent(secret);
    const fault = [expect.stringMatching(/^\w+ must differ from \w+$/)];
    expect(faultsOf({ AUDIT_KEY: secret, REDIS_URL: toUrl("REDIS_URL", `:${user}`) })).toEqual(
      fault,
    );
    expect(faultsOf({ AUDIT_KEY: secret, HTTPS_PROXY: toUrl("HTTPS_PROXY", user) })).toEqual(fault);
  });

  it.each<[string, Environment]>([
    ["the user before a password", { REDIS_URL: `redis://${KEY}:other@redis.example` }],
    ["a password with a comma", { HTTPS_PROXY: `http://user:${KEY},x@proxy.example` }],
  ])("are compared in all parts of a URL: %s", (_what, environment) => {
    for (const AUDIT_KEY of [KEY, `${KEY},x`].filter((key) =>
      Object.values(environment).some(
        (url) => url?.includes(`${key}:`) || url?.includes(`${key}@`),
      ),
    ))
      expect(faultsOf({ ...environment, AUDIT_KEY })).toEqual([
        expect.stringContaining("must differ from"),
      ]);
  });

  it.each([
    ["OTEL_EXPORTER_OTLP_HEADERS", `api-key=${KEY}`],
    ["OTEL_EXPORTER_OTLP_HEADERS", `a=b, authorization=Bearer%20${KEY}`],
    ["OTEL_EXPORTER_OTLP_HEADERS", `authorization=Basic ${btoa(`user:${KEY}`)}`],
    ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", `api-key=${encodeURIComponent(`${KEY}=/`)}`],
  ])("are compared with the collector's credentials: %s=%s", (name, headers) => {
    const key = headers.includes("%3D") ? `${KEY}=/` : KEY;
    expect(faultsOf({ [name]: headers, AUDIT_KEY: key })).toEqual([
      `${name} must differ from AUDIT_KEY`,
    ]);
    expect(faultsOf({ [name]: headers, AUDIT_KEY: `${KEY}other` })).toEqual([]);
  });

  it("blame the operator's own one where the other is MX's", () => {
    expect(faultsOf({ MX_SSO_API_KEY: KEY, AUTH_INTROSPECTION_CLIENT_SECRET: KEY })).toEqual([
      "AUTH_INTROSPECTION_CLIENT_SECRET must differ from MX_SSO_API_KEY",
    ]);
  });
});

describe("tenants", () => {
  it("may have the same value in the same variable", () => {
    const same = { USER_ID_MODE: "hmac", USER_ID_SECRET: KEY, MX_PLATFORM_API_KEY: "one-key" };
    expect(faultsOf({}, [tenant("a", same), tenant("b", same)])).toEqual([]);
  });

  it.each<[string, Environment, object, object, string]>([
    [
      "another variable of the same tenant",
      {},
      {},
      { USER_ID_MODE: "hmac", USER_ID_SECRET: KEY, MX_PLATFORM_API_KEY: KEY },
      "tenants[1] (b): USER_ID_SECRET must differ from MX_PLATFORM_API_KEY",
    ],
    [
      "another variable of another tenant",
      {},
      { MX_PLATFORM_API_KEY: KEY },
      { USER_ID_MODE: "hmac", USER_ID_SECRET: KEY },
      "tenants[1] (b): USER_ID_SECRET must differ from MX_PLATFORM_API_KEY of tenants[0] (a)",
    ],
    [
      "a secret of the process",
      { AUDIT_KEY: KEY },
      {},
      { USER_ID_MODE: "hmac", USER_ID_SECRET: KEY },
      "AUDIT_KEY must differ from USER_ID_SECRET of tenants[1] (b)",
    ],
    [
      "the password of Redis",
      { REDIS_URL: `redis://:${KEY}@redis.example` },
      { MX_PLATFORM_API_KEY: KEY },
      {},
      "REDIS_URL must differ from MX_PLATFORM_API_KEY of tenants[0] (a)",
    ],
  ])("never have the value of %s", (_what, environment, a, b, fault) => {
    expect(faultsOf(environment, [tenant("a", a), tenant("b", b)])).toEqual([fault]);
  });
});
