/** MX, the login's hosts and the lookup behind gateways that ask for a client certificate. */

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  type IdentityProvider,
  startIdentityProvider,
} from "../../packages/simulator/src/identity-provider.ts";
import { type Simulator, startSimulator } from "../../packages/simulator/src/simulator.ts";
import { check } from "../../src/commands/check/check.ts";
import { loadConfig } from "../../src/config/load.ts";
import { findFreePort } from "../load/nginx.ts";
import { PEOPLE, SECRETS } from "../support/canaries.ts";
import { type Certificate, makeCertificates } from "../support/certificates.ts";
import { stopClock } from "../support/clock.ts";
import {
  type Gateway,
  type NginxGateway,
  startGateway,
  startNginxGateway,
} from "../support/gateway.ts";
import { isInstalled } from "../support/installed.ts";
import { scrape } from "../support/metrics.ts";
import { type PartnerLogin, SESSION_COOKIE, startPartnerLogin } from "../support/partner-login.ts";
import { type PartnerLookup, startPartnerLookup } from "../support/partner-lookup.ts";
import { startProxy } from "../support/proxy.ts";
import { lookAtFiles, mountVolume } from "../support/secret-volume.ts";
import { baseEnvironment, type Started, start } from "../support/start.ts";
import { startTenants, tenantEntry } from "../support/start-tenants.ts";

const own = makeCertificates();
const others = makeCertificates();
const trust = own.trust();
const { authority, good: certificate } = own;

const toFiles = (name: string, { cert, key }: Certificate) => ({
  [`${name}.pem`]: cert,
  [`${name}.key`]: key,
});
const volume = mountVolume({
  ...toFiles("mx", own.issueTo("mx", { days: 90 })),
  ...toFiles("auth", own.issueTo("auth", { isRsa: true, days: 90 })),
  ...toFiles("lookup", own.issueTo("lookup", { isChained: true, days: 90 })),
  ...toFiles("other-tenant", own.issueTo("other-tenant")),
  ...toFiles("foreign", others.issueTo("foreign")),
});
const pair = (prefix: string, name: string, files = volume) => ({
  [`${prefix}_CERT_FILE`]: files.path(`${name}.pem`),
  [`${prefix}_KEY_FILE`]: files.path(`${name}.key`),
});

let mx: Simulator;
let issuer: IdentityProvider;
let login: PartnerLogin;
let lookup: PartnerLookup;
const gates: Record<"platform" | "sso" | "issuer" | "login" | "lookup", Gateway> = Object.create(
  {},
);
const parts = new AsyncDisposableStack();

beforeAll(async () => {
  for (const name of ["platform", "sso", "issuer", "login", "lookup"] as const)
    gates[name] = parts.use(await startGateway({ certificate, authority }));
  const issuerPort = await findFreePort();
  mx = parts.use(
    await startSimulator({ credentials: SECRETS, widgetOrigin: "https://widgets.example" }),
  );
  issuer = parts.use(
    await startIdentityProvider({
      issuer: gates.issuer.url,
      port: issuerPort,
      users: PEOPLE,
      algorithm: "ES256",
    }),
  );
  login = parts.use(await startPartnerLogin());
  lookup = parts.use(await startPartnerLookup({ userkey: "userkey-of-the-partner" }));
  gates.platform.upstream = mx.platformUrl;
  gates.sso.upstream = mx.ssoUrl;
  gates.issuer.upstream = `http://127.0.0.1:${issuerPort}`;
  gates.login.upstream = login.url;
  gates.lookup.upstream = lookup.environment.MEMBER_LOOKUP_URL ?? "";
});
afterAll(async () => {
  await parts.disposeAsync();
  volume[Symbol.dispose]();
  trust[Symbol.dispose]();
  own[Symbol.dispose]();
  others[Symbol.dispose]();
});
afterEach(() => {
  for (const gate of Object.values(gates)) gate.shown.length = 0;
  mx.calls.clear();
});

const behind = (gate: Gateway, url = "") => gate.url + new URL(url || "http://a/").pathname;

/** Each host behind its gateway. */
const hosts = () => ({
  MX_PLATFORM_BASE_URL: gates.platform.url,
  MX_SSO_BASE_URL: gates.sso.url,
  ...login.environment,
  AUTH_INTROSPECTION_URL: `${gates.login.url}/introspect`,
  AUTH_SESSION_CHECK_URL: `${gates.login.url}/me?as=claims`,
  CORS_ORIGINS: "https://app.example.com",
  PROFILE_SOURCE: "userinfo",
  MEMBER_CREDENTIALS: "lookup",
  MEMBER_USERKEY_SECRET: "",
  ...lookup.environment,
  MEMBER_LOOKUP_URL: behind(gates.lookup, lookup.environment.MEMBER_LOOKUP_URL),
});

const ALL = {
  ...pair("MX_CLIENT", "mx"),
  ...pair("AUTH_CLIENT", "auth"),
  ...pair("MEMBER_LOOKUP_CLIENT", "lookup"),
};

/** Whom each gateway has seen. */
const shownTo = () =>
  Object.fromEntries(Object.entries(gates).map(([name, { shown }]) => [name, [...new Set(shown)]]));

const lines = ({ log }: Started) => log.map((line): Record<string, unknown> => JSON.parse(line));

describe("client certificates", () => {
  it("are each shown to their own hosts, and to no others", async () => {
    await using service = await start({
      apis: "both",
      mx,
      issuer,
      environment: { ...hosts(), ...ALL },
    });
    login.tokens.set("opaque", { active: true, sub: "grace", aud: "mx-session-bff" });
    login.sessions.set("session", { sub: "linus" });

    const opaque = service.request().set("Authorization", "Bearer opaque");
    const session = service.request().set({
      Cookie: `${SESSION_COOKIE}=session`,
      "X-CSRF": "1",
      Origin: "https://app.example.com",
    });

    expect((await service.post("ada")).status).toBe(200);
    expect((await service.check(opaque)).status).toBe(200);
    expect((await service.check(session)).status).toBe(200);
    expect(issuer.requests.userinfo).toBeGreaterThan(0);
    expect(shownTo()).toEqual({
      platform: ["mx"],
      sso: ["mx"],
      issuer: ["auth"],
      login: ["auth"],
      lookup: ["lookup"],
    });
  });

  it("stay apart where hosts of two kinds are one and the same", async () => {
    const environment = {
      ...hosts(),
      ...ALL,
      MEMBER_LOOKUP_URL: `${gates.login.url}/mx`,
      PROFILE_SOURCE: "claims",
    };
    await using service = await start({ apis: "both", mx, issuer, environment });
    login.tokens.set("opaque", { active: true, sub: "grace", aud: "mx-session-bff" });

    await service.check(service.request().set("Authorization", "Bearer opaque"));

    expect(login.calls.map(({ path }) => path)).toContain("/mx");
    expect(gates.login.shown.toSorted()).toContain("lookup");
    expect(new Set(gates.login.shown)).toEqual(new Set(["auth", "lookup"]));
    expect(shownTo()).toMatchObject({ platform: ["mx"], lookup: [] });
  });

  it("are shown within the tunnel of a proxy", async () => {
    await using proxy = await startProxy();
    const environment = {
      MX_PLATFORM_BASE_URL: gates.platform.url,
      HTTPS_PROXY: proxy.url,
      ...pair("MX_CLIENT", "mx"),
      ...pair("AUTH_CLIENT", "auth"),
    };
    await using service = await start({ mx, issuer, environment });
    expect((await service.post("ada")).status).toBe(200);
    expect(shownTo()).toMatchObject({ platform: ["mx"], issuer: ["auth"] });
  });

  it("are each tenant's own", async () => {
    const tenant = (name: string, org: string, cert: string) =>
      tenantEntry(name, mx, issuer, {
        claim: { name: "org", value: org },
        MX_PLATFORM_BASE_URL: gates.platform.url,
        USER_ID_MODE: "hmac",
        USER_ID_SECRET: `${name}-${SECRETS.instanceSecret}-0123456789`,
        ...pair("MX_CLIENT", cert),
        ...pair("AUTH_CLIENT", "auth"),
      });
    await using service = await startTenants([
      tenant("one", "1", "mx"),
      tenant("two", "2", "other-tenant"),
    ]);
    expect((await service.post(issuer, "ada", { claims: { org: "1" } })).status).toBe(200);
    expect(new Set(gates.platform.shown)).toContain("mx");
    expect((await service.post(issuer, "ada", { claims: { org: "2" } })).status).toBe(200);
    expect(new Set(gates.platform.shown)).toEqual(new Set(["mx", "other-tenant"]));
    expect(gates.issuer.shown).toContain("auth");
  });
});

type Kind = "TLS 1.2" | "TLS 1.3" | "nginx";

/** In front of the Platform API. */
async function startGate(kind: Kind): Promise<Gateway | NginxGateway> {
  if (kind === "nginx")
    return startNginxGateway({ certificate, authority, upstream: mx.platformUrl });
  const version = kind === "TLS 1.2" ? "TLSv1.2" : "TLSv1.3";
  const gate = await startGateway({ certificate, authority, version });
  gate.upstream = mx.platformUrl;
  return gate;
}

describe.each<Kind>(["TLS 1.2", "TLS 1.3", "nginx"])("MX behind %s", (kind) => {
  it.skipIf(kind === "nginx" && !isInstalled("nginx"))(
    "that wants a certificate: 502 for everybody, nothing is created, and the breaker opens",
    async () => {
      await using gate = await startGate(kind);
      const environment = { MX_PLATFORM_BASE_URL: gate.url, ...pair("AUTH_CLIENT", "auth") };
      await using service = await start({ mx, issuer, environment });

      const first = await service.post("ada", { widget_url: { color_scheme: "dark" } });
      expect([first.status, first.body.type]).toEqual([502, "/problems/upstream-bad-response"]);
      expect(lines(service).at(-1)).toMatchObject({
        "upstream.outcome": "invalid_response",
        "upstream.reason": "client_certificate_required",
      });

      const statuses = [];
      for (let user = 0; user < 20; user += 1)
        statuses.push((await service.post(`u${user}`)).status);
      expect(statuses.at(0)).toBe(502);
      expect(statuses.at(-1)).toBe(503); // The circuit breaker.
      expect(mx.calls.count).toBe(0);
    },
  );

  it.skipIf(kind === "nginx" && !isInstalled("nginx"))(
    "with another authority's certificate: no session, and nothing is created",
    async () => {
      await using gate = await startGate(kind);
      const certificates = { ...pair("MX_CLIENT", "foreign"), ...pair("AUTH_CLIENT", "auth") };
      const environment = { MX_PLATFORM_BASE_URL: gate.url, ...certificates };
      await using service = await start({ mx, issuer, environment });

      const { status } = await service.post("ada");
      expect([502, 503]).toContain(status);
      expect(mx.calls.count).toBe(0);
    },
  );
});

/** Whose certificate each party is shown. */
const CLIENTS = {
  platform_api: "MX_CLIENT",
  sso_api: "MX_CLIENT",
  issuer: "AUTH_CLIENT",
  introspection: "AUTH_CLIENT",
  session_check: "AUTH_CLIENT",
  credential_lookup: "MEMBER_LOOKUP_CLIENT",
};

describe("--check", () => {
  const parties = async (environment: Record<string, string>) => {
    const config = loadConfig({
      ...baseEnvironment(mx, issuer, "both"),
      ...hosts(),
      ...environment,
    });
    const findings = await check(config);
    return Object.fromEntries(findings.map((each) => [each.party, each]));
  };

  it("finds that all is well", async () => {
    const findings = Object.values(await parties(ALL));
    expect(findings.filter(({ verdict }) => verdict !== "ok")).toEqual([]);
    expect(findings.map(({ message }) => message).join()).toContain(
      "MEMBER_LOOKUP_CLIENT_CERT_FILE",
    );
  });

  it("says who wants a certificate, and which variables name it", async () => {
    const found = await parties({});
    for (const [party, name] of Object.entries(CLIENTS))
      expect(found[party]).toMatchObject({
        verdict: "client_certificate_missing",
        message: expect.stringMatching(/^localhost:\d+ wants a client certificate\.$/),
        next: expect.stringContaining(`${name}_CERT_FILE and ${name}_KEY_FILE`),
      });
  });

  it("names the variables where a host closes the connection without a word", async () => {
    const found = await parties({
      ...pair("MX_CLIENT", "foreign"),
      ...pair("AUTH_CLIENT", "foreign"),
      ...pair("MEMBER_LOOKUP_CLIENT", "foreign"),
    });
    for (const [party, name] of Object.entries(CLIENTS).filter(([party]) => party !== "sso_api"))
      expect(found[party]).toMatchObject({
        verdict: "no_answer",
        next: expect.stringContaining(`check ${name}_CERT_FILE`),
      });
  });

  it.skipIf(!isInstalled("nginx")).each([
    ["missing", {}],
    ["refused", pair("MX_CLIENT", "foreign")],
  ])("understands nginx: %s", async (what, certificates) => {
    await using gate = await startNginxGateway({
      certificate,
      authority,
      upstream: mx.platformUrl,
    });
    const environment = { MX_PLATFORM_BASE_URL: gate.url, ...certificates };
    const { platform_api: found } = await parties(environment);
    expect(found?.verdict).toBe(`client_certificate_${what}`);
  });
});

describe("a new pair", () => {
  it("is shown by new connections, without a restart, and a bad one is not used", async () => {
    using clock = stopClock();
    using files = mountVolume(toFiles("client", own.issueTo("before")));
    const environment = {
      MX_PLATFORM_BASE_URL: gates.platform.url,
      CONNECTION_MAX_AGE: "1s",
      ...pair("MX_CLIENT", "client", files),
      ...pair("AUTH_CLIENT", "auth"),
    };
    await using service = await start({ mx, issuer, environment });
    const events = () =>
      lines(service)
        .filter(({ msg }) => msg === "file")
        .map((line) => [line["event.name"], line.variable, line["error.reason"]]);
    const expiry = async () =>
      (await scrape(service.operationsUrl)).value(
        "bff_client_certificate_expires_timestamp_seconds",
        { variable: "MX_CLIENT_CERT_FILE" },
      );
    expect((await service.post("ada")).status).toBe(200);
    expect(await expiry()).toBeGreaterThan(Date.now() / 1000 + 86_400);

    const after = own.issueTo("after", { days: 1 });
    files.write("client.pem", after.cert);
    await lookAtFiles(clock);
    expect(events()).toEqual([["file.changed", "MX_CLIENT_CERT_FILE", "mismatch"]]);
    expect((await service.post("ada")).status).toBe(200);
    expect(new Set(gates.platform.shown)).toEqual(new Set(["before"]));

    files.write("client.key", after.key);
    await lookAtFiles(clock);
    expect(events()).toHaveLength(3);
    await clock.advance(1000); // The age of the connections that are still open.
    gates.platform.shown.length = 0;
    await clock.advance(1000);
    expect((await service.post("ada")).status).toBe(200);
    expect(new Set(gates.platform.shown)).toEqual(new Set(["after"]));
    expect(await expiry()).toBeLessThan(Date.now() / 1000 + 90_000);
  });
});
