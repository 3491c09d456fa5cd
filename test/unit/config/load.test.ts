import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConfigError, type ConfigFault } from "../../../src/config/faults.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { type Environment, SECRET_NAMES, VARIABLE_NAMES } from "../../../src/config/variables.ts";
import { runsOf } from "../../support/exhaustive.ts";
import { SEED } from "../fakes.ts";

const STRONG = "0123456789abcdef0123456789abcdef";

const PLATFORM: Environment = {
  AUTH_ISSUER: "https://login.example.com",
  AUTH_AUDIENCE: "mx-session",
  MX_PLATFORM_CLIENT_ID: "client-1",
  MX_PLATFORM_API_KEY: "platform-key",
};
const SSO: Environment = {
  AUTH_ISSUER: "https://login.example.com",
  AUTH_AUDIENCE: "mx-session",
  MX_SSO_CLIENT_GUID: "CLT-1",
  MX_SSO_API_KEY: "sso-key",
  MEMBER_CREDENTIALS: "derived",
  MEMBER_USERKEY_SECRET: STRONG,
};

const CHECK = "https://bank.example/me";
const SESSION: Environment = { AUTH_SESSION_CHECK_URL: CHECK, AUTH_SESSION_COOKIE: "sid" };
const NO_JWT: Environment = { AUTH_JWT: "false" };

const noFiles = () => {
  throw new Error("no such file");
};

function tenantOf(environment: Environment, readFile: (path: string) => string = noFiles) {
  const [tenant] = loadConfig(environment, readFile).tenants;
  if (!tenant) throw new Error("no tenant");
  return tenant;
}

function faultsOf(
  environment: Environment,
  readFile: (path: string) => string = noFiles,
): readonly ConfigFault[] {
  try {
    loadConfig(environment, readFile);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

const namesOf = (...args: Parameters<typeof faultsOf>) =>
  faultsOf(...args).map(({ variable }) => variable);

describe("a configuration", () => {
  it("needs four variables for the Platform API; the rest has defaults", () => {
    const config = loadConfig(PLATFORM);
    expect(config).toMatchObject({
      host: undefined,
      port: 3000,
      operationsPort: 9090,
      logLevel: "info",
      requestDeadlineMs: 8000,
      maxInFlight: 200,
      drainDelayMs: 5000,
      tenants: [
        {
          auth: {
            issuers: ["https://login.example.com"],
            audience: ["mx-session"],
            keys: { kind: "discovery" },
            algorithms: ["RS256", "PS256", "ES256", "EdDSA"],
            tokenType: undefined,
          },
          userId: { mode: "claim", claim: "sub" },
          mx: {
            connections: 100,
            platform: {
              baseUrl: new URL("https://int-api.mx.com"),
              clientId: "client-1",
              version: "v20250224",
            },
            sso: undefined,
          },
          member: { source: "none" },
          claim: undefined,
          widgets: { source: "v20250224", clientRedirectUrls: [], webviewSchemes: ["mx"] },
          corsOrigins: [],
          allowCallbackPayload: false,
        },
      ],
    });
    expect(tenantOf(PLATFORM).mx.platform?.apiKey.reveal()).toBe("platform-key");
  });

  it("for the SSO API needs to know where the Member's credentials are", () => {
    const { mx, member } = tenantOf(SSO);
    expect(mx).toMatchObject({
      platform: undefined,
      sso: { baseUrl: new URL("https://int-api2.moneydesktop.com"), clientGuid: "CLT-1" },
    });
    expect(mx.sso?.apiKey.reveal()).toBe("sso-key");
    expect(member).toMatchObject({ source: "derived" });
  });

  it("can have both APIs", () => {
    const { mx } = tenantOf({ ...PLATFORM, ...SSO });
    expect(mx).toMatchObject({ platform: { clientId: "client-1" }, sso: { clientGuid: "CLT-1" } });
  });

  it.each([
    ["production", "https://api.mx.com/", "https://api2.moneydesktop.com/"],
    ["integration", "https://int-api.mx.com/", "https://int-api2.moneydesktop.com/"],
  ])("for MX_ENVIRONMENT=%s has these addresses", (environment, platform, sso) => {
    const { mx } = tenantOf({ ...PLATFORM, ...SSO, MX_ENVIRONMENT: environment });
    expect(mx.platform?.baseUrl.href).toBe(platform);
    expect(mx.sso?.baseUrl.href).toBe(sso);
  });

  it.each<[string, Environment, object]>([
    ["a URL", { AUTH_JWKS_URL: "https://login.example.com/keys" }, { kind: "url" }],
    ["a file", { AUTH_JWKS_FILE: "/keys.json" }, { kind: "file", path: "/keys.json" }],
  ])("can have the issuer's keys in %s, under any issuer", (_what, source, keys) => {
    const environment = { ...PLATFORM, AUTH_ISSUER: "my-issuer", ...source };
    expect(tenantOf(environment, () => '{"keys":[{"kty":"EC"}]}').auth.keys).toMatchObject(keys);
  });

  it.each<[string, Environment, object]>([
    [
      "claim",
      { MEMBER_USERKEY_CLAIM: "mx_key", MEMBER_USERKEY_EXPIRES: "true" },
      { source: "claim", claim: "mx_key", expires: true },
    ],
    ["derived", { MEMBER_USERKEY_SECRET: STRONG }, { source: "derived" }],
    [
      "lookup",
      { MEMBER_LOOKUP_URL: "https://bank.example/keys", MEMBER_LOOKUP_TOKEN: "lookup-token-1" },
      { source: "lookup" },
    ],
  ])("can have MEMBER_CREDENTIALS=%s", (source, variables, member) => {
    const environment = { ...SSO, MEMBER_USERKEY_SECRET: undefined, ...variables };
    expect(tenantOf({ ...environment, MEMBER_CREDENTIALS: source }).member).toMatchObject(member);
  });

  it("can have hashed user ids", () => {
    const environment = { ...PLATFORM, USER_ID_MODE: "hmac", USER_ID_SECRET: STRONG };
    expect(tenantOf(environment).userId).toMatchObject({ mode: "hmac", claim: "sub" });
  });

  it("reads lists, booleans, durations and JSON", () => {
    const config = loadConfig({
      ...PLATFORM,
      AUTH_AUDIENCE: "a, b ,,c",
      CORS_ORIGINS: "https://app.example.com,http://localhost:5173",
      ALLOW_CALLBACK_PAYLOAD: "true",
      REQUEST_DEADLINE: "1500ms",
      DRAIN_DELAY: "1m",
      WIDGET_DEFAULTS: '{"color_scheme":"dark","widget_type":"connect_widget"}',
      CLIENT_REDIRECT_URLS: "HTTPS://App.example.com,myapp://done",
      WEBVIEW_SCHEMES: "MX,MyApp",
    });
    expect(config).toMatchObject({
      requestDeadlineMs: 1500,
      drainDelayMs: 60_000,
      tenants: [
        {
          auth: { audience: ["a", "b", "c"] },
          corsOrigins: ["https://app.example.com", "http://localhost:5173"],
          allowCallbackPayload: true,
          widgets: {
            defaults: { color_scheme: "dark", widget_type: "connect_widget" },
            clientRedirectUrls: ["https://app.example.com/", "myapp://done"],
            webviewSchemes: ["mx", "myapp"],
          },
        },
      ],
    });
  });

  it.each([
    [undefined, { events: 60, windowMs: 60_000 }],
    ["100/1s", { events: 100, windowMs: 1000 }],
    ["5/15m", { events: 5, windowMs: 900_000 }],
    ["1000/1h", { events: 1000, windowMs: 3_600_000 }],
    ["1/576h", { events: 1, windowMs: 24 * 86_400_000 }],
    ["999999/34560m", { events: 999_999, windowMs: 24 * 86_400_000 }],
    ["999999/2073600s", { events: 999_999, windowMs: 24 * 86_400_000 }],
    ["off", undefined],
  ])("with RATE_LIMIT_USER=%s allows %j", (text, limit) => {
    const { rateLimits } = loadConfig({ ...PLATFORM, RATE_LIMIT_USER: text });
    expect(rateLimits).toEqual({ user: limit });
  });

  it.each([
    [undefined, []],
    ["none", []],
    ["2", 2],
    ["10.0.0.0/8, fd00::/8,192.0.2.1", ["10.0.0.0/8", "fd00::/8", "192.0.2.1"]],
  ])("with TRUSTED_PROXIES=%s trusts %j", (text, proxies) => {
    expect(loadConfig({ ...PLATFORM, TRUSTED_PROXIES: text }).trustedProxies).toEqual(proxies);
  });

  it("takes an empty variable as none", () => {
    const empty = Object.fromEntries(VARIABLE_NAMES.map((name) => [name, ""]));
    expect(JSON.stringify(loadConfig({ ...empty, ...PLATFORM }))).toBe(
      JSON.stringify(loadConfig(PLATFORM)),
    );
  });

  it("can take opaque tokens, session cookies and JWTs in cookies beside JWTs", () => {
    const { logins } = loadConfig({
      ...PLATFORM,
      ...SESSION,
      AUTH_COOKIE: "__Host-token",
      AUTH_INTROSPECTION_URL: "https://login.example.com/introspect",
      AUTH_INTROSPECTION_CLIENT_ID: "bff client:1",
      AUTH_INTROSPECTION_CLIENT_SECRET: "client-secret",
    });
    expect(logins).toMatchObject({
      jwt: true,
      tokenCookie: "__Host-token",
      introspection: { clientId: "bff client:1", requireAudience: true },
      sessionCheck: { url: new URL(CHECK), cookie: "sid" },
    });
    expect(logins.introspection?.clientSecret.reveal()).toBe("client-secret");
    expect(inspect(logins, { depth: 9 }) + JSON.stringify(logins)).not.toContain("client-secret");
  });

  it("with sessions only needs no keys, no audience, and any name for the issuer", () => {
    const { logins, tenants } = loadConfig({
      ...PLATFORM,
      ...SESSION,
      ...NO_JWT,
      AUTH_ISSUER: "example-bank",
      AUTH_AUDIENCE: undefined,
    });
    expect(logins).toMatchObject({ jwt: false, introspection: undefined });
    expect(tenants[0]?.auth).toMatchObject({ issuers: ["example-bank"], audience: [] });
  });

  it("allows plain http on loopback, for the simulator", () => {
    const environment = {
      ...PLATFORM,
      AUTH_ISSUER: "http://127.0.0.1:4001",
      MX_PLATFORM_BASE_URL: "http://localhost:4000/platform",
    };
    expect(tenantOf(environment).mx.platform?.baseUrl.pathname).toBe("/platform");
  });

  it("can have a fixed way out", () => {
    const { proxy } = loadConfig({ ...PLATFORM, HTTPS_PROXY: "http://u:pw@proxy.example:3128" });
    expect(proxy?.url.reveal()).toBe("http://u:pw@proxy.example:3128");
  });

  it("cannot be changed, and prints no secret", () => {
    const config = loadConfig({ ...PLATFORM, ...SSO, HTTPS_PROXY: "http://user:pw-1@proxy" });
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.tenants[0]?.mx.platform)).toBe(true);
    const printed = inspect(config, { depth: 9 }) + JSON.stringify(config) + String(config.tenants);
    for (const secret of ["platform-key", "sso-key", "pw-1", STRONG])
      expect(printed).not.toContain(secret);
  });
});

describe("a secret in a file", () => {
  const files: Record<string, string> = {
    "/run/secrets/key": "file-key\n",
    "/run/secrets/windows": "file-key\r\n",
    "/run/secrets/two-lines": "file\nkey\n",
    "/run/secrets/empty": "\n",
    "/run/secrets/blank": "  \n",
  };
  const readFile = (path: string) => files[path] ?? noFiles();
  const withFile = (path: string, more: Environment = {}): Environment => ({
    ...PLATFORM,
    MX_PLATFORM_API_KEY: undefined,
    MX_PLATFORM_API_KEY_FILE: path,
    ...more,
  });

  it.each([
    ["/run/secrets/key", "file-key"],
    ["/run/secrets/windows", "file-key"],
  ])("%s is read without one line break at its end", (path, key) => {
    expect(tenantOf(withFile(path), readFile).mx.platform?.apiKey.reveal()).toBe(key);
  });

  it.each([
    ["that is not there", "/missing", "names a file that cannot be read"],
    ["that is empty", "/run/secrets/empty", "names an empty file"],
    ["that has two lines", "/run/secrets/two-lines", "must be one line"],
    ["that is blank", "/run/secrets/blank", "must not be blank"],
  ])("%s is a fault, told once", (_what, path, message) => {
    expect(faultsOf(withFile(path), readFile)).toEqual([
      { variable: expect.stringMatching(/^MX_PLATFORM_API_KEY(_FILE)?$/), message },
    ]);
  });

  it("excludes the variable itself", () => {
    const both = withFile("/run/secrets/key", { MX_PLATFORM_API_KEY: "key" });
    expect(faultsOf(both, readFile)).toEqual([
      {
        variable: "MX_PLATFORM_API_KEY_FILE",
        message: "and MX_PLATFORM_API_KEY cannot be set together",
      },
    ]);
  });

  it.each(SECRET_NAMES)("can hold %s", (name) => {
    const paths: string[] = [];
    faultsOf({ ...PLATFORM, [name]: undefined, [`${name}_FILE`]: "/run/secrets/it" }, (path) => {
      paths.push(path);
      return STRONG;
    });
    expect(paths).toEqual(["/run/secrets/it"]);
  });

  it("has to be as strong as one in the environment", () => {
    const environment = {
      ...PLATFORM,
      USER_ID_MODE: "hmac",
      USER_ID_SECRET_FILE: "/run/secrets/key",
    };
    expect(namesOf(environment, readFile)).toEqual(["USER_ID_SECRET"]);
  });
});

describe("an unsafe or faulty configuration", () => {
  it.each<[string, Environment, string]>([
    // Missing.
    ["no issuer", { AUTH_ISSUER: undefined }, "AUTH_ISSUER"],
    ["no audience", { AUTH_AUDIENCE: undefined }, "AUTH_AUDIENCE"],
    ["an empty audience", { AUTH_AUDIENCE: " , " }, "AUTH_AUDIENCE"],
    ["a client without a key", { MX_PLATFORM_API_KEY: undefined }, "MX_PLATFORM_API_KEY"],
    ["a key without a client", { MX_PLATFORM_CLIENT_ID: undefined }, "MX_PLATFORM_CLIENT_ID"],
    [
      "an SSO client without a key",
      { MX_SSO_CLIENT_GUID: "CLT-1", ...ssoMember() },
      "MX_SSO_API_KEY",
    ],
    ["an SSO address without a key", { MX_SSO_BASE_URL: "https://sso.example" }, "MX_SSO_BASE_URL"],
    ["hmac without a secret", { USER_ID_MODE: "hmac" }, "USER_ID_SECRET"],
    // Transport.
    ["TLS checks off", { NODE_TLS_REJECT_UNAUTHORIZED: "0" }, "NODE_TLS_REJECT_UNAUTHORIZED"],
    ["MX by plain http", { MX_PLATFORM_BASE_URL: "http://api.mx.com" }, "MX_PLATFORM_BASE_URL"],
    [
      "MX on a name like loopback",
      { MX_PLATFORM_BASE_URL: "http://127.0.0.1.evil.example" },
      "MX_PLATFORM_BASE_URL",
    ],
    ["MX by ftp", { MX_PLATFORM_BASE_URL: "ftp://api.mx.com" }, "MX_PLATFORM_BASE_URL"],
    ["MX at no URL", { MX_PLATFORM_BASE_URL: "api.mx.com" }, "MX_PLATFORM_BASE_URL"],
    [
      "credentials in a URL",
      { MX_PLATFORM_BASE_URL: "https://user:pw@api.mx.com" },
      "MX_PLATFORM_BASE_URL",
    ],
    [
      "a query in a URL",
      { MX_PLATFORM_BASE_URL: "https://api.mx.com?k=1" },
      "MX_PLATFORM_BASE_URL",
    ],
    ["keys by plain http", { AUTH_JWKS_URL: "http://login.example.com/keys" }, "AUTH_JWKS_URL"],
    ["discovery by plain http", { AUTH_ISSUER: "http://login.example.com" }, "AUTH_ISSUER"],
    ["discovery without a URL", { AUTH_ISSUER: "my-issuer" }, "AUTH_ISSUER"],
    [
      "keys in two places",
      { AUTH_JWKS_URL: "https://a.example/keys", AUTH_JWKS_FILE: "/keys.json" },
      "AUTH_JWKS_FILE",
    ],
    ["keys in a file that is not there", { AUTH_JWKS_FILE: "/keys.json" }, "AUTH_JWKS_FILE"],
    // Cloud metadata and link-local addresses.
    ["AWS metadata", { AUTH_JWKS_URL: "https://169.254.169.254/keys" }, "AUTH_JWKS_URL"],
    ["AWS metadata as a number", { AUTH_JWKS_URL: "https://2852039166/keys" }, "AUTH_JWKS_URL"],
    ["AWS metadata in IPv6", { AUTH_JWKS_URL: "https://[fd00:ec2::254]/keys" }, "AUTH_JWKS_URL"],
    [
      "AWS metadata as mapped IPv4",
      { AUTH_JWKS_URL: "https://[::ffff:169.254.169.254]/keys" },
      "AUTH_JWKS_URL",
    ],
    [
      "Google metadata",
      { AUTH_JWKS_URL: "https://metadata.google.internal/keys" },
      "AUTH_JWKS_URL",
    ],
    ["Alibaba metadata", { AUTH_JWKS_URL: "https://100.100.100.200/keys" }, "AUTH_JWKS_URL"],
    ["a link-local address", { AUTH_JWKS_URL: "https://[fe80::1]/keys" }, "AUTH_JWKS_URL"],
    [
      "a link-local address at the end of the range",
      { AUTH_JWKS_URL: "https://[febf::1]/keys" },
      "AUTH_JWKS_URL",
    ],
    ["the unspecified address", { AUTH_JWKS_URL: "https://0.0.0.0/keys" }, "AUTH_JWKS_URL"],
    ["discovery at AWS metadata", { AUTH_ISSUER: "https://169.254.169.254" }, "AUTH_ISSUER"],
    [
      "discovery with credentials",
      { AUTH_ISSUER: "https://user:pw@login.example.com" },
      "AUTH_ISSUER",
    ],
    ["a way out that is no URL", { HTTPS_PROXY: "proxy.example:3128" }, "HTTPS_PROXY"],
    ["a way out by SOCKS", { HTTPS_PROXY: "socks5://proxy.example" }, "HTTPS_PROXY"],
    // Tokens.
    ["a symmetric algorithm", { AUTH_ALGORITHMS: "RS256,HS256" }, "AUTH_ALGORITHMS"],
    ["no algorithm", { AUTH_ALGORITHMS: "none" }, "AUTH_ALGORITHMS"],
    ["no list of algorithms", { AUTH_ALGORITHMS: "," }, "AUTH_ALGORITHMS"],
    ["a token type with a space", { AUTH_TOKEN_TYPE: "at jwt" }, "AUTH_TOKEN_TYPE"],
    // Secrets.
    ["a short user id secret", { USER_ID_MODE: "hmac", USER_ID_SECRET: "short" }, "USER_ID_SECRET"],
    ["a user id secret without use", { USER_ID_SECRET: STRONG }, "USER_ID_SECRET"],
    ["a short userkey secret", { ...SSO, MEMBER_USERKEY_SECRET: "short" }, "MEMBER_USERKEY_SECRET"],
    [
      "a lookup by plain http",
      { ...ssoLookup(), MEMBER_LOOKUP_URL: "http://bank.example" },
      "MEMBER_LOOKUP_URL",
    ],
    [
      "a lookup without a token",
      { ...ssoLookup(), MEMBER_LOOKUP_TOKEN: undefined },
      "MEMBER_LOOKUP_TOKEN",
    ],
    [
      "a lookup token with a line break",
      { ...ssoLookup(), MEMBER_LOOKUP_TOKEN: "a\nb" },
      "MEMBER_LOOKUP_TOKEN",
    ],
    // MX.
    ["a client with a colon", { MX_PLATFORM_CLIENT_ID: "client:1" }, "MX_PLATFORM_CLIENT_ID"],
    ["a client guid with &", { ...SSO, MX_SSO_CLIENT_GUID: "CLT-1&k=x" }, "MX_SSO_CLIENT_GUID"],
    ["an unknown version", { MX_PLATFORM_VERSION: "v1" }, "MX_PLATFORM_VERSION"],
    ["an unknown environment", { MX_ENVIRONMENT: "staging" }, "MX_ENVIRONMENT"],
    ["no connections", { MX_CONNECTIONS: "0" }, "MX_CONNECTIONS"],
    ["more connections than MX takes", { MX_CONNECTIONS: "2001" }, "MX_CONNECTIONS"],
    [
      "the SSO API without Member credentials",
      { ...SSO, MEMBER_CREDENTIALS: "none" },
      "MEMBER_CREDENTIALS",
    ],
    ["Member credentials without the SSO API", { ...ssoMember() }, "MEMBER_CREDENTIALS"],
    // Browsers.
    ["any origin", { CORS_ORIGINS: "*" }, "CORS_ORIGINS"],
    ["any origin of a domain", { CORS_ORIGINS: "https://*.example.com" }, "CORS_ORIGINS"],
    ["the origin null", { CORS_ORIGINS: "null" }, "CORS_ORIGINS"],
    ...[
      "file://",
      "file://localhost",
      "capacitor://",
      "capacitor:localhost",
      "capacitor://localhost/",
      "capacitor://localhost/x",
      "capacitor://*",
      "capacitor://user@localhost",
      "Capacitor://localhost",
      "javascript://localhost",
      "data://x",
      "blob://x",
      "ws://localhost",
      "ftp://localhost",
    ].map((origin): [string, Environment, string] => [
      `the origin ${origin}`,
      { CORS_ORIGINS: `https://app.example.com,${origin}` },
      "CORS_ORIGINS",
    ]),
    [
      "an app's origin for a widget",
      { WIDGET_URL_ORIGINS: "capacitor://localhost" },
      "WIDGET_URL_ORIGINS",
    ],
    ...[
      "mx",
      "/",
      "/mx/",
      "//mx",
      "/mx//a",
      "/../mx",
      "/mx/..",
      "/./mx",
      "/mx?a",
      "/mx#a",
      "/m%78",
      "/mx;a",
      "/:mx",
      "/*mx",
      "/é",
      "https://a.example/mx",
    ].map((path): [string, Environment, string] => [
      `the base path ${path}`,
      { BASE_PATH: path },
      "BASE_PATH",
    ]),
    ...["0s", "999ms", "61m", "2h", "65", "forever"].map((time): [string, Environment, string] => [
      `idle connections for ${time}`,
      { KEEP_ALIVE_TIMEOUT: time },
      "KEEP_ALIVE_TIMEOUT",
    ]),
    ...["-1", "1d", "1.5", "86400; includeSubDomains", "9999999999"].map(
      (age): [string, Environment, string] => [
        `HSTS for ${age}`,
        { HSTS_MAX_AGE: age },
        "HSTS_MAX_AGE",
      ],
    ),
    ["docs for some", { PUBLIC_DOCS: "yes" }, "PUBLIC_DOCS"],
    ["an origin with a slash", { CORS_ORIGINS: "https://app.example.com/" }, "CORS_ORIGINS"],
    ["an origin with a path", { CORS_ORIGINS: "https://app.example.com/x" }, "CORS_ORIGINS"],
    ["an origin without a scheme", { CORS_ORIGINS: "app.example.com" }, "CORS_ORIGINS"],
    [
      "a widget origin with a wildcard",
      { WIDGET_URL_ORIGINS: "https://*.mx.com" },
      "WIDGET_URL_ORIGINS",
    ],
    [
      "a javascript: redirect",
      { CLIENT_REDIRECT_URLS: "javascript:alert(1)" },
      "CLIENT_REDIRECT_URLS",
    ],
    ["a data: redirect", { CLIENT_REDIRECT_URLS: "data:text/html,x" }, "CLIENT_REDIRECT_URLS"],
    [
      "a plain http redirect",
      { CLIENT_REDIRECT_URLS: "http://app.example.com" },
      "CLIENT_REDIRECT_URLS",
    ],
    [
      "a redirect with a user",
      { CLIENT_REDIRECT_URLS: "https://a@app.example.com" },
      "CLIENT_REDIRECT_URLS",
    ],
    ["a redirect that is no URL", { CLIENT_REDIRECT_URLS: "/done" }, "CLIENT_REDIRECT_URLS"],
    ["a javascript scheme", { WEBVIEW_SCHEMES: "mx,JavaScript" }, "WEBVIEW_SCHEMES"],
    ["a web scheme", { WEBVIEW_SCHEMES: "https" }, "WEBVIEW_SCHEMES"],
    // Widgets.
    ["an unknown option", { WIDGET_DEFAULTS: '{"user_guid":"USR-1"}' }, "WIDGET_DEFAULTS"],
    ["options that are no JSON", { WIDGET_FORCED: "{color_scheme:dark}" }, "WIDGET_FORCED"],
    ["options in a list", { WIDGET_FORCED: "[]" }, "WIDGET_FORCED"],
    [
      "a forced type that is not allowed",
      { WIDGET_TYPES: "connect_widget", WIDGET_FORCED: '{"widget_type":"pulse_widget"}' },
      "WIDGET_FORCED",
    ],
    [
      "options with the SSO API alone",
      { ...ssoOnly(), WIDGET_DEFAULTS: '{"color_scheme":"dark"}' },
      "WIDGET_DEFAULTS",
    ],
    [
      "no type that the SSO API has",
      { ...ssoOnly(), WIDGET_TYPES: "connect_widget" },
      "WIDGET_TYPES",
    ],
    // Server and limits.
    ["health on the public port", { PORT: "8080", OPERATIONS_PORT: "8080" }, "OPERATIONS_PORT"],
    ["a port too high", { PORT: "65536" }, "PORT"],
    ["a port that is none", { PORT: "http" }, "PORT"],
    ["no deadline", { REQUEST_DEADLINE: "0s" }, "REQUEST_DEADLINE"],
    [
      "a deadline beyond the life of a URL's token",
      { REQUEST_DEADLINE: "61s" },
      "REQUEST_DEADLINE",
    ],
    ["a deadline without a unit", { REQUEST_DEADLINE: "8" }, "REQUEST_DEADLINE"],
    ["no requests in flight", { MAX_IN_FLIGHT: "0" }, "MAX_IN_FLIGHT"],
    ["a boolean that is none", { ALLOW_CALLBACK_PAYLOAD: "yes" }, "ALLOW_CALLBACK_PAYLOAD"],
    ["a log level that is none", { LOG_LEVEL: "verbose" }, "LOG_LEVEL"],
    ["a limit without a window", { RATE_LIMIT_USER: "60" }, "RATE_LIMIT_USER"],
    ["a limit of nothing", { RATE_LIMIT_ADDRESS: "0/1m" }, "RATE_LIMIT_ADDRESS"],
    ["a limit per day", { RATE_LIMIT_FAILURES: "60/1d" }, "RATE_LIMIT_FAILURES"],
    ...["2/577h", "2/720h", "2/34561m", "2/2073601s", "2/99999h", "2/999999999999999999999h"].map(
      (rate): [string, Environment, string] => [
        `a window that no timer can hold, ${rate}`,
        { RATE_LIMIT_USER: rate },
        "RATE_LIMIT_USER",
      ],
    ),
    ["a window of nothing", { RATE_LIMIT_ADDRESS: "5/0s" }, "RATE_LIMIT_ADDRESS"],
    ["a million events", { RATE_LIMIT_FAILURES: "1000000/1h" }, "RATE_LIMIT_FAILURES"],
    ["a rate in milliseconds", { RATE_LIMIT_USER: "5/1000ms" }, "RATE_LIMIT_USER"],
    ["a deadline of a day", { REQUEST_DEADLINE: "1d" }, "REQUEST_DEADLINE"],
    ["a drain of a month", { DRAIN_DELAY: "720h" }, "DRAIN_DELAY"],
    ["Redis by http", { REDIS_URL: "http://redis.example" }, "REDIS_URL"],
    ["all proxies trusted", { TRUSTED_PROXIES: "true" }, "TRUSTED_PROXIES"],
    ["all addresses trusted", { TRUSTED_PROXIES: "0.0.0.0/0" }, "TRUSTED_PROXIES"],
    ["all IPv6 addresses trusted", { TRUSTED_PROXIES: "10.0.0.1,::/0" }, "TRUSTED_PROXIES"],
    ["any proxy trusted", { TRUSTED_PROXIES: "*" }, "TRUSTED_PROXIES"],
    ["no proxies in a row", { TRUSTED_PROXIES: "0" }, "TRUSTED_PROXIES"],
    ["a network that is none", { TRUSTED_PROXIES: "10.0.0.0/33" }, "TRUSTED_PROXIES"],
    ["a proxy by name", { TRUSTED_PROXIES: "proxy.example.com" }, "TRUSTED_PROXIES"],
    // Logins other than by JWT.
    ...[{ URL: undefined }, { CLIENT_ID: undefined }, { CLIENT_SECRET: undefined }].map(
      (without): [string, Environment, string] => [
        `introspection without ${Object.keys(without)[0]}`,
        introspection(without),
        `AUTH_INTROSPECTION_${Object.keys(without)[0]}`,
      ],
    ),
    [
      "introspection by plain http",
      introspection({ URL: "http://login.example.com" }),
      "AUTH_INTROSPECTION_URL",
    ],
    [
      "introspection at AWS metadata",
      introspection({ URL: "https://169.254.169.254/" }),
      "AUTH_INTROSPECTION_URL",
    ],
    [
      "introspection with credentials in the URL",
      introspection({ URL: "https://a:b@login.example.com" }),
      "AUTH_INTROSPECTION_URL",
    ],
    [
      "introspection with a secret of two lines",
      introspection({ CLIENT_SECRET: "a\nb" }),
      "AUTH_INTROSPECTION_CLIENT_SECRET",
    ],
    [
      "introspection with a client in umlauts",
      introspection({ CLIENT_ID: "clïent" }),
      "AUTH_INTROSPECTION_CLIENT_ID",
    ],
    [
      "an audience that may be missing, without introspection",
      { AUTH_INTROSPECTION_REQUIRE_AUDIENCE: "false" },
      "AUTH_INTROSPECTION_REQUIRE_AUDIENCE",
    ],
    [
      "introspection without an audience",
      { ...introspection(), AUTH_JWT: "false", AUTH_AUDIENCE: undefined },
      "AUTH_AUDIENCE",
    ],
    ["a session check alone", { AUTH_SESSION_CHECK_URL: CHECK }, "AUTH_SESSION_COOKIE"],
    ["a session cookie alone", { AUTH_SESSION_COOKIE: "sid" }, "AUTH_SESSION_CHECK_URL"],
    [
      "a session check by plain http",
      { ...SESSION, AUTH_SESSION_CHECK_URL: "http://bank.example/me" },
      "AUTH_SESSION_CHECK_URL",
    ],
    [
      "a session check at Google metadata",
      { ...SESSION, AUTH_SESSION_CHECK_URL: "https://metadata.google.internal/me" },
      "AUTH_SESSION_CHECK_URL",
    ],
    ...["a b", "a=b", "a;b", "a,b", "a\r\nb", '"a"', "a/b", "ü", "x".repeat(129)].flatMap(
      (name): [string, Environment, string][] => [
        [`a token cookie called ${JSON.stringify(name)}`, { AUTH_COOKIE: name }, "AUTH_COOKIE"],
        [
          `a session cookie called ${JSON.stringify(name)}`,
          { ...SESSION, AUTH_SESSION_COOKIE: name },
          "AUTH_SESSION_COOKIE",
        ],
      ],
    ),
    ["one cookie for two proofs", { ...SESSION, AUTH_COOKIE: "sid" }, "AUTH_COOKIE"],
    [
      "a page by plain http that may use cookies",
      { ...SESSION, CORS_ORIGINS: "http://app.example.com" },
      "CORS_ORIGINS",
    ],
    [
      "no JWTs and a faulty session check",
      { ...NO_JWT, AUTH_SESSION_CHECK_URL: "http://bank.example/me", AUTH_SESSION_COOKIE: "sid" },
      "AUTH_SESSION_CHECK_URL",
    ],
    ["no login at all", { AUTH_JWT: "false" }, "AUTH_JWT"],
    ["a JWT in a cookie, but no JWTs", { ...SESSION, ...NO_JWT, AUTH_COOKIE: "t" }, "AUTH_COOKIE"],
    [
      "keys, but no JWTs",
      { ...SESSION, ...NO_JWT, AUTH_JWKS_URL: "https://login.example.com/keys" },
      "AUTH_JWKS_URL",
    ],
    [
      "a session without an issuer",
      { ...SESSION, ...NO_JWT, AUTH_ISSUER: undefined },
      "AUTH_ISSUER",
    ],
    // Guessable, or not the real thing.
    ["one character again and again", secretUserId("a".repeat(40)), "USER_ID_SECRET"],
    ["a few characters", secretUserId("abcdefgh".repeat(5)), "USER_ID_SECRET"],
    ["a word again and again", secretUserId("correcthorse".repeat(4)), "USER_ID_SECRET"],
    ["digits again and again", secretUserId("0123456789".repeat(4)), "USER_ID_SECRET"],
    ...[
      "…",
      "...",
      "<your key>",
      "changeme",
      "CHANGE-ME",
      "your-api-key",
      "xxxxxxxx",
      "{{ key }}",
    ].map((key): [string, Environment, string] => [
      `the key ${key}`,
      { MX_PLATFORM_API_KEY: key },
      "MX_PLATFORM_API_KEY",
    ]),
    ["a short lookup token", { ...ssoLookup(), MEMBER_LOOKUP_TOKEN: "abc" }, "MEMBER_LOOKUP_TOKEN"],
    [
      "a lookup token of one character",
      { ...ssoLookup(), MEMBER_LOOKUP_TOKEN: "a".repeat(32) },
      "MEMBER_LOOKUP_TOKEN",
    ],
    [
      "one secret for two things",
      { ...SSO, ...secretUserId(STRONG), MEMBER_USERKEY_SECRET: STRONG },
      "MEMBER_USERKEY_SECRET",
    ],
    [
      "MX's key for user ids",
      { ...secretUserId(STRONG), MX_PLATFORM_API_KEY: STRONG },
      "USER_ID_SECRET",
    ],
    // Production.
    [
      "production keys for MX's integration",
      { MX_ENVIRONMENT: "production", MX_PLATFORM_BASE_URL: "https://int-api.mx.com" },
      "MX_PLATFORM_BASE_URL",
    ],
    [
      "production keys for the simulator",
      { MX_ENVIRONMENT: "production", MX_PLATFORM_BASE_URL: "http://127.0.0.1:3001" },
      "MX_PLATFORM_BASE_URL",
    ],
    [
      "production SSO keys for MX's integration",
      {
        ...SSO,
        MX_ENVIRONMENT: "production",
        MX_SSO_BASE_URL: "https://int-api2.moneydesktop.com",
      },
      "MX_SSO_BASE_URL",
    ],
    // More addresses that lead to credentials of the machine.
    [
      "Google metadata by its short name",
      { AUTH_JWKS_URL: "https://metadata/keys" },
      "AUTH_JWKS_URL",
    ],
    ["Amazon metadata by name", { AUTH_JWKS_URL: "https://instance-data/keys" }, "AUTH_JWKS_URL"],
    ["Azure's wire server", { AUTH_JWKS_URL: "https://168.63.129.16/keys" }, "AUTH_JWKS_URL"],
    ["Oracle metadata", { AUTH_JWKS_URL: "https://192.0.0.192/keys" }, "AUTH_JWKS_URL"],
    ["metadata by NAT64", { AUTH_JWKS_URL: "https://[64:ff9b::a9fe:a9fe]/keys" }, "AUTH_JWKS_URL"],
    ["a way out by metadata", { HTTPS_PROXY: "http://169.254.169.254" }, "HTTPS_PROXY"],
    ["Redis at metadata", { REDIS_URL: "redis://169.254.169.254:6379" }, "REDIS_URL"],
    // Whom to believe.
    ["half of all addresses", { TRUSTED_PROXIES: "0.0.0.0/1,128.0.0.0/1" }, "TRUSTED_PROXIES"],
    ["all IPv4 as IPv6", { TRUSTED_PROXIES: "::ffff:0:0/96" }, "TRUSTED_PROXIES"],
    ...["0:0:0:0:0:ffff:0:0/96", "0::/8", "0000:1::/16", "100::/7", "64:ff9b::/96"].map(
      (network): [string, Environment, string] => [
        `all IPv4 as ${network}`,
        { TRUSTED_PROXIES: network },
        "TRUSTED_PROXIES",
      ],
    ),
    ["all of today's IPv6", { TRUSTED_PROXIES: "2000::/7" }, "TRUSTED_PROXIES"],
    ["an eighth of all IPv6", { TRUSTED_PROXIES: "2000::/3" }, "TRUSTED_PROXIES"],
    ["a page by plain http", { CORS_ORIGINS: "http://app.example.com" }, "CORS_ORIGINS"],
    [
      "a redirect with a wildcard",
      { CLIENT_REDIRECT_URLS: "https://app.example.com/*" },
      "CLIENT_REDIRECT_URLS",
    ],
    [
      "a redirect to any host of a domain",
      { CLIENT_REDIRECT_URLS: "https://*.example.com/done" },
      "CLIENT_REDIRECT_URLS",
    ],
    // Node itself.
    ["NODE_DEBUG", { NODE_DEBUG: "http,undici" }, "NODE_DEBUG"],
    ["DEBUG", { DEBUG: "*" }, "DEBUG"],
    ["DEBUG of Redis", { DEBUG: "ioredis:*" }, "DEBUG"],
    ["a loose parser", { NODE_OPTIONS: "--insecure-http-parser" }, "NODE_OPTIONS"],
    ["TLS keys in a file", { NODE_OPTIONS: "--tls-keylog=/tmp/keys" }, "NODE_OPTIONS"],
    ["old TLS", { NODE_OPTIONS: "--tls-min-v1.0" }, "NODE_OPTIONS"],
    ["a public debugger", { NODE_OPTIONS: "--inspect=0.0.0.0:9229" }, "NODE_OPTIONS"],
    [
      "a debugger in production",
      { NODE_OPTIONS: "--inspect", MX_ENVIRONMENT: "production" },
      "NODE_OPTIONS",
    ],
  ])("with %s does not start", (_what, variables, variable) => {
    expect(namesOf({ ...PLATFORM, ...variables })).toEqual([variable]);
  });

  function introspection(changes: Environment = {}): Environment {
    const values = { URL: "https://login.example.com/introspect", CLIENT_ID: "bff", ...changes };
    const group = Object.entries({ CLIENT_SECRET: "secret", ...values });
    return Object.fromEntries(group.map(([name, value]) => [`AUTH_INTROSPECTION_${name}`, value]));
  }

  it.each([
    ["--insecure-http-parser"],
    ["--tls-keylog=/tmp/keys"],
    ["--tls_keylog=/tmp/keys"],
    ["--jitless"],
    ["--no_expose_wasm"],
    ["--inspect=0.0.0.0"],
    ["--inspect-brk=[::]:9229"],
    ["--inspect-port=0.0.0.0:1"],
  ])("with the flag %s does not start", (flag) => {
    expect(() => loadConfig(PLATFORM, noFiles, [flag])).toThrow(/^ {2}A flag of node must not /);
  });

  it.each(["--inspect", "--inspect=9229", "--inspect=127.0.0.1:9229", "--enable-source-maps"])(
    "is not: the flag %s outside of production",
    (flag) => {
      expect(loadConfig(PLATFORM, noFiles, [flag]).tenants).toHaveLength(1);
    },
  );

  it.each<[string, Environment]>([
    ["keys that look odd", { MX_PLATFORM_API_KEY: "& + %# space = é" }],
    [
      "an app's own scheme",
      {
        CORS_ORIGINS:
          "capacitor://localhost,ionic://localhost,tauri://localhost,app://-,chrome-extension://abcdef,moz-extension://0a1b-2c,http://tauri.localhost",
      },
    ],
    ["a base path", { BASE_PATH: "/a/b.c/~d_e-f" }],
    ["a base path of dots that are none", { BASE_PATH: "/..a/.well-known/b.." }],
    ["idle connections for an hour", { KEEP_ALIVE_TIMEOUT: "1h" }],
    ["HSTS for no time", { HSTS_MAX_AGE: "0" }],
    ["a page on a local name", { CORS_ORIGINS: "http://localhost:5173,http://app.test:8080" }],
    ["private networks", { TRUSTED_PROXIES: "10.0.0.0/8,192.168.1.1,fc00::/7,::1" }],
    ["DEBUG=false", { DEBUG: "false" }],
    ["a gateway of one's own in production", production("https://mx.gateway.example")],
  ])("is not: %s", (_what, variables) => {
    expect(namesOf({ ...PLATFORM, ...variables })).toEqual([]);
  });

  it.each([
    ["a private", { kty: "EC", d: "canary" }],
    ["a symmetric", { kty: "oct", k: "canary" }],
  ])("is %s key among the public ones", (_what, key) => {
    const read = () => JSON.stringify({ keys: [{ kty: "RSA", n: "x", e: "AQAB" }, key] });
    const faults = faultsOf({ ...PLATFORM, AUTH_JWKS_FILE: "/keys.json" }, read);
    expect(faults).toEqual([
      { variable: "AUTH_JWKS_FILE", message: expect.stringContaining("public keys only") },
    ]);
  });

  function production(url: string): Environment {
    return { MX_ENVIRONMENT: "production", MX_PLATFORM_BASE_URL: url };
  }

  function secretUserId(secret: string): Environment {
    return { USER_ID_MODE: "hmac", USER_ID_SECRET: secret };
  }

  function ssoOnly(): Environment {
    return { ...SSO, MX_PLATFORM_CLIENT_ID: undefined, MX_PLATFORM_API_KEY: undefined };
  }

  function ssoMember(): Environment {
    return { MEMBER_CREDENTIALS: "derived", MEMBER_USERKEY_SECRET: STRONG };
  }

  function ssoLookup(): Environment {
    return {
      ...SSO,
      MEMBER_CREDENTIALS: "lookup",
      MEMBER_LOOKUP_URL: "https://bank.example/keys",
      MEMBER_LOOKUP_TOKEN: "lookup-token-1",
    };
  }

  it("is told all its faults at once", () => {
    expect(
      namesOf({
        PORT: "x",
        AUTH_ALGORITHMS: "HS256",
        MX_PLATFORM_CLIENT_ID: "client-1",
        CORS_ORIGINS: "*",
      }).sort(),
    ).toEqual([
      "AUTH_ALGORITHMS",
      "AUTH_AUDIENCE",
      "AUTH_ISSUER",
      "CORS_ORIGINS",
      "MX_PLATFORM_API_KEY",
      "PORT",
    ]);
  });

  it("is told what to do about nothing at all", () => {
    expect(namesOf({}).sort()).toEqual(["AUTH_AUDIENCE", "AUTH_ISSUER", "MX_PLATFORM_CLIENT_ID"]);
  });

  it.each([
    ["https://app.example.com/", "number 1 (app.example.com): it must be an exact origin"],
    ["https://a.example,https://*.b.example", "number 2 (*.b.example): it must be an exact origin"],
    ["https://a.example , app.example.com", "number 2: it must be an exact origin"],
    ["https://a.example,*", "number 2: it must be an exact origin"],
    ["http://a.example,https://b.example/", "number 1 (a.example): it must be https"],
  ])("is told which entry of CORS_ORIGINS=%s is bad", (origins, problem) => {
    const [fault] = faultsOf({ ...PLATFORM, CORS_ORIGINS: origins });
    expect(fault?.message).toContain(problem);
  });

  it("is told one line for each fault, the name first", () => {
    expect(() => loadConfig({ ...PLATFORM, PORT: "x", MAX_IN_FLIGHT: "0" })).toThrow(
      "  PORT must be a port from 0 to 65535\n  MAX_IN_FLIGHT must be a whole number from 1 to 100000",
    );
  });

  it.each([
    ["RATE_LIMIT_USER", "2/720h", "(1 to 999999 events in a window of 1s to 576h)"],
    ["RATE_LIMIT_ADDRESS", "1000000/1s", "(1 to 999999 events in a window of 1s to 576h)"],
    ["REQUEST_DEADLINE", "2m", "from 1s to 1m"],
    ["DRAIN_DELAY", "61s", "from 0s to 1m"],
  ])("is told the bounds of %s", (name, value, bounds) => {
    const [fault] = faultsOf({ ...PLATFORM, [name]: value });
    expect(fault).toEqual({ variable: name, message: expect.stringContaining(bounds) });
  });

  it("never sees its values again", () => {
    const canary = "s3cr3t-CANARY";
    const names = [...VARIABLE_NAMES, ...SECRET_NAMES.map((name) => `${name}_FILE`)];
    const value = fc.constantFrom(
      canary,
      `${canary} with a space`,
      `${canary},${canary}`,
      `https://${canary}:pw@host.example/${canary}?${canary}`,
      `https://host.example/${canary}`,
      `http://host.example/${canary}`,
      `javascript:${canary}`,
      `{"widget_type":"${canary}"}`,
      `{"color_scheme":"${canary}"}`,
      `{"${canary}":true}`,
      `{"color_scheme":${canary}}`,
      canary.repeat(400),
    );
    const readFile = fc.constantFrom(
      () => canary,
      (path: string) => {
        throw new Error(`ENOENT: no such file, open '${path}' ${canary}`);
      },
    );
    const environment = fc.dictionary(fc.constantFrom(...names), value, { maxKeys: names.length });
    fc.assert(
      fc.property(environment, readFile, (variables, read) => {
        try {
          loadConfig(variables, read);
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error;
          expect(inspect(error, { depth: 9 }) + error.message).not.toContain(canary);
        }
      }),
      { seed: SEED, numRuns: runsOf(1000) },
    );
  });

  it("shows no value although every variable is wrong", () => {
    const all = Object.fromEntries(VARIABLE_NAMES.map((name) => [name, "s3cr3t CANARY\u0001"]));
    const faults = faultsOf(all);
    expect(faults.length).toBeGreaterThan(25);
    expect(JSON.stringify(faults)).not.toContain("CANARY");
  });
});
