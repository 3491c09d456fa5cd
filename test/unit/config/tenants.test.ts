import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConfigError } from "../../../src/config/faults.ts";
import { type Config, loadConfig } from "../../../src/config/load.ts";
import { type Environment, SECRET_NAMES, VARIABLE_NAMES } from "../../../src/config/variables.ts";
import { runsOf } from "../../support/exhaustive.ts";
import { SEED } from "../fakes.ts";

const STRONG = "0123456789abcdef0123456789abcdef";
const OTHER = "fedcba9876543210fedcba9876543210";
const USERKEY = "abcdef0123456789abcdef0123456789";
const PATH = "/tenants.json";

type Entry = Record<string, unknown>;

/** A good tenant with an issuer and an MX client of its own. */
function entry(name: string, changes: Entry = {}): Entry {
  return {
    name,
    AUTH_ISSUER: `https://${name}.example.com`,
    AUTH_AUDIENCE: "mx-session",
    MX_PLATFORM_CLIENT_ID: `client-${name}`,
    MX_PLATFORM_API_KEY: `key-${name}`,
    ...changes,
  };
}

/** One of several tenants of one issuer. */
const ofShared = (name: string, changes: Entry = {}): Entry =>
  entry(name, {
    AUTH_ISSUER: "https://shared.example.com",
    claim: { name: "org", value: name },
    ...changes,
  });

const ofOneClient = (name: string, changes: Entry = {}): Entry =>
  entry(name, { MX_PLATFORM_CLIENT_ID: "client", ...changes });

const HMAC = { USER_ID_MODE: "hmac", USER_ID_SECRET: STRONG };

function sso(name: string, clientGuid: string): Entry {
  return entry(name, {
    MX_PLATFORM_CLIENT_ID: undefined,
    MX_PLATFORM_API_KEY: undefined,
    MX_SSO_CLIENT_GUID: clientGuid,
    MX_SSO_API_KEY: `sso-${name}`,
    MEMBER_CREDENTIALS: "derived",
    MEMBER_USERKEY_SECRET: USERKEY,
  });
}

type Files = Record<string, string>;

function load(file: unknown, environment: Environment = {}, files: Files = {}): Config {
  const text = typeof file === "string" ? file : JSON.stringify(file);
  return loadConfig({ TENANTS_FILE: PATH, ...environment }, (path) => {
    const content = path === PATH ? text : files[path];
    if (content === undefined) throw new Error(`ENOENT: ${path}`);
    return content;
  });
}

const loadAll = (tenants: unknown[], environment: Environment = {}, files: Files = {}) =>
  load({ tenants }, environment, files);

function faultsOf(run: () => unknown): string[] {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError)
      return error.faults.map(({ variable, message }) => `${variable} ${message}`);
    throw error;
  }
  return [];
}

const namesOf = (tenants: unknown[], environment?: Environment, files?: Files) =>
  faultsOf(() => loadAll(tenants, environment, files)).map((fault) =>
    fault.replace(/^((tenants\[\d+\]( \(.*?\))?: )?\S+).*$/s, "$1"),
  );

describe("TENANTS_FILE", () => {
  it("gives each tenant rules of its own, and the process what is for all", () => {
    const config = loadAll(
      [
        entry("a", { CORS_ORIGINS: "https://a.example", ALLOW_CALLBACK_PAYLOAD: "true" }),
        { ...sso("b", "CLT-b"), WIDGET_TYPES: "master_widget" },
        entry("c", { ...HMAC, USER_ID_CLAIM: "email", CLIENT_REDIRECT_URLS: "myapp://done" }),
      ],
      { PORT: "8080", MAX_IN_FLIGHT: "500" },
    );

    expect(config).toMatchObject({ port: 8080, maxInFlight: 500 });
    expect(config.tenants).toMatchObject([
      {
        name: "a",
        claim: undefined,
        auth: { issuers: ["https://a.example.com"] },
        userId: { mode: "claim", claim: "sub" },
        mx: { platform: { clientId: "client-a" }, sso: undefined, maxWaiting: 1000 },
        corsOrigins: ["https://a.example"],
        allowCallbackPayload: true,
      },
      {
        name: "b",
        mx: { platform: undefined, sso: { clientGuid: "CLT-b" } },
        member: { source: "derived" },
        widgets: { widgetTypes: ["master_widget"] },
        corsOrigins: [],
        allowCallbackPayload: false,
      },
      {
        name: "c",
        userId: { mode: "hmac", claim: "email" },
        widgets: { clientRedirectUrls: ["myapp://done"] },
      },
    ]);
  });

  it("may have values as JSON has them", () => {
    const { tenants } = loadAll([
      entry("a", {
        AUTH_AUDIENCE: ["one", "two"],
        MX_CONNECTIONS: 50,
        ALLOW_CALLBACK_PAYLOAD: true,
        WIDGET_DEFAULTS: { color_scheme: "dark" },
      }),
    ]);
    expect(tenants).toMatchObject([
      {
        auth: { audience: ["one", "two"] },
        mx: { connections: 50 },
        allowCallbackPayload: true,
        widgets: { defaults: { color_scheme: "dark" } },
      },
    ]);
  });

  it("may have secrets in files, and begin with a byte order mark", () => {
    const tenant = entry("a", {
      MX_PLATFORM_API_KEY: undefined,
      MX_PLATFORM_API_KEY_FILE: "secrets/a",
    });
    const text = `\uFEFF${JSON.stringify({ tenants: [tenant] })}`;
    const { tenants } = load(text, {}, { "secrets/a": "from-file\n" });
    expect(tenants[0]?.mx.platform?.apiKey.reveal()).toBe("from-file");
  });

  it.each<[string, Entry[]]>([
    ["one issuer, with claims of different values", [ofShared("a"), ofShared("b")]],
    [
      "one issuer, with claims of different types",
      [
        ofShared("a", { claim: { name: "org", value: 7 } }),
        ofShared("b", { claim: { name: "org", value: "7" } }),
      ],
    ],
    [
      "one issuer and different audiences",
      [ofShared("a"), ofShared("b", { AUTH_AUDIENCE: "other" })],
    ],
    [
      "one issuer and its algorithms in another order",
      [
        ofShared("a", { AUTH_ALGORITHMS: "RS256,ES256" }),
        ofShared("b", { AUTH_ALGORITHMS: ["ES256", "RS256"] }),
      ],
    ],
    [
      "one MX client and two issuers, hashed",
      [ofOneClient("a", HMAC), ofOneClient("b", { ...HMAC, USER_ID_CLAIM: "email" })],
    ],
    [
      "one issuer, one MX client and the same people",
      [
        ofShared("a", { MX_PLATFORM_CLIENT_ID: "client", ...HMAC }),
        ofShared("b", { MX_PLATFORM_CLIENT_ID: "client", ...HMAC }),
      ],
    ],
    [
      "one issuer, one MX client and secrets of their own",
      [
        ofShared("a", { MX_PLATFORM_CLIENT_ID: "client", ...HMAC, USER_ID_CLAIM: "customer" }),
        ofShared("b", {
          MX_PLATFORM_CLIENT_ID: "client",
          USER_ID_MODE: "hmac",
          USER_ID_CLAIM: "customer",
          USER_ID_SECRET: OTHER,
        }),
      ],
    ],
    [
      "one list of issuers, told apart by a claim",
      [
        ofShared("a", { AUTH_ISSUER: ["https://x.example", "https://y.example"] }),
        ofShared("b", { AUTH_ISSUER: "https://x.example,https://y.example" }),
      ],
    ],
    [
      "lists that have no issuer in common",
      [
        entry("a", { AUTH_ISSUER: ["https://a.example", "https://a-2.example"] }),
        entry("b", { AUTH_ISSUER: ["https://b.example", "https://b-2.example"] }),
      ],
    ],
    [
      "the same client id at two addresses",
      [ofOneClient("a"), ofOneClient("b", { MX_ENVIRONMENT: "production" })],
    ],
  ])("may have tenants of %s", (_what, tenants) => {
    expect(namesOf(tenants)).toEqual([]);
  });

  it("is what docs/tenants.md shows, faults included", () => {
    const page = readFileSync(new URL("../../../docs/tenants.md", import.meta.url), "utf8");
    const [, example = ""] = /```json\n(.+?)```/s.exec(page) ?? [];
    const readFile = (path: string) => (path === PATH ? example : `${path} ${STRONG}`);
    const { tenants } = loadConfig({ TENANTS_FILE: PATH }, readFile);
    expect(tenants.map(({ name }) => name)).toEqual(["lakeside-bank", "north-cu", "south-cu"]);

    const { tenants: entries } = JSON.parse(example);
    entries[1].USER_ID_SECRET_FILE = undefined;
    const [missing] = faultsOf(() =>
      loadConfig({ TENANTS_FILE: PATH }, (path) =>
        path === PATH ? JSON.stringify({ tenants: entries }) : `${path} ${STRONG}`,
      ),
    );
    const repeated = faultsOf(() =>
      loadConfig({ TENANTS_FILE: PATH }, (path) =>
        path === PATH ? example.replace("org_south", "org_north") : `${path} ${STRONG}`,
      ),
    );
    expect(page).toContain([missing, ...repeated].map((fault) => `  ${fault}\n`).join(""));
  });

  it("is one frozen configuration that prints no secret", () => {
    const config = loadAll([entry("a"), sso("b", "CLT-b"), entry("c", HMAC)]);
    expect(Object.isFrozen(config.tenants[2]?.userId)).toBe(true);
    const printed = inspect(config, { depth: 9 }) + JSON.stringify(config);
    for (const secret of ["key-a", "sso-b", STRONG]) expect(printed).not.toContain(secret);
  });
});

describe("TENANTS_FILE with other logins than JWTs", () => {
  const INTROSPECTION = {
    AUTH_INTROSPECTION_URL: "https://login.example.com/introspect",
    AUTH_INTROSPECTION_CLIENT_ID: "bff",
    AUTH_INTROSPECTION_CLIENT_SECRET: "introspection-secret",
  };
  const SESSION = {
    AUTH_SESSION_CHECK_URL: "https://bank.example/me",
    AUTH_SESSION_COOKIE: "sid",
  };

  it("has them in the environment, once for all tenants", () => {
    const config = loadAll([ofShared("a"), ofShared("b"), entry("c")], {
      ...INTROSPECTION,
      ...SESSION,
      AUTH_COOKIE: "token",
    });
    expect(config.logins).toMatchObject({
      jwt: true,
      tokenCookie: "token",
      introspection: { clientId: "bff" },
      sessionCheck: { cookie: "sid" },
    });
  });

  it("needs no keys of an issuer that is a name, with AUTH_JWT=false", () => {
    const tenants = [entry("a", { AUTH_ISSUER: "a" }), entry("b", { AUTH_ISSUER: "b" })];
    expect(namesOf(tenants)).toEqual([
      "tenants[0] (a): AUTH_ISSUER",
      "tenants[1] (b): AUTH_ISSUER",
    ]);
    expect(namesOf(tenants, { ...INTROSPECTION, AUTH_JWT: "false" })).toEqual([]);
  });

  it.each<[string, Entry[], Environment, string[]]>([
    [
      "nothing that tells two tenants apart",
      [ofShared("a", { claim: undefined }), ofShared("b", { claim: undefined })],
      { ...SESSION, AUTH_JWT: "false" },
      ["tenants[0] (a): claim", "tenants[1] (b): claim"],
    ],
    [
      "pages by plain http at one of them",
      [entry("a"), entry("b", { CORS_ORIGINS: "http://app.test" })],
      SESSION,
      ["tenants[1] (b): CORS_ORIGINS"],
    ],
    [
      "no audience at one of them",
      [entry("a"), entry("b", { AUTH_AUDIENCE: undefined })],
      { ...INTROSPECTION, AUTH_JWT: "false" },
      ["tenants[1] (b): AUTH_AUDIENCE"],
    ],
    [
      "an unsafe address, reported once",
      [entry("a"), entry("b")],
      { ...SESSION, AUTH_SESSION_CHECK_URL: "http://bank.example/me" },
      ["AUTH_SESSION_CHECK_URL"],
    ],
    [
      "a secret that is a tenant's, too",
      [entry("a", { MX_PLATFORM_API_KEY: "introspection-secret" })],
      INTROSPECTION,
      ["AUTH_INTROSPECTION_CLIENT_SECRET"],
    ],
    [
      "keys that nobody uses",
      [entry("a", { AUTH_JWKS_URL: "https://login.example.com/keys" })],
      { ...SESSION, AUTH_JWT: "false" },
      ["tenants[0] (a): AUTH_JWKS_URL"],
    ],
  ])("refuses %s", (_what, tenants, environment, faults) => {
    expect(namesOf(tenants, environment)).toEqual(faults);
  });
});

describe("AUTH_ISSUER as a list", () => {
  const issuers = (...names: string[]) => ({ AUTH_ISSUER: names });

  it("keeps its order: the first names the users", () => {
    const [tenant] = loadAll([
      entry("a", issuers("https://b.example", "https://a.example")),
    ]).tenants;
    expect(tenant?.auth.issuers).toEqual(["https://b.example", "https://a.example"]);
    expect(tenant?.userId.mode).toBe("claim");
  });

  it.each<[string, Entry[], string[]]>([
    [
      "a second name that is another tenant's issuer",
      [entry("a", issuers("https://a.example", "https://b.example.com")), entry("b")],
      ["tenants[1] (b): AUTH_ISSUER"],
    ],
    [
      "a first name that is another tenant's second one",
      [entry("b"), entry("a", issuers("https://a.example", "https://b.example.com"))],
      ["tenants[1] (a): AUTH_ISSUER"],
    ],
    [
      "the same list in another order, which would name users differently",
      [
        ofShared("a", issuers("https://x.example", "https://y.example")),
        ofShared("b", issuers("https://y.example", "https://x.example")),
      ],
      ["tenants[1] (b): AUTH_ISSUER"],
    ],
    [
      "one list without claims",
      [
        entry("a", issuers("https://x.example", "https://y.example")),
        entry("b", issuers("https://x.example", "https://y.example")),
      ],
      ["tenants[0] (a): claim", "tenants[1] (b): claim"],
    ],
    [
      "a name twice",
      [entry("a", issuers("https://x.example", "https://x.example"))],
      ["tenants[0] (a): AUTH_ISSUER"],
    ],
    [
      "a name whose keys cannot be discovered",
      [entry("a", issuers("https://x.example", "bank"))],
      ["tenants[0] (a): AUTH_ISSUER"],
    ],
    [
      "more than ten names",
      [
        entry(
          "a",
          issuers(...Array.from({ length: 11 }, (_, index) => `https://${index}.example`)),
        ),
      ],
      ["tenants[0] (a): AUTH_ISSUER"],
    ],
  ])("refuses %s", (_what, tenants, faults) => {
    expect(namesOf(tenants)).toEqual(faults);
  });
});

describe("a faulty TENANTS_FILE", () => {
  it.each<[string, unknown, RegExp]>([
    ["that is not JSON", "{tenants:[]}", /^TENANTS_FILE names a file that is not JSON/],
    ["that is empty", "", /^TENANTS_FILE names a file that is not JSON/],
    ["with a comma too many", '{\n"tenants": [1 2]}', /not JSON, see line 2$/],
    ["that is a list", [entry("a")], /^TENANTS_FILE must name a file with \{"tenants":\[…\]\}$/],
    ["that is null", "null", /^TENANTS_FILE must name a file with/],
    ["without tenants", { tenant: [] }, /^TENANTS_FILE must name a file with/],
    ["with an empty list", { tenants: [] }, /^TENANTS_FILE names a file without any tenant$/],
    [
      "with another key beside",
      { tenants: [entry("a")], PORT: "3000" },
      /^TENANTS_FILE names a file with the unknown key PORT$/,
    ],
    [
      "with a key twice",
      JSON.stringify({ tenants: [entry("a")] }).replace('"name"', '"AUTH_ISSUER":"x","name"'),
      /^TENANTS_FILE names a file where AUTH_ISSUER is repeated$/,
    ],
    [
      "with a key twice, once escaped",
      JSON.stringify({ tenants: [entry("a")] }).replace('"name"', '"n\\u0061me" : "x","name"'),
      /^TENANTS_FILE names a file where name is repeated$/,
    ],
    [
      "that is too large",
      " ".repeat(5_000_000),
      /^TENANTS_FILE names a file of more than \d+ characters$/,
    ],
  ])("%s is refused", (_what, file, message) => {
    expect(faultsOf(() => load(file))).toEqual([expect.stringMatching(message)]);
  });

  it("that cannot be read is refused", () => {
    const readFile = () => {
      throw new Error("EACCES");
    };
    expect(faultsOf(() => loadConfig({ TENANTS_FILE: PATH }, readFile))).toEqual([
      "TENANTS_FILE names a file that cannot be read",
    ]);
  });

  it("with more than 1000 tenants is refused", () => {
    const tenants = Array.from({ length: 1001 }, (_, index) => entry(`t${index}`));
    expect(namesOf(tenants.slice(1))).toEqual([]);
    expect(namesOf(tenants)).toEqual(["TENANTS_FILE"]);
  });

  it.each<[string, unknown[], string[]]>([
    // Shape.
    ["no object", ["a"], ["tenants[0]"]],
    ["null", [entry("a"), null], ["tenants[1]"]],
    ["no name", [entry("a", { name: undefined })], ["tenants[0]: name"]],
    ["a number for a name", [entry("a", { name: 7 })], ["tenants[0]: name"]],
    ["a name with a line break", [entry("a", { name: "a\nb" })], ["tenants[0]: name"]],
    ["a name that is too long", [entry("a", { name: "a".repeat(65) })], ["tenants[0]: name"]],
    ["a name twice", [entry("a"), entry("b", { name: "a" })], ["tenants[1] (a): name"]],
    [
      "a name twice, in capitals",
      [entry("a"), entry("b", { name: "A" })],
      ["tenants[1] (A): name"],
    ],
    ["a claim that is text", [entry("a", { claim: "org" })], ["tenants[0] (a): claim"]],
    [
      "a claim without a value",
      [entry("a", { claim: { name: "org" } })],
      ["tenants[0] (a): claim"],
    ],
    [
      "a claim with an empty value",
      [entry("a", { claim: { name: "org", value: "" } })],
      ["tenants[0] (a): claim"],
    ],
    [
      "a claim with several values",
      [entry("a", { claim: { name: "org", value: ["a"] } })],
      ["tenants[0] (a): claim"],
    ],
    [
      "a claim with another key",
      [entry("a", { claim: { name: "org", value: "a", path: "x" } })],
      ["tenants[0] (a): claim"],
    ],
    // Keys.
    ["an unknown key", [entry("a", { AUTH_ISUER: "x" })], ["tenants[0] (a): AUTH_ISUER"]],
    ["a key in small letters", [entry("a", { auth_issuer: "x" })], ["tenants[0] (a): auth_issuer"]],
    [
      "a prototype",
      [JSON.parse(`{"__proto__":{},${JSON.stringify(entry("a")).slice(1)}`)],
      ["tenants[0] (a): __proto__"],
    ],
    ["a key with a line break", [entry("a", { "A\nB": "x" })], ['tenants[0] (a): "A\\nB"']],
    ...["PORT", "MAX_IN_FLIGHT", "RATE_LIMIT_USER", "REDIS_URL", "REDIS_URL_FILE", "HTTPS_PROXY"]
      .concat(["AUTH_JWT", "AUTH_COOKIE", "AUTH_INTROSPECTION_URL", "AUTH_SESSION_CHECK_URL"])
      .concat(["AUTH_SESSION_COOKIE", "AUTH_INTROSPECTION_CLIENT_SECRET_FILE"])
      .concat(["TRUSTED_PROXIES", "DRAIN_DELAY", "REQUEST_DEADLINE", "LOG_LEVEL", "TENANTS_FILE"])
      .map((name): [string, unknown[], string[]] => [
        `${name}, which is the process's`,
        [entry("a", { [name]: "1" })],
        [`tenants[0] (a): ${name}`],
      ]),
    // Values.
    ["null for a value", [entry("a", { CORS_ORIGINS: null })], ["tenants[0] (a): CORS_ORIGINS"]],
    ["an empty list", [entry("a", { WIDGET_TYPES: [] })], ["tenants[0] (a): WIDGET_TYPES"]],
    ["a list of numbers", [entry("a", { AUTH_AUDIENCE: [1] })], ["tenants[0] (a): AUTH_AUDIENCE"]],
    [
      "a comma in a list",
      [entry("a", { AUTH_AUDIENCE: ["x,y"] })],
      ["tenants[0] (a): AUTH_AUDIENCE"],
    ],
    ["a fraction", [entry("a", { MX_CONNECTIONS: 1.5 })], ["tenants[0] (a): MX_CONNECTIONS"]],
    [
      "a secret that is a number",
      [entry("a", { MX_PLATFORM_API_KEY: 123456789 })],
      ["tenants[0] (a): MX_PLATFORM_API_KEY"],
    ],
    [
      "a secret that is an object",
      [entry("a", { ...HMAC, USER_ID_SECRET: { value: STRONG } })],
      ["tenants[0] (a): USER_ID_SECRET"],
    ],
    [
      "a weak secret",
      [entry("a", { ...HMAC, USER_ID_SECRET: "x" })],
      ["tenants[0] (a): USER_ID_SECRET"],
    ],
    ["no issuer", [entry("a", { AUTH_ISSUER: undefined })], ["tenants[0] (a): AUTH_ISSUER"]],
    [
      "MX by http",
      [entry("a", { MX_PLATFORM_BASE_URL: "http://x.example" })],
      ["tenants[0] (a): MX_PLATFORM_BASE_URL"],
    ],
    ["any origin", [entry("a", { CORS_ORIGINS: "*" })], ["tenants[0] (a): CORS_ORIGINS"]],
    [
      "a secret in a file that is not there",
      [entry("a", { MX_PLATFORM_API_KEY: undefined, MX_PLATFORM_API_KEY_FILE: "missing" })],
      ["tenants[0] (a): MX_PLATFORM_API_KEY_FILE"],
    ],
    // Between tenants.
    [
      "one issuer without claims",
      [ofShared("a", { claim: undefined }), ofShared("b", { claim: undefined })],
      ["tenants[0] (a): claim", "tenants[1] (b): claim"],
    ],
    [
      "one issuer and a tenant that would take all",
      [ofShared("a"), ofShared("b", { claim: undefined })],
      ["tenants[1] (b): claim"],
    ],
    [
      "one issuer and one value",
      [ofShared("a"), ofShared("b"), ofShared("c", { claim: { name: "org", value: "b" } })],
      ["tenants[2] (c): claim"],
    ],
    [
      "one issuer and two names of claims",
      [ofShared("a"), ofShared("b", { claim: { name: "group", value: "b" } })],
      ["tenants[1] (b): claim"],
    ],
    [
      "one issuer and keys of two places",
      [ofShared("a"), ofShared("b", { AUTH_JWKS_URL: "https://b.example.com/keys" })],
      ["tenants[1] (b): AUTH_JWKS_URL"],
    ],
    [
      "one issuer and two algorithms",
      [ofShared("a"), ofShared("b", { AUTH_ALGORITHMS: "RS512" })],
      ["tenants[1] (b): AUTH_ALGORITHMS"],
    ],
    [
      "one issuer and two token types",
      [ofShared("a"), ofShared("b", { AUTH_TOKEN_TYPE: "at+jwt" })],
      ["tenants[1] (b): AUTH_TOKEN_TYPE"],
    ],
    [
      "one MX client and claims as ids, of two issuers",
      [ofOneClient("a"), ofOneClient("b")],
      ["tenants[0] (a): USER_ID_MODE", "tenants[1] (b): USER_ID_MODE"],
    ],
    [
      "one MX client, one of them hashed",
      [ofOneClient("a", HMAC), ofOneClient("b")],
      ["tenants[1] (b): USER_ID_MODE"],
    ],
    [
      "one MX client and claims as ids, of one issuer",
      [
        ofShared("a", { MX_PLATFORM_CLIENT_ID: "client" }),
        ofShared("b", { MX_PLATFORM_CLIENT_ID: "client" }),
      ],
      ["tenants[0] (a): USER_ID_MODE", "tenants[1] (b): USER_ID_MODE"],
    ],
    [
      "one SSO client, written in two ways",
      [sso("a", "CLT-1"), sso("b", "clt-1")],
      ["tenants[0] (a): USER_ID_MODE", "tenants[1] (b): USER_ID_MODE"],
    ],
    [
      "one MX client, one issuer, one secret, and ids that may be two people's",
      [
        ofShared("a", { MX_PLATFORM_CLIENT_ID: "client", ...HMAC }),
        ofShared("b", { MX_PLATFORM_CLIENT_ID: "client", ...HMAC, USER_ID_CLAIM: "email" }),
      ],
      ["tenants[1] (b): USER_ID_SECRET"],
    ],
  ])("with %s is refused by tenant and key", (_what, tenants, names) => {
    expect(namesOf(tenants)).toEqual(names);
  });

  it.each<[string, Environment]>([
    ["a tenant's variable", { AUTH_ISSUER: "https://login.example.com" }],
    ["a tenant's secret", { MX_PLATFORM_API_KEY: "key" }],
    ["a tenant's secret in a file", { MX_SSO_API_KEY_FILE: "/run/key" }],
    ["origins for all", { CORS_ORIGINS: "https://app.example.com" }],
  ])("does not stand beside %s in the environment", (_what, environment) => {
    expect(faultsOf(() => loadAll([entry("a")], environment))).toEqual([
      `${Object.keys(environment)[0]} belongs to a tenant: move it into TENANTS_FILE`,
    ]);
  });

  it("is told all faults of all tenants, and of the environment, at once", () => {
    const tenants = [
      entry("a", { AUTH_AUDIENCE: undefined, CORS_ORIGINS: "*" }),
      entry("b", { claim: 7, MX_PLATFORM_API_KEY: undefined }),
      ofOneClient("c"),
      ofOneClient("d"),
    ];
    expect(namesOf(tenants, { PORT: "x", MX_CONNECTIONS: "5" }).sort()).toEqual([
      "MX_CONNECTIONS",
      "PORT",
      "tenants[0] (a): AUTH_AUDIENCE",
      "tenants[0] (a): CORS_ORIGINS",
      "tenants[1] (b): MX_PLATFORM_API_KEY",
      "tenants[1] (b): claim",
      "tenants[2] (c): USER_ID_MODE",
      "tenants[3] (d): USER_ID_MODE",
    ]);
  });

  it("never sees its values again", () => {
    const canary = "s3cr3t-CANARY";
    const names = [
      "name",
      "claim",
      ...VARIABLE_NAMES,
      ...SECRET_NAMES.map((name) => `${name}_FILE`),
    ];
    const value = fc.oneof(
      fc.constantFrom<unknown>(
        canary,
        `${canary} with a space`,
        `https://${canary}:pw@host.example/${canary}?${canary}`,
        `http://host.example/${canary}`,
        [canary],
        [canary, 1],
        { [canary]: canary },
        { name: canary, value: canary },
        `{"${canary}":true}`,
        canary.repeat(400),
        null,
        7,
      ),
    );
    const tenant = fc.dictionary(
      fc.constantFrom(...names.filter((name) => name !== "name")),
      value,
    );
    const text = fc.oneof(
      fc.array(tenant, { maxLength: 3 }).map((tenants) => JSON.stringify({ tenants })),
      fc.constantFrom(canary, `{"tenants": ${canary}}`, `{"tenants": ["${canary}"`),
    );
    fc.assert(
      fc.property(text, (content) => {
        const faults = faultsOf(() => load(content));
        expect(faults.join("\n")).not.toContain(canary);
      }),
      { seed: SEED, numRuns: runsOf(1000) },
    );
  });
});
