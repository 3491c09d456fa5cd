/** Which variables SSO API v3 and MDX Real Time need, and which belong to the other version. */

import { describe, expect, it } from "vitest";
import { loadConfig } from "../../../src/config/load.ts";
import type { Environment } from "../../../src/config/variables.ts";
import { faultsOf, GOOD } from "./support.ts";

const LOGIN = { AUTH_ISSUER: GOOD.AUTH_ISSUER, AUTH_AUDIENCE: GOOD.AUTH_AUDIENCE };
const KEYS = { MX_SSO_API_KEY: "key-of-sso", MX_SSO_CLIENT_ID: "client-1" };
const V3 = { ...LOGIN, ...KEYS, MX_SSO_VERSION: "v3" };
const V2 = {
  ...LOGIN,
  MX_SSO_API_KEY: "key-of-sso",
  MX_SSO_CLIENT_GUID: "CLT-1",
  MEMBER_CREDENTIALS: "claim",
  MEMBER_USERKEY_CLAIM: "key",
};

function ssoOf(environment: Environment) {
  const sso = loadConfig(environment).tenants[0]?.mx.sso;
  if (sso?.version !== "v3") throw new Error("not v3");
  const { baseUrl, apiKey, mdx, clientId } = sso;
  return {
    clientId,
    urls: [baseUrl.href, mdx.baseUrl.href],
    keys: [apiKey.reveal(), mdx.apiKey.reveal()],
  };
}

describe("MX_SSO_VERSION=v3", () => {
  it("needs three lines", () => {
    expect(ssoOf(V3)).toEqual({
      clientId: "client-1",
      urls: ["https://int-sso.moneydesktop.com/", "https://int-live.moneydesktop.com/"],
      keys: ["key-of-sso", "key-of-sso"],
    });
    expect(loadConfig(V3).tenants[0]?.member).toEqual({ source: "none" });
  });

  it("follows MX_ENVIRONMENT", () => {
    expect(ssoOf({ ...V3, MX_ENVIRONMENT: "production" }).urls).toEqual([
      "https://sso.moneydesktop.com/",
      "https://live.moneydesktop.com/",
    ]);
  });

  it("can have addresses and a key of MDX's own", () => {
    const own = {
      MX_SSO_BASE_URL: "https://gate.example/sso",
      MX_MDX_BASE_URL: "https://gate.example/mdx/",
      MX_MDX_API_KEY: "key-of-mdx",
    };
    expect(ssoOf({ ...V3, ...own })).toMatchObject({
      urls: ["https://gate.example/sso", "https://gate.example/mdx/"],
      keys: ["key-of-sso", "key-of-mdx"],
    });
  });

  it("goes with Platform API keys", () => {
    expect(faultsOf({ ...V3, ...GOOD })).toEqual([]);
  });

  it("is each tenant's own", () => {
    const tenants = [
      { ...V3, name: "new", claim: { name: "org", value: "1" } },
      { ...V2, name: "old", claim: { name: "org", value: "2" } },
    ];
    const { tenants: made } = loadConfig({ TENANTS_FILE: "t.json" }, () =>
      JSON.stringify({ tenants }),
    );
    expect(made.map(({ mx }) => mx.sso?.version)).toEqual(["v3", "v2"]);
  });

  it("of two tenants must not name one client, unless their ids are hashed", () => {
    const of = (name: string) => ({ ...V3, name, claim: { name: "org", value: name } });
    const file = JSON.stringify({ tenants: [of("a"), of("b")] });
    expect(faultsOf({ TENANTS_FILE: "t.json" }, () => file)).toEqual([
      expect.stringMatching(/^tenants\[0\] \(a\): USER_ID_MODE must be hmac/),
      expect.stringMatching(/^tenants\[1\] \(b\): USER_ID_MODE must be hmac/),
    ]);
  });
});

describe("a fault", () => {
  const withoutClient = { ...LOGIN, MX_SSO_VERSION: "v3", MX_SSO_API_KEY: "key-of-sso" };
  const FAULTS: [string, Environment, string[]][] = [
    [
      "a variable of v2 with v3",
      { ...V3, MX_SSO_CLIENT_GUID: "CLT-1" },
      ["MX_SSO_CLIENT_GUID belongs to the SSO API v2, but MX_SSO_VERSION is v3"],
    ],
    [
      "variables of v3 with v2",
      {
        ...V2,
        MX_SSO_CLIENT_ID: "client-1",
        MX_MDX_API_KEY: "key-of-mdx",
        MX_MDX_BASE_URL: "https://mdx.example",
      },
      ["MX_SSO_CLIENT_ID", "MX_MDX_API_KEY", "MX_MDX_BASE_URL"].map(
        (name) => `${name} belongs to the SSO API v3, but MX_SSO_VERSION is v2`,
      ),
    ],
    [
      "no MX_SSO_VERSION",
      { ...LOGIN, ...KEYS },
      [
        "MX_SSO_CLIENT_ID belongs to the SSO API v3, but MX_SSO_VERSION is v2",
        "MX_SSO_CLIENT_GUID is missing: MX_SSO_API_KEY needs it",
      ],
    ],
    [
      "a variable of v3 beside the Platform API alone",
      { ...GOOD, MX_MDX_BASE_URL: "https://mdx.example" },
      ["MX_MDX_BASE_URL belongs to the SSO API v3, but MX_SSO_VERSION is v2"],
    ],
    ["no client", withoutClient, ["MX_SSO_CLIENT_ID is missing: MX_SSO_API_KEY needs it"]],
    [
      "no key",
      { ...V3, MX_SSO_API_KEY: undefined },
      ["MX_SSO_API_KEY is missing: MX_SSO_CLIENT_ID needs it"],
    ],
    [
      "v3 alone",
      { ...GOOD, MX_SSO_VERSION: "v3" },
      ["MX_SSO_VERSION =v3 needs MX_SSO_API_KEY and MX_SSO_CLIENT_ID"],
    ],
    [
      "MDX alone",
      { ...GOOD, MX_SSO_VERSION: "v3", MX_MDX_API_KEY: "key-of-mdx" },
      ["MX_MDX_API_KEY needs MX_SSO_API_KEY and MX_SSO_CLIENT_ID"],
    ],
    [
      "a client id that would lead elsewhere",
      { ...V3, MX_SSO_CLIENT_ID: "../other" },
      ["MX_SSO_CLIENT_ID must have letters, digits, - and _ only"],
    ],
    [
      "the client id in the addresses, too",
      {
        ...V3,
        MX_SSO_BASE_URL: "https://int-sso.moneydesktop.com/client-1",
        MX_MDX_BASE_URL: "https://int-live.moneydesktop.com/client-1/",
      },
      ["MX_SSO_BASE_URL", "MX_MDX_BASE_URL"].map(
        (name) =>
          `${name} must not have the client id in its path: MX_SSO_CLIENT_ID is added to it`,
      ),
    ],
    [
      "integration's addresses in production",
      {
        ...V3,
        MX_ENVIRONMENT: "production",
        MX_SSO_BASE_URL: "https://int-sso.moneydesktop.com",
        MX_MDX_BASE_URL: "http://127.0.0.1:4105",
      },
      ["MX_SSO_BASE_URL", "MX_MDX_BASE_URL"].map(
        (name) => `${name} is not a production address, but MX_ENVIRONMENT is production`,
      ),
    ],
    ["another version", { ...V3, MX_SSO_VERSION: "V3" }, ["MX_SSO_VERSION must be one of v2, v3"]],
  ];

  it.each(FAULTS)("is %s", (_what, environment, faults) => {
    expect(faultsOf(environment)).toEqual(faults);
  });
});
