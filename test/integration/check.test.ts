/**
 * `--check`: each verdict, against the simulator, the fault server, and the peers themselves.
 */

import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type IdentityProvider,
  startIdentityProvider,
} from "../../packages/simulator/src/identity-provider.ts";
import { type Simulator, startSimulator } from "../../packages/simulator/src/simulator.ts";
import { type CheckOptions, check } from "../../src/commands/check/check.ts";
import type { Finding, Party } from "../../src/commands/check/finding.ts";
import { toExitCode, toJson, toText } from "../../src/commands/check/report.ts";
import { loadConfig } from "../../src/config/load.ts";
import { findWarnings } from "../../src/config/warnings.ts";
import { type Certificate, type Certificates, makeCertificates } from "../support/certificates.ts";
import { stopClock } from "../support/clock.ts";
import { RUNS_ALL } from "../support/exhaustive.ts";
import { startFaultServer } from "../support/fault-server.ts";
import { isInstalled } from "../support/installed.ts";
import { PASSWORD, startProxy } from "../support/proxy.ts";
import { ask, MASTER, startCluster, startSentinels, startSingle } from "../support/redis.ts";
import { runMain } from "../support/run-main.ts";
import { mountVolume } from "../support/secret-volume.ts";
import { type Apis, baseEnvironment } from "../support/start.ts";

type Environment = Record<string, string | undefined>;

let mx: Simulator;
let issuer: IdentityProvider;

beforeAll(async () => {
  mx = await startSimulator();
  issuer = await startIdentityProvider();
});
afterAll(async () => {
  await issuer[Symbol.asyncDispose]();
  await mx[Symbol.asyncDispose]();
});
beforeEach(() => {
  mx.calls.clear();
  mx.clearFaults();
  issuer.fail(undefined);
});

/** What is said of one party; no finding holds a secret. */
async function judge(
  party: Party,
  environment: Environment = {},
  apis: Apis = "platform",
  options?: CheckOptions,
): Promise<Finding | undefined> {
  const all = { ...baseEnvironment(mx, issuer, apis), ...environment };
  const checking = () => check(loadConfig(all), options);
  const findings = party === "redis" ? await checking() : await inNoTime(checking);
  const { apiKey, ssoKey, mdApiKey } = mx.credentials;
  for (const secret of ["canary", apiKey, ssoKey, mdApiKey, PASSWORD]) {
    expect(JSON.stringify(findings)).not.toContain(secret);
  }
  for (const { verdict, next } of findings) expect(next === undefined).toBe(verdict === "ok");
  return findings.find((finding) => finding.party === party);
}

/** Redis has a process of its own, and with it real time. */
async function inNoTime<T>(work: () => Promise<T>): Promise<T> {
  using clock = stopClock();
  return (await clock.run(work())).result;
}

async function verdict(...args: Parameters<typeof judge>): Promise<string | undefined> {
  return (await judge(...args))?.verdict;
}

/** An upstream of the partner, or nobody's. */
async function startUpstream(listener: RequestListener) {
  const server = createHttpServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Nobody listens there. */
async function findClosedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

describe("--check of a configuration that works", () => {
  it("finds every party well, with reads alone at MX", async () => {
    const config = loadConfig(baseEnvironment(mx, issuer, "both"));

    const findings = await check(config);

    expect(findings.map(({ party, verdict }) => [party, verdict])).toEqual([
      ["issuer", "ok"],
      ["platform_api", "ok"],
      ["sso_api", "ok"],
      ["clock", "ok"],
    ]);
    expect(mx.calls.all.map(({ operation }) => operation).toSorted()).toEqual([
      "platform.list_users",
      "sso.read_user",
    ]);
  });

  it("does so with the older version of the Platform API as well", async () => {
    expect(await verdict("platform_api", { MX_PLATFORM_VERSION: "v20111101" })).toBe("ok");
  });
});

describe("--check of several tenants", () => {
  it("asks for each, and says whose key is refused", async () => {
    const { AUTH_ISSUER, AUTH_AUDIENCE, MX_PLATFORM_BASE_URL, ...rest } = baseEnvironment(
      mx,
      issuer,
      "platform",
    );
    const { MX_PLATFORM_CLIENT_ID, MX_PLATFORM_API_KEY, ...process } = rest;
    const shared = { AUTH_ISSUER, AUTH_AUDIENCE, MX_PLATFORM_BASE_URL, MX_PLATFORM_API_KEY };
    const tenants = ["first", "second"].map((name) => ({
      name,
      claim: { name: "org", value: name },
      ...shared,
      MX_PLATFORM_CLIENT_ID: name === "first" ? MX_PLATFORM_CLIENT_ID : "foreign",
    }));
    const folder = mkdtempSync(join(tmpdir(), "tenants-"));
    const path = join(folder, "tenants.json");
    writeFileSync(path, JSON.stringify({ tenants }));

    const findings = await check(loadConfig({ ...process, TENANTS_FILE: path }));
    rmSync(folder, { recursive: true });

    const told = findings.map(({ party, tenant, verdict }) => [party, tenant, verdict]);
    expect(told).toEqual([
      ["issuer", "first", "ok"],
      ["platform_api", "first", "ok"],
      ["issuer", "second", "ok"],
      ["platform_api", "second", "key_refused"],
      ["clock", undefined, "ok"],
    ]);
    expect(toText({ faults: [], warnings: [], findings })).toMatch(
      /^FAILED {2}Platform API \(second\)/m,
    );
  });
});

describe("--check of the Platform API", () => {
  it("tells a refused key", async () => {
    const finding = await judge("platform_api", { MX_PLATFORM_API_KEY: "canary" });

    expect(finding?.verdict).toBe("key_refused");
    expect(finding?.next).toContain("MX_PLATFORM_API_KEY");
  });

  it.each([
    [403, "address_not_listed"],
    [406, "wrong_version"],
    [415, "wrong_version"],
    [404, "wrong_address"],
    [301, "wrong_address"],
    [429, "rate_limited"],
    [500, "unavailable"],
    [503, "unavailable"],
    [400, "unexpected_answer"],
    [204, "unexpected_answer"],
  ])("reads status %i as %s", async (status, expected) => {
    mx.failNext({ kind: "status", status });

    expect(await verdict("platform_api")).toBe(expected);
  });

  it("reads a 400 that speaks of the version as a wrong version", async () => {
    const body = { error: { message: "Accept-Version canary is not valid" } };
    mx.failNext({ kind: "status", status: 400, body });

    expect(await verdict("platform_api")).toBe("wrong_version");
  });

  it("does not take a portal's page for MX", async () => {
    mx.failNext({ kind: "raw", body: "<html>canary</html>", contentType: "text/html" });

    expect(await verdict("platform_api")).toBe("unexpected_answer");
  });

  it.each([
    ["silence", { kind: "silence" }],
    ["a reset", { kind: "reset", when: "before" }],
  ] as const)("reads %s as no answer", async (_name, fault) => {
    mx.failNext(fault);

    expect(await verdict("platform_api")).toBe("no_answer");
  });

  it("tells that what answers does not speak HTTP", async () => {
    await using wire = await startFaultServer({ upstream: mx.platformUrl });
    wire.misbehave(() => ({ kind: "raw", text: "220 canary ESMTP\r\n", close: true }));

    expect(await verdict("platform_api", { MX_PLATFORM_BASE_URL: wire.url })).toBe(
      "unexpected_answer",
    );
  });

  it("tells that nobody listens", async () => {
    const port = await findClosedPort();

    const finding = await judge("platform_api", {
      MX_PLATFORM_BASE_URL: `http://127.0.0.1:${port}`,
    });

    expect(finding).toMatchObject({ verdict: "unreachable", target: `127.0.0.1:${port}` });
  });

  it("tells that a name does not exist", async () => {
    expect(
      await verdict("platform_api", { MX_PLATFORM_BASE_URL: "https://mx.example.invalid" }),
    ).toBe("name_not_found");
  });
});

describe("--check of the SSO API", () => {
  it("cannot tell a refused key from an address that is not listed, and says both", async () => {
    const finding = await judge("sso_api", { MX_SSO_API_KEY: "canary" }, "sso");

    expect(finding?.verdict).toBe("key_or_address_refused");
    expect(finding?.next).toMatch(/MX_SSO_API_KEY.*allow-list/s);
  });

  it("takes silence for a refused key where the Platform API answers this address", async () => {
    expect(await verdict("sso_api", { MX_SSO_API_KEY: "canary" }, "both")).toBe("key_refused");
  });

  it("takes silence for an address that is not listed where the Platform API says so", async () => {
    mx.failNext({ kind: "status", status: 403 }, { operation: "platform.list_users" });
    mx.failNext({ kind: "silence" }, { operation: "sso.read_user" });

    expect(await verdict("sso_api", {}, "both")).toBe("address_not_listed");
  });

  it("takes a connection that is closed without a word for silence", async () => {
    mx.failNext({ kind: "reset", when: "before" }, { operation: "sso.read_user" });

    expect(await verdict("sso_api", {}, "sso")).toBe("key_or_address_refused");
  });

  it("does not take a closed port for silence", async () => {
    const url = `http://127.0.0.1:${await findClosedPort()}`;

    expect(await verdict("sso_api", { MX_SSO_BASE_URL: url }, "sso")).toBe("unreachable");
  });

  it.each([
    [401, "key_refused"],
    [403, "address_not_listed"],
    [404, "wrong_address"],
    [429, "rate_limited"],
    [502, "unavailable"],
  ])("reads status %i as %s", async (status, expected) => {
    mx.failNext({ kind: "status", status }, { operation: "sso.read_user" });

    expect(await verdict("sso_api", {}, "sso")).toBe(expected);
  });

  it("tells a client that is not this key's, where MX says so", async () => {
    const body = { error: "Client must be associated." };
    mx.failNext({ kind: "status", status: 500, body }, { operation: "sso.read_user" });

    expect(await verdict("sso_api", {}, "sso")).toBe("client_refused");
  });
});

describe("--check of the SSO API v3 and MDX Real Time", () => {
  it.each([
    ["v3", ["sso_api", "mdx"], ["mdx.read_user", "sso_v3.request_widget_url"]],
    ["v3-both", ["platform_api", "mdx"], ["mdx.read_user", "platform.list_users"]],
  ] as const)(
    "asks each (%s) for a user that cannot exist, and makes nothing",
    async (apis, parties, operations) => {
      const findings = await check(loadConfig(baseEnvironment(mx, issuer, apis)));

      expect(findings.map(({ party, verdict }) => [party, verdict])).toEqual([
        ["issuer", "ok"],
        ...parties.map((party) => [party, "ok"]),
        ["clock", "ok"],
      ]);
      expect(mx.calls.all.map(({ operation }) => operation).toSorted()).toEqual(operations);
      expect(mx.calls.all.map(({ status }) => status)).toContain(404);
      expect(mx.state.created).toEqual({ users: 0, members: 0, widgetTickets: 0 });
    },
  );

  it("says that a 404 does not prove the client id", async () => {
    const environment = { MX_SSO_CLIENT_ID: "nobody" };
    for (const party of ["sso_api", "mdx"] as const) {
      const { verdict, message } = (await judge(party, environment, "v3")) ?? {};
      expect([verdict, message]).toEqual([
        "ok",
        expect.stringContaining("Only the first login will show whether MX_SSO_CLIENT_ID is right"),
      ]);
    }
  });

  it.each([
    ["sso_api", { MX_SSO_API_KEY: "canary" }, "Compare MX_SSO_API_KEY with"],
    [
      "mdx",
      { MX_SSO_API_KEY: "canary" },
      "Compare MX_MDX_API_KEY (MX_SSO_API_KEY, if it is not set) with",
    ],
    ["mdx", { MX_MDX_API_KEY: "canary" }, "Compare MX_MDX_API_KEY"],
  ] as const)("of %s tells a refused key (%o)", async (party, environment, next) => {
    const finding = await judge(party, environment, "v3");

    expect(finding?.verdict).toBe("key_refused");
    expect(finding?.next).toContain(next);
  });

  it("takes a key of MDX's own", async () => {
    const environment = { MX_SSO_API_KEY: "canary", MX_MDX_API_KEY: mx.credentials.mdApiKey };
    expect(await verdict("mdx", environment, "v3")).toBe("ok");
  });

  const STATUSES = [
    [401, "key_refused"],
    [403, "address_not_listed"],
    [404, "ok"],
    [301, "wrong_address"],
    [400, "unexpected_answer"],
    [406, "unexpected_answer"],
    [204, "unexpected_answer"],
    [429, "rate_limited"],
    [500, "unavailable"],
    [503, "unavailable"],
  ] as const;
  const PARTIES = [
    ["sso_api", "sso_v3.request_widget_url", "MX_SSO_BASE_URL"],
    ["mdx", "mdx.read_user", "MX_MDX_BASE_URL"],
  ] as const;

  it.each(PARTIES.flatMap((party) => STATUSES.map((status) => [...party, ...status] as const)))(
    "of %s reads %s answered with %s %i as %s",
    async (party, operation, variable, status, expected) => {
      mx.failNext({ kind: "status", status }, { operation });

      const finding = await judge(party, {}, "v3");

      expect(finding?.verdict).toBe(expected);
      if (expected === "wrong_address") expect(finding?.next).toContain(variable);
    },
  );

  it.each(PARTIES)(
    "of %s tells silence, and that nobody listens",
    async (party, operation, variable) => {
      mx.failNext({ kind: "silence" }, { operation });
      expect(await verdict(party, {}, "v3")).toBe("no_answer");

      const url = `http://127.0.0.1:${await findClosedPort()}`;
      expect(await verdict(party, { [variable]: url }, "v3")).toBe("unreachable");
    },
  );
});

describe("--check of the issuer", () => {
  it.each([
    ["500", "unavailable"],
    ["redirect", "wrong_address"],
    ["html", "unexpected_answer"],
    ["huge", "unexpected_answer"],
    ["silence", "no_answer"],
  ] as const)("reads %s as %s", async (mode, expected) => {
    issuer.fail(mode);

    expect(await verdict("issuer")).toBe(expected);
  });

  it.each([
    ["/jwks/v2?code=canary", "/jwks/v2"],
    [`https://${"user:canary"}@keys.example.com/jwks`, "https://keys.example.com/jwks"],
    ["http://[", "an unknown place"],
    [undefined, "an unknown place"],
  ])("says where a redirect to %s leads, without following it", async (location, place) => {
    let visits = 0;
    await using upstream = await startUpstream((_req, res) => {
      visits += 1;
      res.writeHead(302, location === undefined ? {} : { location }).end();
    });

    const finding = await judge("issuer", { AUTH_JWKS_URL: `${upstream.url}/jwks` });

    expect(finding?.verdict).toBe("wrong_address");
    expect(finding?.message).toContain(place);
    expect(visits).toBe(1);
  });

  it("names an answer that is compressed as such", async () => {
    await using upstream = await startUpstream((_req, res) =>
      res.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync('{"keys":[]}')),
    );

    const finding = await judge("issuer", { AUTH_JWKS_URL: upstream.url });

    expect(finding).toMatchObject({ verdict: "unexpected_answer" });
    expect(finding?.message).toContain("compresses");
  });

  it("asks each name of an issuer that has several, and says what that means", async () => {
    await using custom = await startIdentityProvider();
    custom.fail("500");
    const all = {
      ...baseEnvironment(mx, issuer, "platform"),
      AUTH_ISSUER: `${issuer.issuer},${custom.issuer}`,
    };
    const config = loadConfig(all);

    const findings = await check(config);

    const ofIssuers = findings.filter(({ party }) => party === "issuer");
    expect(ofIssuers.map(({ verdict }) => verdict)).toEqual(["ok", "unavailable"]);
    expect(findWarnings(config, false)).toMatchObject([{ name: "several_issuers" }]);
  });

  it("tells an issuer that calls itself otherwise", async () => {
    expect(await verdict("issuer", { AUTH_ISSUER: `${issuer.issuer}/` })).toBe("wrong_issuer");
  });

  it("tells a path without a discovery document", async () => {
    expect(await verdict("issuer", { AUTH_ISSUER: `${issuer.issuer}/tenant` })).toBe(
      "wrong_address",
    );
  });

  it.each([
    [404, "jwks_uri"],
    [302, "AUTH_JWKS_URL"],
  ])("tells a key set that discovery leads to in vain (%i)", async (status, next) => {
    await using upstream = await startUpstream((req, res) => {
      const discovery = { issuer: upstream.url, jwks_uri: `${upstream.url}/keys` };
      const isKeySet = req.url === "/keys";
      res.writeHead(isKeySet ? status : 200, { location: "/elsewhere" });
      res.end(JSON.stringify(isKeySet ? {} : discovery));
    });

    const finding = await judge("issuer", { AUTH_ISSUER: upstream.url });

    expect(finding?.verdict).toBe("wrong_address");
    expect(finding?.message).toMatch(/instead of its key set/);
    expect(finding?.next).toContain(next);
  });

  it("blames the address of the keys where that is a discovery document's", async () => {
    const url = `${issuer.issuer}/tenant/.well-known/openid-configuration`;

    const finding = await judge("issuer", { AUTH_JWKS_URL: url });

    expect(finding?.verdict).toBe("wrong_address");
    expect(finding?.message).toMatch(/instead of its key set/);
    expect(finding?.next).toMatch(/^Make sure that AUTH_JWKS_URL is right/);
  });

  it("tells keys that none of the accepted algorithms can use", async () => {
    expect(await verdict("issuer", { AUTH_ALGORITHMS: "ES256,EdDSA" })).toBe("no_usable_key");
  });

  it("asks a JWKS URL where one is set, and names its host alone", async () => {
    const finding = await judge("issuer", { AUTH_JWKS_URL: `${issuer.jwksUrl}?code=canary` });

    expect(finding).toMatchObject({ verdict: "ok", target: new URL(issuer.issuer).host });
  });

  it("reads a file where one is set", async () => {
    const folder = mkdtempSync(join(tmpdir(), "keys-"));
    const path = join(folder, "keys.json");
    const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
    const keys = [publicKey.export({ format: "jwk" })];
    writeFileSync(path, JSON.stringify({ keys }));

    expect(await verdict("issuer", { AUTH_JWKS_FILE: path })).toBe("no_usable_key");
    expect(await verdict("issuer", { AUTH_JWKS_FILE: path, AUTH_ALGORITHMS: "ES384" })).toBe("ok");
    rmSync(folder, { recursive: true });
  });
});

describe("--check of the credential lookup", () => {
  it.each([
    [404, "ok"],
    [200, "ok"],
    [401, "key_refused"],
    [403, "key_refused"],
    [500, "unavailable"],
    [405, "unexpected_answer"],
  ])("reads status %i as %s", async (status, expected) => {
    const seen: (string | undefined)[] = [];
    await using upstream = await startUpstream((req, res) => {
      seen.push(req.method, req.headers.authorization);
      res.writeHead(status).end("{}");
    });

    const judged = await verdict(
      "credential_lookup",
      {
        MEMBER_CREDENTIALS: "lookup",
        MEMBER_USERKEY_SECRET: undefined,
        MEMBER_LOOKUP_URL: upstream.url,
        MEMBER_LOOKUP_TOKEN: "canary-token",
      },
      "sso",
    );

    expect(judged).toBe(expected);
    expect(seen).toEqual(["POST", "Bearer canary-token"]);
  });

  it("says that MX prefers a userkey to login and password", async () => {
    await using upstream = await startUpstream((_req, res) => res.writeHead(404).end("{}"));
    const { MEMBER_USERKEY_SECRET: _, ...sso } = baseEnvironment(mx, issuer, "sso");
    const lookup = {
      MEMBER_CREDENTIALS: "lookup",
      MEMBER_LOOKUP_URL: upstream.url,
      MEMBER_LOOKUP_TOKEN: "canary-token",
    };
    const { out } = await runMain(["--check"], { ...sso, ...lookup });
    expect(out).toMatch(/credential lookup .*MX prefers a userkey to login and password\./);
  });
});

describe("--check of the ways to judge a login", () => {
  it.each([
    [200, { active: false }, "ok"],
    [200, { active: true, sub: "canary" }, "accepts_anything"],
    [200, ["canary"], "unexpected_answer"],
    [401, { error: "invalid_client" }, "key_refused"],
    [400, { error: "invalid_client" }, "key_refused"],
    [404, {}, "wrong_address"],
    [500, {}, "unavailable"],
  ])("introspection: reads %i %j as %s", async (status, body, expected) => {
    const seen: string[] = [];
    await using upstream = await startUpstream((req, res) => {
      seen.push(`${req.method} ${req.headers.authorization}`);
      res.writeHead(status).end(JSON.stringify(body));
    });

    const judged = await verdict("introspection", {
      AUTH_INTROSPECTION_URL: upstream.url,
      AUTH_INTROSPECTION_CLIENT_ID: "bff",
      AUTH_INTROSPECTION_CLIENT_SECRET: "canary-secret",
    });

    expect(judged).toBe(expected);
    expect(seen).toEqual([`POST Basic ${Buffer.from("bff:canary-secret").toString("base64")}`]);
  });

  it.each([
    [401, "ok"],
    [403, "ok"],
    [200, "accepts_anything"],
    [302, "wrong_address"],
    [404, "wrong_address"],
    [429, "rate_limited"],
    [503, "unavailable"],
    [204, "unexpected_answer"],
  ])("session check: reads status %i as %s", async (status, expected) => {
    await using upstream = await startUpstream((_req, res) =>
      res.writeHead(status, { location: "/login" }).end(status === 204 ? "" : '{"sub":"canary"}'),
    );

    const judged = await verdict("session_check", {
      AUTH_SESSION_CHECK_URL: upstream.url,
      AUTH_SESSION_COOKIE: "session",
      CORS_ORIGINS: "https://app.example.com",
    });

    expect(judged).toBe(expected);
  });

  it("does not ask for keys where JWTs are not taken", async () => {
    const environment = {
      AUTH_JWT: "false",
      AUTH_SESSION_CHECK_URL: "http://127.0.0.1:1",
      AUTH_SESSION_COOKIE: "session",
      CORS_ORIGINS: "https://app.example.com",
    };

    expect(await judge("issuer", environment)).toBeUndefined();
    expect(await verdict("session_check", environment)).toBe("unreachable");
  });
});

describe("--check of the clock", () => {
  it.each([
    [95_000, /9[56] s ahead of/],
    [-3_600_000, /3(599|600) s behind/],
  ])("tells that it is %i ms off", async (offMs, words) => {
    const finding = await judge("clock", {}, "platform", { now: () => Date.now() + offMs });

    expect(finding?.verdict).toBe("clock_off");
    expect(finding?.message).toMatch(words);
  });

  it("forgives what the check of a token forgives", async () => {
    expect(await verdict("clock", {}, "platform", { now: () => Date.now() + 8000 })).toBe("ok");
  });
});

describe("--check of the proxy", () => {
  it("tells one that is not there, and blames no upstream for it", async () => {
    const environment = {
      HTTPS_PROXY: `http://${"canary"}:canary@127.0.0.1:${await findClosedPort()}`,
      MX_PLATFORM_BASE_URL: "https://mx.example.invalid",
    };

    expect(await verdict("egress_proxy", environment)).toBe("proxy_unreachable");
    expect(await verdict("platform_api", environment)).toBe("proxy_unreachable");
  });

  it.each([
    [407, /user name and password/],
    [403, /allow this host/],
    [502, /log/],
  ])("tells which upstream it refuses (%i)", async (status, words) => {
    await using proxy = await startProxy({ status });
    const environment = {
      HTTPS_PROXY: proxy.url,
      MX_PLATFORM_BASE_URL: "https://mx.example.invalid",
    };

    const finding = await judge("platform_api", environment);

    expect(finding?.verdict).toBe("proxy_refused");
    expect(finding?.next).toMatch(words);
    expect(await verdict("egress_proxy", environment)).toBe("ok");
  });
});

const hasRedis = isInstalled("redis-server") && isInstalled("redis-sentinel");

/** So long that no busy machine takes Redis for slow. */
const PATIENT = { REDIS_TIMEOUT: "2s", REQUEST_DEADLINE: "20s" };

describe.skipIf(!hasRedis)("--check of Redis (skipped without redis-server)", () => {
  const redisVerdict = (environment: Environment) =>
    verdict("redis", { ...PATIENT, ...environment });
  const at = ({ port }: { port: number }, credentials = "") => ({
    REDIS_URL: `redis://${credentials}127.0.0.1:${port}`,
  });

  it("tells a password that is refused, a user without rights, and that all is well without INFO", async () => {
    await using server = await startSingle({
      user: [
        "default on >canary ~* +@all",
        "reader on >canary ~* +@read +@connection",
        "bff on >canary ~mx-session-bff:* +@read +@write +@scripting",
      ],
    });

    expect(await redisVerdict(at(server, ":canary@"))).toBe("ok");
    expect(await redisVerdict(at(server, "bff:canary@"))).toBe("ok");
    expect(await redisVerdict(at(server, ":canary-wrong@"))).toBe("key_refused");
    expect(await redisVerdict(at(server))).toBe("key_refused");
    const finding = await judge("redis", { ...PATIENT, ...at(server, "reader:canary@") });
    expect(finding?.message).toContain("does not let this user write");
  });

  it("prints nothing of its own about a user who may not ask for INFO", async () => {
    await using server = await startSingle({
      user: ["default off", "bff on >canary ~mx-session-bff:* +@read +@write +@scripting"],
    });
    const prints = [vi.spyOn(console, "warn"), vi.spyOn(console, "error")];

    expect(await redisVerdict(at(server, "bff:canary@"))).toBe("ok");
    for (const print of prints) expect(print).not.toHaveBeenCalled();
    vi.restoreAllMocks();
  });

  it("tells a replica that cannot be written to, and a server that is out of memory", async () => {
    await using replica = await startSingle({ replicaof: "127.0.0.1 1" });
    expect(await redisVerdict(at(replica))).toBe("read_only");
    await using full = await startSingle({ maxmemory: "1", "maxmemory-policy": "noeviction" });
    expect(await redisVerdict(at(full))).toBe("out_of_memory");
  });

  it.each([
    ["-LOADING Redis is loading the dataset in memory", "loading"],
    ["-MISCONF Redis is configured to save RDB snapshots, canary", "cannot_persist"],
    ["-MASTERDOWN Link with MASTER is down", "unavailable"],
    ["-ERR something of its own, canary", "no_answer"],
  ])("names %s", async (answer, expected) => {
    await using server = await startAnswers(() => answer);
    expect(await redisVerdict(at(server))).toBe(expected);
  });

  it("tells a database that does not exist, one that the user may not select, and no room for another client", async () => {
    await using server = await startSingle({
      user: [
        "default on nopass ~* +@all",
        "bff on >canary ~mx-session-bff:* +@read +@write +@scripting",
      ],
    });
    const inDatabase = (database: number, credentials = "") => ({
      REDIS_URL: `${at(server, credentials).REDIS_URL}/${database}`,
    });
    expect(await redisVerdict(inDatabase(15))).toBe("ok");
    expect(await judge("redis", { ...PATIENT, ...inDatabase(16) })).toMatchObject({
      verdict: "wrong_address",
      message: expect.stringContaining("has no database with this number"),
    });
    expect(await redisVerdict(inDatabase(1, "bff:canary@"))).toBe("key_refused");

    await using full = await startAnswers(() => "-ERR max number of clients reached");
    expect((await judge("redis", { ...PATIENT, ...at(full) }))?.next).toContain("maxclients");
  });

  it("tells a server that wants a client certificate, or TLS, or has none", async () => {
    using certificates = makeCertificates();
    using trust = certificates.trust();
    using files = mountVolume({ cert: certificates.good.cert, key: certificates.good.key });
    const tls = await findClosedPort();
    await using server = await startSingle({
      "tls-port": String(tls),
      "tls-cert-file": files.path("cert"),
      "tls-key-file": files.path("key"),
      "tls-ca-cert-file": certificates.authorityFile,
    });
    expect(trust).toBeDefined();
    expect(
      await judge("redis", { ...PATIENT, REDIS_URL: `rediss://localhost:${tls}` }),
    ).toMatchObject({
      verdict: "client_certificate_missing",
      next: expect.stringContaining("tls-auth-clients no"),
    });
    ask(server.port, "config", "set", "tls-auth-clients", "no");
    expect(await redisVerdict({ REDIS_URL: `rediss://localhost:${tls}` })).toBe("ok");
    const plain = await judge("redis", { ...PATIENT, REDIS_URL: `redis://localhost:${tls}` });
    expect(plain?.next).toContain("use rediss://");
    expect(plain?.next).not.toContain("HTTPS_PROXY");
  });

  it("takes as long as a session would wait, and says so", async () => {
    await using server = await startAnswers((command) => (command === "HELLO" ? "*0" : undefined));
    const environment = { ...at(server), REDIS_TIMEOUT: "10ms" };
    const finding = await judge("redis", environment);
    expect(finding).toMatchObject({ verdict: "no_answer" });
    expect(finding?.message).toContain("REDIS_TIMEOUT (10 ms)");
  });

  // Nine servers.
  if (RUNS_ALL) {
    it("counts in a cluster and behind sentinels, and tells a mode that is not the servers'", async () => {
      await using cluster = await startCluster();
      await using sentinels = await startSentinels();
      await using single = await startSingle();
      const [node] = cluster.servers;
      const [sentinel] = sentinels.sentinels;
      if (!node || !sentinel) throw new Error("no servers");
      const asSentinel = { REDIS_MODE: "sentinel", REDIS_SENTINEL_MASTER: MASTER };

      expect(await redisVerdict(cluster.environment)).toBe("ok");
      expect(await redisVerdict(sentinels.environment)).toBe("ok");
      const finding = await judge("redis", { ...PATIENT, ...at(node) });
      expect(finding).toMatchObject({
        verdict: "wrong_mode",
        message: `127.0.0.1:${node.port} is a node of a cluster, but REDIS_MODE is single.`,
        next: "Set REDIS_MODE=cluster, or correct REDIS_URL.",
      });
      expect(await redisVerdict(at(sentinel))).toBe("wrong_mode");
      expect(await redisVerdict({ ...at(single), REDIS_MODE: "cluster" })).toBe("wrong_mode");
      expect(await redisVerdict({ ...at(sentinel), REDIS_MODE: "cluster" })).toBe("wrong_mode");
      expect(await redisVerdict({ ...at(single), ...asSentinel })).toBe("wrong_mode");
      expect(await redisVerdict({ ...at(node), ...asSentinel })).toBe("wrong_mode");
      const unknown = { ...sentinels.environment, REDIS_SENTINEL_MASTER: "nobody" };
      expect(await redisVerdict(unknown)).toBe("unknown_master");
    });
  }
});

/** Speaks as much of Redis's protocol as a client needs to connect; `answer` to each other command, or silence. */
async function startAnswers(answer: (command: string) => string | undefined) {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (data) => {
      for (const [, name = ""] of data.toString().matchAll(/\*\d+\r\n\$\d+\r\n(\w+)/g)) {
        const command = name.toUpperCase();
        const said = command === "HELLO" ? "*0" : answer(command);
        if (said !== undefined) socket.write(`${said}\r\n`);
      }
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

describe("--check of a Redis that is none", () => {
  it("tells that nobody listens", async () => {
    const closed = `redis://:canary@127.0.0.1:${await findClosedPort()}`;
    const asSentinel = { REDIS_MODE: "sentinel", REDIS_SENTINEL_MASTER: MASTER };

    expect(await verdict("redis", { REDIS_URL: `${closed}/1` })).toBe("unreachable");
    expect(await verdict("redis", { REDIS_URL: closed, REDIS_MODE: "cluster" })).toBe(
      "unreachable",
    );
    expect(await verdict("redis", { REDIS_URL: closed, ...asSentinel })).toBe("unreachable");
    const socket = await judge("redis", { REDIS_URL: "unix:///nowhere/redis.sock" });
    expect(socket).toMatchObject({
      verdict: "unreachable",
      next: expect.stringContaining("unixsocket"),
    });
  });

  it("tells a name that does not exist", async () => {
    expect(await verdict("redis", { REDIS_URL: "redis://redis.example.invalid" })).toBe(
      "name_not_found",
    );
  });

  it("tells that something else answers", async () => {
    const { host } = new URL(mx.platformUrl);

    expect(await verdict("redis", { REDIS_URL: `redis://${host}` })).toBe("no_answer");
    expect(await verdict("redis", { REDIS_URL: `rediss://${host}` })).toBe("certificate_refused");
  });
});

describe("--check of plain http inside the cluster", () => {
  it("warns of what travels in clear, and is well otherwise", async () => {
    const environment = {
      ...baseEnvironment(mx, issuer, "platform"),
      ALLOW_HTTP_HOSTS: "no-such-host",
      AUTH_INTROSPECTION_URL: "http://no-such-host:1/introspect",
      AUTH_INTROSPECTION_CLIENT_ID: "bff",
      AUTH_INTROSPECTION_CLIENT_SECRET: "canary-secret",
    };
    const findings = await check(loadConfig(environment));
    const warning = findings.find(({ verdict }) => verdict === "plain_http");

    expect(warning).toMatchObject({ party: "introspection", target: "no-such-host:1" });
    expect(warning?.message).toContain("AUTH_INTROSPECTION_CLIENT_SECRET");
    const alone = { faults: [], warnings: [], findings: warning ? [warning] : [] };
    expect(toText(alone)).toMatch(/^WARNING introspection .*All is well\.\n$/ms);
    expect(toExitCode(alone)).toBe(0);
    expect(toJson(alone, "1").checks).toMatchObject([{ ok: true, verdict: "plain_http" }]);
  });
});

describe("--check against a party that is bad at everything", () => {
  it("takes less than ten seconds when all keep silent", async () => {
    await using silent = await startUpstream(() => {});
    const port = new URL(silent.url).port;
    issuer.fail("silence");
    mx.failNext({ kind: "silence" }, { times: 10 });
    const config = loadConfig({
      ...baseEnvironment(mx, issuer, "both"),
      MEMBER_CREDENTIALS: "lookup",
      MEMBER_USERKEY_SECRET: undefined,
      MEMBER_LOOKUP_URL: silent.url,
      MEMBER_LOOKUP_TOKEN: "canary-token",
      REDIS_URL: `redis://127.0.0.1:${port}`,
    });
    using clock = stopClock();

    const { result: findings, ms } = await clock.run(check(config));

    expect(findings.filter(({ verdict }) => verdict === "ok")).toEqual([]);
    expect(findings.map(({ party }) => party)).toEqual([
      "issuer",
      "platform_api",
      "sso_api",
      "credential_lookup",
      "redis",
    ]);
    expect(ms).toBeLessThan(10_000);
  });
});

describe("--check of certificates", () => {
  let certificates: Certificates;
  beforeAll(() => {
    certificates = makeCertificates();
  });
  afterAll(() => certificates[Symbol.dispose]());

  it.each([
    ["good", "ok", /accepts the key/],
    ["expired", "certificate_refused", /expired/],
    ["otherHost", "certificate_refused", /another host name/],
    ["selfSigned", "certificate_refused", /not trusted/],
  ] as const)("judges one (%s): %s", async (name, expected, words) => {
    using _trust = certificates.trust();

    const finding = await judgeBehind(certificates[name]);

    expect(finding?.verdict).toBe(expected);
    expect(finding?.message).toMatch(words);
  });

  it("trusts no authority of its own accord", async () => {
    const finding = await judgeBehind(certificates.good);

    expect(finding?.verdict).toBe("certificate_refused");
    expect(finding?.next).toContain("NODE_EXTRA_CA_CERTS");
  });

  it("tells a port without TLS", async () => {
    const url = `https://localhost:${new URL(mx.platformUrl).port}`;

    const finding = await judge("platform_api", { MX_PLATFORM_BASE_URL: url });

    expect(finding?.message).toContain("does not speak TLS");
  });

  async function judgeBehind(certificate: Certificate): Promise<Finding | undefined> {
    await using wire = await startFaultServer({ upstream: mx.platformUrl, certificate });
    return await judge("platform_api", { MX_PLATFORM_BASE_URL: wire.url });
  }
});

describe("the command line", () => {
  it("prints a verdict and the next step for people, and exits with 1 where a party failed", async () => {
    const environment = {
      ...baseEnvironment(mx, issuer, "platform"),
      MX_PLATFORM_API_KEY: "canary",
    };

    const { code, out: text, errors } = await runMain(["--check"], environment);

    expect([code, errors]).toEqual([1, ""]);
    expect(text).toMatch(/^ok {6}configuration$/m);
    expect(text).toMatch(/^ok {6}issuer's keys/m);
    expect(text).toMatch(/^FAILED {2}Platform API .*refuses the key/m);
    expect(text).toMatch(/key_refused: Compare MX_PLATFORM_CLIENT_ID/);
    expect(text).toMatch(/^1 check failed\.$/m);
    expect(text).not.toContain("canary");
  });

  it("prints one object for machines, and exits with 0 where all is well", async () => {
    const { code, out: text } = await runMain(
      ["--check", "--json"],
      baseEnvironment(mx, issuer, "platform"),
    );

    const { host } = new URL(mx.platformUrl);
    expect(code).toBe(0);
    expect(JSON.parse(text)).toEqual({
      ok: true,
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      configuration: { ok: true, faults: [], warnings: [] },
      checks: [
        expect.objectContaining({ party: "issuer" }),
        {
          party: "platform_api",
          tenant: "default",
          target: host,
          ok: true,
          verdict: "ok",
          message: `${host} accepts the key and v20250224.`,
          next: null,
        },
        expect.objectContaining({ party: "clock", tenant: null }),
      ],
    });
  });

  it("reports all faults of a configuration, asks nobody, and exits with 2", async () => {
    const environment = {
      ...baseEnvironment(mx, issuer, "platform"),
      PORT: "canary",
      AUTH_AUDIENCE: "",
    };

    const people = await runMain(["--check"], environment);
    const machines = await runMain(["--check", "--json"], environment);

    expect([people.code, machines.code]).toEqual([2, 2]);
    expect(people.out).toMatch(/PORT must.*AUTH_AUDIENCE is missing/s);
    const { ok, configuration, checks } = JSON.parse(machines.out);
    expect([ok, checks]).toEqual([false, []]);
    expect(configuration.faults.map(({ variable }: { variable: string }) => variable)).toEqual([
      "PORT",
      "AUTH_AUDIENCE",
    ]);
    expect(people.out + machines.out).not.toContain("canary");
    expect(mx.calls.count).toBe(0);
  });

  it("refuses what it does not know with help, and repeats nothing of it", async () => {
    const wrong = ["--canary", "canary", "--check --canary", "--json", "--check=canary"];

    for (const args of wrong) {
      const {
        code,
        out: text,
        errors,
      } = await runMain(args.split(" "), baseEnvironment(mx, issuer, "platform"));
      expect([code, text]).toEqual([64, ""]);
      expect(errors).toContain("--check");
      expect(errors).not.toContain("canary");
    }
  });

  it("says how it is used, and what it is, without a configuration", async () => {
    const help = await runMain(["--help"]);
    const short = await runMain(["-h"]);
    const version = await runMain(["--version"]);

    expect([help.code, short.code, version.code]).toEqual([0, 0, 0]);
    expect(help.out).toContain("--check");
    expect(short.out).toBe(help.out);
    expect(version.out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
