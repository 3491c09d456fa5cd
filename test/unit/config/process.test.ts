/** The variables of the process: Redis, traces, HOSTED_NAME, proxies, plain http, and the digest. */

import { describe, expect, it } from "vitest";
import { loadConfig, toDigest } from "../../../src/config/load.ts";
import type { Environment } from "../../../src/config/variables.ts";
import { faultsOf, GOOD } from "./support.ts";

const redisOf = (environment: Environment) => {
  const { redis } = loadConfig({ ...GOOD, ...environment }).rateLimits;
  return redis && { ...redis, password: redis.password?.reveal() };
};

const DEFAULTS = {
  mode: "single",
  socket: undefined,
  isTls: false,
  username: undefined,
  password: undefined,
  database: 0,
  sentinelMaster: undefined,
  timeoutMs: 100,
};
const CLUSTER = { REDIS_MODE: "cluster" };
const SENTINEL = { REDIS_MODE: "sentinel", REDIS_SENTINEL_MASTER: "bff" };

describe("REDIS_URL", () => {
  it.each<[string, Environment, object]>([
    ["redis://redis", {}, { nodes: [{ host: "redis", port: 6379 }] }],
    ["redis://10.0.0.7:6380/2", {}, { nodes: [{ host: "10.0.0.7", port: 6380 }], database: 2 }],
    ["redis://[fd00::1]:6380/", {}, { nodes: [{ host: "fd00::1", port: 6380 }] }],
    ["rediss://redis:6380", {}, { nodes: [{ host: "redis", port: 6380 }], isTls: true }],
    [
      "redis://:p%40ss%2Cword@redis",
      {},
      { nodes: [{ host: "redis", port: 6379 }], password: "p@ss,word" },
    ],
    [
      "rediss://bff:p%2Fw@redis/1",
      {},
      {
        nodes: [{ host: "redis", port: 6379 }],
        isTls: true,
        username: "bff",
        password: "p/w",
        database: 1,
      },
    ],
    ["unix:///run/redis.sock", {}, { nodes: [], socket: "/run/redis.sock" }],
    ["unix:///run/100%.sock", {}, { nodes: [], socket: "/run/100%.sock" }],
    [
      "unix://bff:pw@localhost/run/redis.sock?db=3",
      {},
      { nodes: [], socket: "/run/redis.sock", username: "bff", password: "pw", database: 3 },
    ],
    [
      "redis://a:1,redis://b:2, redis://c:3",
      CLUSTER,
      {
        mode: "cluster",
        nodes: [
          { host: "a", port: 1 },
          { host: "b", port: 2 },
          { host: "c", port: 3 },
        ],
      },
    ],
    [
      "rediss://u:p@a:1,b:2,c",
      CLUSTER,
      {
        mode: "cluster",
        nodes: [
          { host: "a", port: 1 },
          { host: "b", port: 2 },
          { host: "c", port: 6379 },
        ],
        isTls: true,
        username: "u",
        password: "p",
      },
    ],
    ["redis://a", CLUSTER, { mode: "cluster", nodes: [{ host: "a", port: 6379 }] }],
    [
      "redis://:pw@s1:26379/1,s2:26379",
      SENTINEL,
      {
        mode: "sentinel",
        sentinelMaster: "bff",
        nodes: [
          { host: "s1", port: 26379 },
          { host: "s2", port: 26379 },
        ],
        password: "pw",
        database: 1,
      },
    ],
  ])("%s is understood", (url, more, redis) => {
    expect(redisOf({ REDIS_URL: url, ...more })).toEqual({ ...DEFAULTS, ...redis });
  });

  it.each<[string, Environment, RegExp]>([
    ["redis:/host", {}, /^REDIS_URL must be redis:\/\//],
    ["host:6379", {}, /^REDIS_URL must be redis:\/\//],
    ["http://host", {}, /^REDIS_URL must be redis:\/\//],
    ["redis+sentinel://host", {}, /^REDIS_URL must be redis:\/\//],
    ["redis://host/one", {}, /^REDIS_URL must be redis:\/\//],
    ["redis://host?db=1", {}, /^REDIS_URL must be redis:\/\//],
    ["unix:relative.sock", {}, /^REDIS_URL must be redis:\/\//],
    ["unix://elsewhere/run/redis.sock", {}, /^REDIS_URL must be redis:\/\//],
    ["unix:///run/a%00b.sock", {}, /^REDIS_URL must be redis:\/\//],
    ["redis://:pa,ss@host", {}, /^REDIS_URL must be redis:\/\/.*percent-encoded/],
    ["redis://a,http://b", CLUSTER, /^REDIS_URL must be redis:\/\//],
    ["redis://169.254.169.254", {}, /^REDIS_URL must not be a link-local/],
    ["redis://a,redis://169.254.169.254", CLUSTER, /^REDIS_URL must not be a link-local/],
    ["redis://a,rediss://b", CLUSTER, /^REDIS_URL must have the same scheme/],
    ["redis://:one@a,redis://:two@b", CLUSTER, /^REDIS_URL must have the same/],
    ["redis://a,redis://b", {}, /^REDIS_URL has several servers: set REDIS_MODE/],
    ["redis://a/1", CLUSTER, /^REDIS_URL must not have a database/],
    ["unix:///run/redis.sock", CLUSTER, /^REDIS_URL must not be a socket/],
    ["unix:///run/redis.sock", SENTINEL, /^REDIS_URL must not be a socket/],
    ["redis://a", { REDIS_MODE: "sentinel" }, /^REDIS_SENTINEL_MASTER is missing/],
    ["redis://a", { REDIS_SENTINEL_MASTER: "bff" }, /^REDIS_SENTINEL_MASTER has no effect/],
    [
      "redis://a",
      { ...SENTINEL, REDIS_SENTINEL_MASTER: "a b" },
      /^REDIS_SENTINEL_MASTER must have letters/,
    ],
    [
      "redis://a",
      { REDIS_MODE: "replicated" },
      /^REDIS_MODE must be one of single, cluster, sentinel/,
    ],
    ["", CLUSTER, /^REDIS_MODE has no effect without REDIS_URL/],
    ["redis://a", { REDIS_TIMEOUT: "9ms" }, /^REDIS_TIMEOUT must be a duration.* from 10ms to 2s/],
    [
      "redis://a",
      { REDIS_TIMEOUT: "2001ms", REQUEST_DEADLINE: "60s" },
      /^REDIS_TIMEOUT must be a duration/,
    ],
    [
      "redis://a",
      { REDIS_TIMEOUT: "801ms" },
      /^REDIS_TIMEOUT must be at most a tenth of REQUEST_DEADLINE, here 800ms/,
    ],
  ])("%s with %j is a fault", (url, more, fault) => {
    expect(faultsOf({ ...GOOD, REDIS_URL: url, ...more })).toEqual([expect.stringMatching(fault)]);
  });

  it.each([
    ["10ms", "1s", 10],
    ["100ms", "1s", 100],
    ["2s", "20s", 2000],
  ])("may be waited for %s with a deadline of %s", (timeout, deadline, timeoutMs) => {
    const environment = {
      REDIS_URL: "redis://a",
      REDIS_TIMEOUT: timeout,
      REQUEST_DEADLINE: deadline,
    };
    expect(redisOf(environment)).toMatchObject({ timeoutMs });
  });

  it("prints no password", () => {
    const config = loadConfig({ ...GOOD, REDIS_URL: "redis://bff:canary@redis" });
    expect(JSON.stringify(config)).not.toContain("canary");
  });
});

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://otel-collector:4318" };

const tracesOf = (environment: Record<string, string>) =>
  loadConfig({ ...GOOD, ...environment }).traces;

describe("traces", () => {
  it.each([
    ["http://otel-collector:4318", "http://otel-collector:4318/v1/traces"],
    ["https://collector.example.com/", "https://collector.example.com/v1/traces"],
    ["https://collector.example.com/otlp/", "https://collector.example.com/otlp/v1/traces"],
  ])("of %s go to %s", (endpoint, url) => {
    expect(tracesOf({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })?.url.href).toBe(url);
  });

  it.each([
    [undefined, undefined, true, 1],
    ["always_on", "0.5", false, 1],
    ["always_off", "0.5", false, 0],
    ["traceidratio", "0.25", false, 0.25],
    ["parentbased_always_off", undefined, true, 0],
    ["parentbased_traceidratio", "0.01", true, 0.01],
  ])(
    "with the sampler %s and %s are parent-based: %s, of the rest %s",
    (name, ratio, based, share) => {
      const environment = {
        ...ENDPOINT,
        ...(name && { OTEL_TRACES_SAMPLER: name }),
        ...(ratio && { OTEL_TRACES_SAMPLER_ARG: ratio }),
      };
      expect(tracesOf(environment)).toMatchObject({ isParentBased: based, ratio: share });
    },
  );

  it("are off without an endpoint, whatever else is set", () => {
    const environment = { OTEL_TRACES_SAMPLER: "xray", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" };
    expect(tracesOf(environment)).toBeUndefined();
    expect(tracesOf({ ...ENDPOINT, OTEL_SDK_DISABLED: "TRUE" })).toBeUndefined();
  });

  it.each([
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: "otel-collector:4317" },
      /^OTEL_EXPORTER_OTLP_ENDPOINT must be/,
    ],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "canary" }, /^OTEL_EXPORTER_OTLP_ENDPOINT must be a URL/],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "https://u:canary@c.example.com" }, /HEADERS$/],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "https://c.example.com/?key=canary" }, /no query/],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://169.254.169.254:4318" }, /metadata address$/],
    [{ ...ENDPOINT, OTEL_TRACES_SAMPLER: "canary" }, /^OTEL_TRACES_SAMPLER must be always_on/],
    [
      { ...ENDPOINT, OTEL_TRACES_SAMPLER_ARG: "canary" },
      /^OTEL_TRACES_SAMPLER_ARG must be a number/,
    ],
    [{ ...ENDPOINT, OTEL_TRACES_SAMPLER_ARG: "2" }, /^OTEL_TRACES_SAMPLER_ARG must be a number/],
    ...["-0", "0x1", " ", "+1", "Infinity"].map((ratio): [Record<string, string>, RegExp] => [
      { ...ENDPOINT, OTEL_TRACES_SAMPLER_ARG: ratio },
      /^OTEL_TRACES_SAMPLER_ARG must be a number/,
    ]),
    [{ ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, /^OTEL_EXPORTER_OTLP_PROTOCOL must not/],
  ])("with %j are a fault", (environment, message) => {
    const faults = faultsOf({ ...GOOD, ...environment });
    expect(faults).toEqual([expect.stringMatching(message)]);
    expect(faults.join()).not.toContain("canary");
  });
});

const APP = { ...GOOD, CLIENT_REDIRECT_URLS: "mybank://done" };
const MX = ["https://widgets.moneydesktop.com", "https://int-widgets.moneydesktop.com"];

describe("HOSTED_NAME", () => {
  it("is off unless it is set", () => {
    expect(loadConfig(APP).hosted).toBeUndefined();
  });

  it("frames MX's own hosts where no origins are listed", () => {
    expect(loadConfig({ ...APP, HOSTED_NAME: "Example Bank" }).hosted).toEqual({
      name: "Example Bank",
      redirects: ["mybank://done"],
      frameOrigins: MX,
    });
  });

  it("frames listed origins alone where there are any", () => {
    const WIDGET_URL_ORIGINS = "https://widgets.example.com";
    const { hosted } = loadConfig({ ...APP, HOSTED_NAME: "Example Bank", WIDGET_URL_ORIGINS });
    expect(hosted?.frameOrigins).toEqual(["https://widgets.example.com"]);
  });

  it("has the links and the hosts of all tenants, each once", () => {
    const tenant = (name: string, link: string, others: object = {}) => ({
      ...GOOD,
      name,
      AUTH_ISSUER: `https://${name}.example.com`,
      MX_PLATFORM_CLIENT_ID: name,
      MX_PLATFORM_API_KEY: `platform-key-of-${name}`,
      CLIENT_REDIRECT_URLS: [link, "shared://done"],
      ...others,
    });
    const file = JSON.stringify({
      tenants: [
        tenant("a", "a://done"),
        tenant("b", "b://done", { WIDGET_URL_ORIGINS: ["https://b.example.com"] }),
      ],
    });
    const { hosted } = loadConfig({ TENANTS_FILE: "t.json", HOSTED_NAME: "Vendor" }, () => file);
    expect(hosted).toEqual({
      name: "Vendor",
      redirects: ["a://done", "shared://done", "b://done"],
      frameOrigins: [...MX, "https://b.example.com"],
    });
  });

  it("needs somewhere to go", () => {
    expect(faultsOf({ ...GOOD, HOSTED_NAME: "Example Bank" })).toEqual([
      "HOSTED_NAME needs CLIENT_REDIRECT_URLS: the page for phones ends with one of these links",
    ]);
  });

  it("is no second fault where the links have one", () => {
    const CLIENT_REDIRECT_URLS = "javascript:alert(1)";
    const faults = faultsOf({ ...GOOD, HOSTED_NAME: "Example Bank", CLIENT_REDIRECT_URLS });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(/^CLIENT_REDIRECT_URLS /);
  });

  it.each(["Crédit Coopératif", "بنك المثال", "A&B <Bank>", "B", "x".repeat(60)])(
    "may be %s",
    (name) => {
      expect(loadConfig({ ...APP, HOSTED_NAME: name }).hosted?.name).toBe(name);
    },
  );

  it.each([" Bank", "Bank ", "Ba\nnk", "Ba\u202enk", "Ba\u200bnk", "x".repeat(61), " "])(
    "is refused: %j",
    (name) => {
      const faults = faultsOf({ ...APP, HOSTED_NAME: name });
      expect(faults).toHaveLength(1);
      expect(faults[0]).toMatch(/^HOSTED_NAME (has|is too long)/);
    },
  );
});

const PROXY = "http://proxy.example:3128";

describe("the variables of a proxy", () => {
  const proxyOf = (environment: Environment) => {
    const { proxy } = loadConfig({ ...GOOD, ...environment }, () => "http://from.file:3128\n");
    return proxy && { url: proxy.url.reveal(), noProxy: proxy.noProxy };
  };

  it.each<[string, Environment, string | undefined, string?]>([
    ["in capitals", { HTTPS_PROXY: PROXY, NO_PROXY: "a" }, PROXY, "a"],
    ["in lower case", { https_proxy: PROXY, no_proxy: "a" }, PROXY, "a"],
    ["mixed", { HTTPS_PROXY: PROXY, no_proxy: "a" }, PROXY, "a"],
    [
      "in both, capitals win",
      { HTTPS_PROXY: PROXY, https_proxy: "http://b", NO_PROXY: "a", no_proxy: "b" },
      PROXY,
      "a",
    ],
    [
      "in capitals but empty",
      { HTTPS_PROXY: "", https_proxy: PROXY, NO_PROXY: "", no_proxy: "b" },
      PROXY,
      "b",
    ],
    [
      "in a file, which wins over lower case",
      { HTTPS_PROXY_FILE: "/p", https_proxy: PROXY },
      "http://from.file:3128",
      "",
    ],
    ["empty", { https_proxy: "", no_proxy: "" }, undefined],
    ["of others", { HTTP_PROXY: PROXY, http_proxy: PROXY, ALL_PROXY: PROXY }, undefined],
  ])("are read %s", (_how, environment, url, noProxy) => {
    expect(proxyOf(environment)).toEqual(url && { url, noProxy });
  });

  it.each<[Environment, string]>([
    [{ HTTPS_PROXY: PROXY, NO_PROXY: "localhost,127.*" }, "NO_PROXY"],
    [{ https_proxy: PROXY, no_proxy: "127.*" }, "no_proxy"],
    [{ https_proxy: "proxy:3128" }, "https_proxy"],
    [{ https_proxy: "socks5://proxy" }, "https_proxy"],
  ])("with %j are a fault of %s", (environment, name) => {
    expect(faultsOf({ ...GOOD, ...environment })).toEqual([
      expect.stringMatching(new RegExp(`^${name} (has an item|must be)`)),
    ]);
  });

  it("do not matter without a proxy, whatever NO_PROXY says", () => {
    expect(faultsOf({ ...GOOD, NO_PROXY: "127.*", no_proxy: "10.1" })).toEqual([]);
  });
});

describe("ALLOW_HTTP_HOSTS", () => {
  const session = { AUTH_SESSION_COOKIE: "sid", AUTH_SESSION_CHECK_URL: "http://app:3000/me" };
  const introspection = {
    AUTH_INTROSPECTION_URL: "http://hydra.auth.svc:4445/introspect",
    AUTH_INTROSPECTION_CLIENT_ID: "bff",
    AUTH_INTROSPECTION_CLIENT_SECRET: "introspection-secret",
  };
  const lookup = {
    MX_SSO_API_KEY: "sso-key",
    MX_SSO_CLIENT_GUID: "CLT-1",
    MEMBER_CREDENTIALS: "lookup",
    MEMBER_LOOKUP_URL: "http://vault.internal/keys",
    MEMBER_LOOKUP_TOKEN: "lookup-token-1",
  };

  it.each<[string, Environment, string]>([
    ["the session check", session, "app"],
    ["the session check at one port", session, "app:3000"],
    ["introspection", introspection, "a,hydra.auth.svc:4445"],
    ["the lookup", lookup, "vault.internal"],
    ["the lookup at the default port", lookup, "VAULT.internal:80"],
    ["the keys", { AUTH_JWKS_URL: "http://keycloak:8080/keys" }, "keycloak"],
    ["discovery", { AUTH_ISSUER: "http://keycloak:8080/realms/a" }, "keycloak:8080"],
  ])("lets plain http through to %s", (_what, environment, hosts) => {
    expect(faultsOf({ ...GOOD, ...environment, ALLOW_HTTP_HOSTS: hosts })).toEqual([]);
    expect(faultsOf({ ...GOOD, ...environment })).toHaveLength(1);
  });

  it.each<[string, Environment, string]>([
    ["another host", session, "app2"],
    ["another port", session, "app:3001"],
    ["a host below it", { AUTH_JWKS_URL: "http://a.keycloak.svc/keys" }, "keycloak.svc"],
    ["a host above it", { AUTH_JWKS_URL: "http://keycloak/keys" }, "keycloak.svc"],
    ["another scheme", { AUTH_JWKS_URL: "ftp://keycloak/keys" }, "keycloak"],
    ["credentials", { AUTH_JWKS_URL: "http://a:b@keycloak/keys" }, "keycloak"],
  ])("does not let through %s", (_what, environment, hosts) => {
    expect(faultsOf({ ...GOOD, ...environment, ALLOW_HTTP_HOSTS: hosts })).toEqual([
      expect.stringMatching(/^AUTH_\w+ must (be https|not hold credentials)/),
    ]);
  });

  it.each([
    "keycloak",
    "keycloak:8080",
    "my_service",
    "a.svc",
    "a.b.svc",
    "a.b.svc.cluster.local",
    "printer.local",
    "idp.corp.internal:8443",
    "a, b:1 ,c.local",
  ])("may list %s", (hosts) => {
    expect(faultsOf({ ...GOOD, ALLOW_HTTP_HOSTS: hosts })).toEqual([]);
  });

  it.each([
    "*",
    "*.svc",
    "*.internal",
    ".svc",
    "svc.",
    "login.example.com",
    "api.mx.com",
    "int-api.mx.com",
    "keycloak.svc.example.com",
    "evil-svc.com",
    "notinternal.com",
    "10.0.0.7",
    "127.0.0.1",
    "[::1]",
    "::1",
    "fd00::1",
    "2852039166",
    "0xa9fea9fe",
    "10.1",
    "1",
    "metadata",
    "metadata.google.internal",
    "instance-data",
    "instance-data.ec2.internal",
    "http://keycloak",
    "keycloak/realms",
    "user@keycloak",
    "keycloak:",
    "keycloak:0",
    "keycloak:65536",
    "keycloak:http",
    "key cloak",
    "a..svc",
    "-",
  ])("must not list %s", (hosts) => {
    expect(faultsOf({ ...GOOD, ALLOW_HTTP_HOSTS: hosts })).toEqual([
      expect.stringMatching(/^ALLOW_HTTP_HOSTS must list exact host names/),
    ]);
  });

  it.each(["MX_PLATFORM_BASE_URL", "MX_SSO_BASE_URL"])("never means MX: %s", (name) => {
    const sso = { ...lookup, MEMBER_LOOKUP_URL: "https://vault.internal/keys" };
    const environment = { ...GOOD, ...sso, ALLOW_HTTP_HOSTS: "mx-gateway:8080" };
    expect(faultsOf({ ...environment, [name]: "http://mx-gateway:8080" })).toEqual([
      `${name} must be https (http only on loopback)`,
    ]);
    expect(faultsOf({ ...environment, [name]: "https://mx-gateway" })).toEqual([
      "ALLOW_HTTP_HOSTS must not list a host of MX",
    ]);
  });

  it("holds for all tenants, and belongs to the process", () => {
    const tenant = { name: "a", ...GOOD, AUTH_JWKS_URL: "http://keycloak/keys" };
    const faults = (environment: Environment, more: object = {}) =>
      faultsOf({ TENANTS_FILE: "t", ...environment }, () =>
        JSON.stringify({ tenants: [{ ...tenant, ...more }] }),
      );
    expect(faults({ ALLOW_HTTP_HOSTS: "keycloak" })).toEqual([]);
    expect(faults({})).toEqual([expect.stringContaining("AUTH_JWKS_URL must be https")]);
    expect(faults({ ALLOW_HTTP_HOSTS: "keycloak" }, { ALLOW_HTTP_HOSTS: "a" })).toEqual([
      expect.stringContaining("ALLOW_HTTP_HOSTS belongs to the process"),
    ]);
  });
});

describe("the digest of the configuration", () => {
  const digestOf = (environment: Environment) => toDigest(loadConfig({ ...GOOD, ...environment }));

  it("is the same for replicas of one host, which differ in their ports", () => {
    const ports = [{ PORT: "3001" }, { OPERATIONS_PORT: "9091" }, { PORT: "0" }];
    expect(ports.map(digestOf)).toEqual(ports.map(() => digestOf({})));
  });

  it.each([{ HOST: "127.0.0.1" }, { RATE_LIMIT_USER: "7/1m" }, { MX_CONNECTIONS: "7" }])(
    "differs with %o",
    (environment) => {
      expect(digestOf(environment)).not.toBe(digestOf({}));
    },
  );
});
