import { describe, expect, it } from "vitest";
import { faultsOf, GOOD } from "./support.ts";

describe("a variable that is nearly one of ours", () => {
  it.each([
    ["MX_PLATFORM_APIKEY", "MX_PLATFORM_API_KEY"],
    ["MX_PLATFORM_API_KEYS", "MX_PLATFORM_API_KEY"],
    ["MX_PLATFROM_API_KEY", "MX_PLATFORM_API_KEY"],
    ["MX_PLATFORM_APIKEY_FILE", "MX_PLATFORM_API_KEY_FILE"],
    ["CORS_ORIGIN", "CORS_ORIGINS"],
    ["TLS_CERTFILE", "TLS_CERT_FILE"],
    ["AUTH_JWKS_URI", "AUTH_JWKS_URL"],
    ["AUTH_AUDIENCES", "AUTH_AUDIENCE"],
    ["AUTH_ISUER", "AUTH_ISSUER"],
    ["REDIS_URI", "REDIS_URL"],
    ["REDIS_ULR", "REDIS_URL"],
    ["OPERATION_PORT", "OPERATIONS_PORT"],
    ["auth_issuer", "AUTH_ISSUER"],
    ["Redis_Url", "REDIS_URL"],
    ["HTTPS_PROXYS", "HTTPS_PROXY"],
    ["HTTPSPROXY", "HTTPS_PROXY"],
    ["USER_ID_SECRET_FILES", "USER_ID_SECRET_FILE"],
    ["LOGLEVEL", "LOG_LEVEL"],
  ])("%s is a fault that names %s", (name, nearest) => {
    expect(faultsOf({ ...GOOD, [name]: "x" })).toEqual([
      `${name} is unknown; did you mean ${nearest}?`,
    ]);
  });

  it("is one with a byte-order mark, too, which is not printed", () => {
    expect(faultsOf({ ...GOOD, "\ufeffAUTH_ISSUER": "x" })).toEqual([
      '"?AUTH_ISSUER" is unknown; did you mean AUTH_ISSUER?',
    ]);
  });

  it("is named in TENANTS_FILE, too", () => {
    const tenants = [{ name: "a", ...GOOD, CORS_ORIGIN: "https://a.example" }];
    expect(faultsOf({ TENANTS_FILE: "t" }, () => JSON.stringify({ tenants }))).toEqual([
      "tenants[0] (a): CORS_ORIGIN is unknown; did you mean CORS_ORIGINS?",
    ]);
  });

  it("does not matter while it is empty", () => {
    expect(faultsOf({ ...GOOD, CORS_ORIGIN: "" })).toEqual([]);
  });
});

describe("a variable of others", () => {
  it.each([
    ["REDIS_PORT", "tcp://10.0.0.1:6379"],
    ["REDIS_PORT", "6379"],
    ["REDIS_HOST", "redis"],
    ["REDIS_PASSWORD", "x"],
    ["REDIS_SSL", "true"],
    ["REDIS_TLS_URL", "rediss://x"],
    ["REDIS_SERVICE_HOST", "10.0.0.1"],
    ["REDIS_SERVICE_PORT_REDIS", "6379"],
    ["REDIS_PORT_6379_TCP", "tcp://10.0.0.1:6379"],
    ["REDIS_PORT_6379_TCP_ADDR", "10.0.0.1"],
    ["AUTH_SERVICE_HOST", "10.0.0.2"],
    ["AUTH_PORT_80_UDP_PROTO", "udp"],
    ["OPERATION_PORT", "tcp://10.0.0.3:80"],
    ["MX_SESSION_BFF_PORT", "tcp://10.0.0.3:8080"],
    ["MX_SESSION_BFF_PORT_8080_TCP", "tcp://10.0.0.3:8080"],
    ["AUTH_SECRET", "x"],
    ["SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt"],
    ["SSL_KEY_FILE", "x"],
    ["AUTH_URL", "https://x"],
    ["AUTH_TRUST_HOST", "true"],
    ["HTTP_PROXY", "http://proxy:3128"],
    ["http_proxy", "http://proxy:3128"],
    ["ALL_PROXY", "x"],
    ["all_proxy", "x"],
    ["FTP_PROXY", "x"],
    ["ftp_proxy", "x"],
    ["HOSTS", "a"],
    ["PORTS", "a"],
    ["HOSTNAME", "pod-1"],
    ["NODE_ENV", "production"],
    ["npm_config_log_level", "x"],
  ])("is left alone: %s=%s", (name, value) => {
    expect(faultsOf({ ...GOOD, [name]: value })).toEqual([]);
  });
});
