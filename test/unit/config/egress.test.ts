import { describe, expect, it } from "vitest";
import { loadConfig } from "../../../src/config/load.ts";
import type { Environment } from "../../../src/config/types.ts";
import { faultsOf, GOOD } from "./support.ts";

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
