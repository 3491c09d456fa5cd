import { execFileSync } from "node:child_process";
import { afterAll, describe, expect, it } from "vitest";
import { listCertificates, loadConfig, toDigest } from "../../../src/config/load.ts";
import type { Environment } from "../../../src/config/variables.ts";
import { findWarnings } from "../../../src/config/warnings.ts";
import { makeCertificates } from "../../support/certificates.ts";
import { faultsOf, GOOD } from "./support.ts";

const certificates = makeCertificates();
afterAll(() => certificates[Symbol.dispose]());
const client = certificates.issueTo("client", { isChained: true });
const other = certificates.issueTo("other", { isRsa: true });
const expired = certificates.issueTo("expired", { days: -1 });

const openssl = (args: string, input?: string) =>
  execFileSync("openssl", args.split(" "), { input, stdio: ["pipe", "pipe", "ignore"] }).toString();

const FILES: Readonly<Record<string, string>> = {
  "client.pem": client.cert,
  "client.key": client.key,
  "other.pem": other.cert,
  "other.key": other.key,
  "expired.pem": expired.cert,
  "expired.key": expired.key,
  "both.pem": client.key + client.cert,
  "bom.pem": `\uFEFF${other.cert}`,
  "windows.key": other.key.replaceAll("\n", "\r\n"),
  "encrypted.key": openssl("pkey -aes256 -passout pass:secret", client.key),
  "old-encrypted.key": openssl("ec -aes256 -passout pass:secret", client.key),
  "empty.pem": "",
};

const read = (path: string): string => {
  const content = FILES[path];
  if (content === undefined) throw new Error("no such file");
  return content;
};

const LOOKUP = {
  MEMBER_LOOKUP_URL: "https://lookup.example.com/mx",
  MEMBER_LOOKUP_TOKEN: "lookup-token-for-tests",
};

const NAMES = ["MX_CLIENT", "AUTH_CLIENT", "MEMBER_LOOKUP_CLIENT"] as const;
const pair = (name: string, cert: string, key: string) => ({
  [`${name}_CERT_FILE`]: cert,
  [`${name}_KEY_FILE`]: key,
});
const faults = (variables: Environment) => faultsOf({ ...GOOD, ...LOOKUP, ...variables }, read);

describe.each(NAMES)("%s_CERT_FILE and %s_KEY_FILE", (name) => {
  it.each([
    ["a chain", "client.pem", "client.key"],
    ["RSA", "other.pem", "other.key"],
    ["one file for both", "both.pem", "both.pem"],
    ["as Windows writes them", "bom.pem", "windows.key"],
  ])("are a pair: %s", (_kind, cert, key) => {
    expect(faults(pair(name, cert, key))).toEqual([]);
  });

  it.each([
    ["KEY_FILE is missing", "client.pem", ""],
    ["CERT_FILE is missing", "", "client.key"],
    ["CERT_FILE names a file that cannot be read", "nowhere", "client.key"],
    ["KEY_FILE names a file that cannot be read", "client.pem", "nowhere"],
    ["KEY_FILE does not belong to", "client.pem", "other.key"],
    ["KEY_FILE names a key with a passphrase", "client.pem", "encrypted.key"],
    ["KEY_FILE names a key with a passphrase", "client.pem", "old-encrypted.key"],
    ["CERT_FILE must name a file that starts with a certificate", "client.key", "client.key"],
    ["KEY_FILE must name a file with a private key in PEM", "client.pem", "client.pem"],
    ["CERT_FILE must name a file that starts with a certificate", "empty.pem", "client.key"],
  ])("%s", (fault, cert, key) => {
    const found = faults(pair(name, cert, key));
    expect(found).toEqual([expect.stringContaining(`${name}_${fault}`)]);
    expect(found.join()).not.toMatch(/client\.|BEGIN|nowhere/);
  });

  it("may have expired, with a warning", () => {
    const config = loadConfig(
      { ...GOOD, ...LOOKUP, ...pair(name, "expired.pem", "expired.key") },
      read,
    );
    expect(findWarnings(config, false)).toEqual([
      {
        name: "certificate_expired",
        message: expect.stringContaining(`${name}_CERT_FILE has expired`),
      },
    ]);
  });

  it("make no difference to the digest of the configuration by what is in them", () => {
    const environment = { ...GOOD, ...LOOKUP, ...pair(name, "a", "b") };
    const digests = [client, other].map(({ cert, key }) =>
      toDigest(loadConfig(environment, (path) => (path === "a" ? cert : key))),
    );
    expect(digests[0]).toBe(digests[1]);
  });

  it("are watched", () => {
    const { files } = loadConfig(
      { ...GOOD, ...LOOKUP, ...pair(name, "client.pem", "client.key") },
      read,
    );
    expect(files.map(({ variable }) => variable).toSorted()).toEqual([
      `${name}_CERT_FILE`,
      `${name}_KEY_FILE`,
    ]);
  });
});

describe("a client certificate that nobody would be shown", () => {
  const NO_KEYS = {
    AUTH_JWT: "false",
    AUTH_INTROSPECTION_URL: "https://login.example.com/introspect",
    AUTH_INTROSPECTION_CLIENT_ID: "bff",
    AUTH_INTROSPECTION_CLIENT_SECRET: "a-secret-of-the-client",
  };

  it.each<[string, Environment]>([
    [
      "MEMBER_LOOKUP_CLIENT_CERT_FILE has no effect without MEMBER_LOOKUP_URL",
      {
        MEMBER_LOOKUP_URL: "",
        MEMBER_LOOKUP_TOKEN: "",
        ...pair("MEMBER_LOOKUP_CLIENT", "client.pem", "client.key"),
      },
    ],
    [
      "AUTH_CLIENT_CERT_FILE has no effect, because no login needs a call to a host",
      { AUTH_JWKS_FILE: "keys.json", ...pair("AUTH_CLIENT", "client.pem", "client.key") },
    ],
  ])("is a fault: %s", (fault, variables) => {
    const jwk = { kty: "EC", crv: "P-256", x: "x", y: "y" };
    const withKeys = (path: string) =>
      path === "keys.json" ? JSON.stringify({ keys: [jwk] }) : read(path);
    expect(faultsOf({ ...GOOD, ...LOOKUP, ...variables }, withKeys)).toEqual([fault]);
  });

  it("is none where introspection is asked", () => {
    expect(faults({ ...NO_KEYS, ...pair("AUTH_CLIENT", "client.pem", "client.key") })).toEqual([]);
  });
});

describe("TENANTS_FILE", () => {
  const tenant = (name: string, variables: object = {}) => ({
    name,
    AUTH_ISSUER: "https://login.example.com",
    AUTH_AUDIENCE: "mx-session",
    claim: { name: "org", value: name },
    MX_PLATFORM_CLIENT_ID: name,
    MX_PLATFORM_API_KEY: `key-of-${name}`,
    ...variables,
  });
  const load = (environment: Environment, ...tenants: object[]) =>
    [
      { TENANTS_FILE: "tenants", ...environment },
      (path: string) => (path === "tenants" ? JSON.stringify({ tenants }) : read(path)),
    ] as const;

  it("has certificates of its tenants, and the environment those of introspection", () => {
    const auth = pair("AUTH_CLIENT", "client.pem", "client.key");
    const one = tenant("one", { ...auth, ...pair("MX_CLIENT", "other.pem", "other.key") });
    const introspection = {
      AUTH_INTROSPECTION_URL: "https://login.example.com/introspect",
      AUTH_INTROSPECTION_CLIENT_ID: "bff",
      AUTH_INTROSPECTION_CLIENT_SECRET: "a-secret-of-the-client",
      ...pair("AUTH_CLIENT", "expired.pem", "expired.key"),
    };
    const config = loadConfig(...load(introspection, one, tenant("two", auth)));
    expect(config.logins.clientCertificate?.certFile).toBe("expired.pem");
    expect(
      config.tenants.map(({ auth, mx }) =>
        [auth, mx].map((each) => each.clientCertificate?.certFile),
      ),
    ).toEqual([
      ["client.pem", "other.pem"],
      ["client.pem", undefined],
    ]);
    expect(listCertificates(config).map(({ certFile }) => certFile)).toEqual([
      "other.pem",
      "client.pem",
      "expired.pem",
    ]);
  });

  it.each<[string, Environment, object, object]>([
    [
      "AUTH_CLIENT_CERT_FILE has no effect",
      pair("AUTH_CLIENT", "client.pem", "client.key"),
      {},
      {},
    ],
    [
      "MX_CLIENT_CERT_FILE belongs to a tenant",
      pair("MX_CLIENT", "client.pem", "client.key"),
      {},
      {},
    ],
    [
      "tenants[1] (two): AUTH_CLIENT_CERT_FILE must be equal",
      {},
      pair("AUTH_CLIENT", "client.pem", "client.key"),
      pair("AUTH_CLIENT", "other.pem", "other.key"),
    ],
    [
      "tenants[0] (one): MX_CLIENT_KEY_FILE does not",
      {},
      pair("MX_CLIENT", "client.pem", "other.key"),
      {},
    ],
  ])("%s", (fault, environment, one, two) => {
    const [given, reader] = load(environment, tenant("one", one), tenant("two", two));
    expect(faultsOf(given, reader)[0]).toContain(fault);
  });
});
