/**
 * Many tenants in one service: who is whose, and that one's trouble stays his.
 *
 * `acme` and `beta` share a login and are told apart by a claim; `gamma` has a login of its own, and shares beta's MX client.
 */

import { createHmac } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import request from "supertest";
import { describe, expect, it } from "vitest";
import {
  type IdentityProvider,
  startIdentityProvider,
} from "../../packages/simulator/src/identity-provider.ts";
import { startListener } from "../../packages/simulator/src/listener.ts";
import { type Simulator, startSimulator } from "../../packages/simulator/src/simulator.ts";
import { letTimePass, stopClock } from "../support/clock.ts";
import { expectToMatchContract } from "../support/contract.ts";
import { startPartnerLogin } from "../support/partner-login.ts";
import {
  type StartedTenants,
  startTenants,
  type TenantEntry,
  tenantEntry,
} from "../support/start-tenants.ts";
import { SEED } from "../unit/fakes.ts";

const SECRET = "a-secret-for-tests-only-0123456789";
const HMAC = { USER_ID_MODE: "hmac", USER_ID_SECRET: SECRET };
const ofOrg = (value: string) => ({ claim: { name: "org", value } });

type World = AsyncDisposable & {
  service: StartedTenants;
  shared: IdentityProvider;
  own: IdentityProvider;
  acmeMx: Simulator;
  otherMx: Simulator;
  /** Since the last time this was asked for. */
  calls(): { acme: number; other: number };
};

type Changes = { acme?: TenantEntry; beta?: TenantEntry; gamma?: TenantEntry };

async function startWorld(
  changes: Changes = {},
  environment: Record<string, string> = {},
): Promise<World> {
  await using parts = new AsyncDisposableStack();
  const shared = parts.use(await startIdentityProvider({ algorithm: "ES256" }));
  const own = parts.use(await startIdentityProvider({ algorithm: "ES256" }));
  const acmeMx = parts.use(
    await startSimulator({ credentials: { clientId: "acme-client", apiKey: "acme-key" } }),
  );
  const otherMx = parts.use(
    await startSimulator({ credentials: { clientId: "other-client", apiKey: "other-key" } }),
  );
  const service = parts.use(
    await startTenants(
      [
        tenantEntry("acme", acmeMx, shared, { ...ofOrg("acme"), ...changes.acme }),
        tenantEntry("beta", otherMx, shared, { ...ofOrg("beta"), ...HMAC, ...changes.beta }),
        tenantEntry("gamma", otherMx, own, { ...HMAC, ...changes.gamma }),
      ],
      environment,
    ),
  );
  const owned = parts.move();
  return {
    service,
    shared,
    own,
    acmeMx,
    otherMx,
    calls() {
      const counts = { acme: acmeMx.calls.count, other: otherMx.calls.count };
      acmeMx.calls.clear();
      otherMx.calls.clear();
      return counts;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const hashed = (issuer: string, subject: string) =>
  `U-${createHmac("sha256", SECRET).update(`${issuer}\0${subject}`).digest("base64url")}`;

describe("other logins than JWTs", () => {
  const PAGE = { "Sec-Fetch-Site": "same-origin", "X-CSRF": "1" };

  async function startPartnerWorld() {
    await using parts = new AsyncDisposableStack();
    const partner = parts.use(await startPartnerLogin());
    const world = parts.use(
      await startWorld({}, { ...partner.environment, AUTH_COOKIE: "__Host-token" }),
    );
    const { shared, own, service } = world;
    const owned = parts.move();
    return {
      ...world,
      partner,
      answers: {
        acme: { active: true, sub: "ada", aud: "mx-session-bff", iss: shared.issuer, org: "acme" },
        beta: { active: true, sub: "ada", aud: "mx-session-bff", iss: shared.issuer, org: "beta" },
        gamma: { active: true, sub: "ada", aud: "mx-session-bff", iss: own.issuer },
      },
      async ask(headers: Record<string, string>) {
        const response = await request(service.url)
          .post("/session")
          .set({ ...PAGE, ...headers });
        expectToMatchContract(response);
        return response;
      },
      tenants: () =>
        service.log
          .map((line) => JSON.parse(line))
          .filter(({ msg }) => msg === "request")
          .map(({ tenant }) => tenant),
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  }

  it("lead to the tenant of the answer's issuer and claim", async () => {
    await using world = await startPartnerWorld();
    const { partner, answers, ask } = world;
    for (const [name, answer] of Object.entries(answers)) {
      partner.tokens.set(`token-${name}`, answer);
      partner.sessions.set(`session-${name}`, answer);
    }

    for (const name of ["acme", "beta", "gamma"]) {
      expect((await ask({ Authorization: `Bearer token-${name}` })).status).toBe(200);
      expect((await ask({ Cookie: `__Host-session=session-${name}` })).status).toBe(200);
    }
    const token = await world.own.issueToken("ada");
    expect((await ask({ Cookie: `__Host-token=${token}` })).status).toBe(200);

    expect(world.tenants()).toEqual(["acme", "acme", "beta", "beta", "gamma", "gamma", "gamma"]);
    expect(world.acmeMx.state.findUser("ada")).toBeDefined();
    expect(world.otherMx.state.findUser(hashed(world.shared.issuer, "ada"))).toBeDefined();
    expect(world.otherMx.state.findUser(hashed(world.own.issuer, "ada"))).toBeDefined();
  });

  it.each<[string, object, number]>([
    ["without an issuer", { iss: undefined }, 401],
    ["of an issuer that is nobody's", { iss: "https://evil.example" }, 401],
    ["of no organisation", { org: undefined }, 403],
    ["of another organisation", { org: "delta" }, 403],
  ])(
    "lead nowhere with an answer %s, least of all to the first tenant",
    async (_what, changes, status) => {
      await using world = await startPartnerWorld();
      const answer = { ...world.answers.acme, ...changes };
      world.partner.tokens.set("t", answer);
      world.partner.sessions.set("s", answer);

      expect((await world.ask({ Authorization: "Bearer t" })).status).toBe(status);
      expect((await world.ask({ Cookie: "__Host-session=s" })).status).toBe(status);
      expect(world.calls()).toEqual({ acme: 0, other: 0 });
    },
  );
});

describe("a token", () => {
  it("leads to the tenant of its issuer and claim, and to no other", async () => {
    await using world = await startWorld();
    const { service, shared, own, acmeMx, otherMx } = world;

    const ofAcme = await service.post(shared, "ada", { claims: { org: "acme" } });
    expect(ofAcme.status).toBe(200);
    expect(new URL(ofAcme.body.widget_url.url).origin).toBe(acmeMx.widgetUrl);
    expect(world.calls()).toEqual({ acme: 3, other: 0 });

    const ofBeta = await service.post(shared, "ada", { claims: { org: "beta" } });
    expect(ofBeta.status).toBe(200);
    expect(new URL(ofBeta.body.widget_url.url).origin).toBe(otherMx.widgetUrl);
    expect(world.calls()).toEqual({ acme: 0, other: 3 });

    const ofGamma = await service.post(own, "ada", { claims: { org: "acme" } });
    expect(ofGamma.status).toBe(200);
    expect(world.calls()).toEqual({ acme: 0, other: 3 });

    expect(acmeMx.state.findUser("ada")).toBeDefined();
    expect(otherMx.state.findUser("ada")).toBeUndefined();
    expect(otherMx.state.findUser(hashed(shared.issuer, "ada"))).toBeDefined();
    expect(otherMx.state.findUser(hashed(own.issuer, "ada"))).toBeDefined();
    const lines = service.log.map((line) => JSON.parse(line));
    const tenants = lines.filter(({ msg }) => msg === "request").map(({ tenant }) => tenant);
    expect(tenants).toEqual(["acme", "beta", "gamma"]);
  });

  it.each([
    {},
    { org: "gamma" },
    { org: "ACME" },
    { org: ["acme"] },
    { org: "" },
    { org: null },
    { tenant: "acme", client_guid: "CLT-1" },
  ])("of a known login but no tenant is 403, with claims %j", async (claims) => {
    await using world = await startWorld();

    const response = await world.service.post(world.shared, "ada", { claims });

    expect(response.status).toBe(403);
    expect(response.body).toMatchObject({
      type: "/problems/forbidden",
      detail: "The login is valid, but belongs to no tenant of this service.",
    });
    expect(world.calls()).toEqual({ acme: 0, other: 0 });
  });

  it("signed by one tenant's login in the name of another's is 401", async () => {
    await using world = await startWorld();
    const { service, shared, own } = world;

    for (const [signer, iss] of [
      [own, shared.issuer],
      [shared, own.issuer],
      [own, `${shared.issuer}/`],
    ] as const) {
      for (const header of [{}, { kid: undefined }]) {
        const claims = { iss, org: "acme" };
        expect((await service.post(signer, "ada", { claims, header })).status).toBe(401);
      }
    }
    expect(world.calls()).toEqual({ acme: 0, other: 0 });
  });

  it("for another tenant's audience is 401", async () => {
    await using world = await startWorld({ beta: { AUTH_AUDIENCE: "for-beta" } });
    const ask = async (org: string, aud: string) =>
      (await world.service.post(world.shared, "ada", { claims: { org, aud } })).status;

    expect(await ask("acme", "for-beta")).toBe(401);
    expect(await ask("beta", "mx-session-bff")).toBe(401);
    expect(world.calls()).toEqual({ acme: 0, other: 0 });
    expect(await ask("beta", "for-beta")).toBe(200);
  });

  it("is not led elsewhere by anything else in the request", async () => {
    await using world = await startWorld();
    const { service, shared } = world;
    const token = await shared.issueToken("ada", { claims: { org: "acme" } });
    const post = (path: string) =>
      request(service.url).post(path).set("Authorization", `Bearer ${token}`);

    expect((await post("/session?tenant=beta&org=beta&c=other-client&k=x")).status).toBe(200);
    const headers = { "X-Tenant": "beta", "X-Forwarded-Host": "beta.example", Org: "beta" };
    expect((await post("/session").set(headers)).status).toBe(200);
    expect(world.calls().other).toBe(0);

    for (const field of ["tenant", "org", "client_guid", "client_id", "user_guid", "c", "k"]) {
      const inside = await post("/session").send({ widget_url: { [field]: "beta" } });
      const beside = await post("/session").send({ [field]: "beta" });
      expect([inside.status, beside.status]).toEqual([400, 400]);
    }
    expect(world.calls()).toEqual({ acme: 0, other: 0 });
  });

  it("never reaches another tenant's MX client or user, whoever brings it", async () => {
    await using world = await startWorld();
    const { service, shared, own } = world;
    const isUsable = (subject: string) =>
      /^[A-Za-z0-9_-]{1,128}$/.test(subject) && !/^(usr|mbr|clt)-/i.test(subject);
    const subject = fc.oneof(
      fc.constantFrom(
        "ada",
        "acme",
        "beta",
        "..",
        "../ada",
        "a/b",
        "a?k=x",
        "USR-1",
        "a@b.example",
      ),
      fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/),
      fc.constantFrom("ada", "grace").map((name) => hashed(shared.issuer, name)),
    );
    const org = fc.constantFrom<unknown>("acme", "beta", "gamma", "Acme", undefined, ["acme"], 7);
    const login = fc.constantFrom(shared, own);
    const principal = fc.record({ subject, org, signer: login, named: login });

    await fc.assert(
      fc.asyncProperty(principal, async ({ subject: sub, org: value, signer, named }) => {
        const claims = { iss: named.issuer, org: value };
        const { status } = await service.post(signer, sub, { claims });

        const calls = { acme: world.acmeMx.calls.all, other: world.otherMx.calls.all };
        const tenant = named === own ? "gamma" : value === "acme" || value === "beta" ? value : "";
        const mx = tenant === "acme" ? "acme" : "other";
        const id = tenant === "acme" ? sub : hashed(named.issuer, sub);
        const isRefused =
          signer !== named || tenant === "" || (tenant === "acme" && !isUsable(sub));
        expect(status).toBe(isRefused ? (signer === named ? 403 : 401) : 200);
        const { [mx]: expected } = calls;
        expect(calls.acme.length + calls.other.length).toBe(isRefused ? 0 : expected.length);
        for (const call of expected) {
          const key = `${mx}-client:${mx}-key`;
          expect(call.headers.authorization).toBe(`Basic ${btoa(key)}`);
          if (call.path === "/users") expect(call.body).toMatchObject({ user: { id } });
          else expect(call.path).toBe(`/users/${id}/widget_urls`);
        }
        world.calls();
      }),
      { seed: SEED, numRuns: 150 },
    );
  });
});

describe("a tenant's own rules", () => {
  it("are its widgets, its webhooks' payload and nobody else's", async () => {
    await using world = await startWorld({
      acme: { WIDGET_TYPES: "connect_widget", WIDGET_FORCED: { color_scheme: "dark" } },
      beta: { ALLOW_CALLBACK_PAYLOAD: true, CLIENT_REDIRECT_URLS: ["betaapp://done"] },
    });
    const { service, shared, acmeMx, otherMx } = world;
    const ask = (org: string, options: object) =>
      service.post(shared, "ada", {
        claims: { org },
        body: { widget_url: options },
        headers: { "X-Callback-Payload": btoa("order-1") },
      });
    const pulse = { widget_type: "pulse_widget" };
    const redirect = { client_redirect_url: "betaapp://done" };

    expect((await ask("acme", pulse)).status).toBe(400);
    expect((await ask("acme", redirect)).status).toBe(400);
    expect(world.calls()).toEqual({ acme: 0, other: 0 });
    expect((await ask("acme", {})).status).toBe(200);
    expect((await ask("beta", pulse)).status).toBe(200);
    expect((await ask("beta", redirect)).status).toBe(200);

    const asked = (mx: Simulator) => mx.calls.of("platform.request_widget_url").at(-1);
    expect(asked(acmeMx)?.body).toMatchObject({ widget_url: { color_scheme: "dark" } });
    expect(asked(acmeMx)?.headers).not.toHaveProperty("x-callback-payload");
    expect(asked(otherMx)?.body).not.toMatchObject({ widget_url: { color_scheme: "dark" } });
    expect(asked(otherMx)?.headers).toMatchObject({ "x-callback-payload": btoa("order-1") });
  });

  it("are its origins: a preflight is answered for all, the request for its own", async () => {
    await using world = await startWorld({
      acme: { CORS_ORIGINS: "https://acme.example" },
      beta: { CORS_ORIGINS: ["https://beta.example", "https://both.example"] },
      gamma: { CORS_ORIGINS: "https://both.example" },
    });
    const { service, shared, own } = world;
    for (const [origin, status] of [
      ["https://acme.example", 204],
      ["https://beta.example", 204],
      ["https://evil.example", 403],
    ] as const) {
      const preflight = await request(service.url)
        .options("/session")
        .set({ Origin: origin, "Access-Control-Request-Method": "POST" });
      expect(preflight.status).toBe(status);
      expect(preflight.headers["access-control-allow-origin"]).toBe(
        status === 204 ? origin : undefined,
      );
      expect(preflight.headers.vary).toContain("Origin");
    }
    const from = (origin: string, org: string, issuer = shared) =>
      service.post(issuer, "ada", {
        claims: { org },
        headers: { Origin: origin, "Sec-Fetch-Site": "cross-site" },
      });

    for (const refused of [
      await from("https://beta.example", "acme"),
      await from("https://acme.example", "beta"),
      await from("https://acme.example", "", own),
      await from("https://evil.example", "acme"),
    ]) {
      expect(refused.status).toBe(403);
      expect(refused.body.type).toBe("/problems/csrf-rejected");
      expect(refused.headers).not.toHaveProperty("access-control-allow-origin");
      expect(refused.headers.vary).toContain("Origin");
    }
    expect(world.calls()).toEqual({ acme: 0, other: 0 });

    for (const answered of [
      await from("https://acme.example", "acme"),
      await from("https://both.example", "beta"),
      await from("https://both.example", "", own),
    ]) {
      expect(answered.status).toBe(200);
      expect(answered.headers).toHaveProperty("access-control-allow-origin");
    }
    const samePage = { Origin: service.url, "Sec-Fetch-Site": "same-origin" };
    const sameOrigin = { claims: { org: "acme" }, headers: samePage };
    expect((await service.post(shared, "ada", sameOrigin)).status).toBe(200);
  });

  it("are counted apart: one person's limit at one tenant is not that at another", async () => {
    await using world = await startWorld({}, { RATE_LIMIT_USER: "1/1h" });
    const { service, shared, own } = world;
    const ask = async (org: string, issuer = shared) =>
      (await service.post(issuer, "ada", { claims: { org } })).status;

    expect([await ask("acme"), await ask("beta"), await ask("", own)]).toEqual([200, 200, 200]);
    expect([await ask("acme"), await ask("beta"), await ask("", own)]).toEqual([429, 429, 429]);
  });
});

describe("the logins of all tenants", () => {
  it("are asked for their keys once each, however many tenants they have", async () => {
    await using world = await startWorld();
    await world.service.post(world.shared, "ada", { claims: { org: "acme" } });
    await world.service.post(world.shared, "ada", { claims: { org: "beta" } });

    expect(world.shared.requests).toMatchObject({ discovery: 1, jwks: 1 });
    expect(world.own.requests).toMatchObject({ discovery: 1, jwks: 1 });
  });

  it("make the service ready when all were asked and one has answered", async () => {
    await using down = await startIdentityProvider({ algorithm: "ES256" });
    await using up = await startIdentityProvider({ algorithm: "ES256" });
    await using mx = await startSimulator();
    down.fail("500");
    const entries = [tenantEntry("a", mx, down, HMAC), tenantEntry("b", mx, up, HMAC)];
    await using service = await startTenants(entries);
    const readyz = async () => (await request(service.operationsUrl).get("/readyz")).status;

    await expect.poll(readyz).toBe(200);
    expect((await service.post(up, "ada")).status).toBe(200);
    const refused = await service.post(down, "ada");
    expect(refused.status).toBe(503);
    expect(refused.body.type).toBe("/problems/auth-unavailable");

    up.fail("500");
    await using none = await startTenants(entries);
    await none.post(up, "ada");
    expect((await request(none.operationsUrl).get("/readyz")).status).toBe(503);
  });
});

describe("one tenant's trouble stays his", () => {
  /** A partner's credential lookup that can hang. */
  async function startLookup() {
    const state = { isHung: false };
    const listener = await startListener(
      (_req, res) => {
        if (state.isHung) return;
        res.setHeader("content-type", "application/json");
        res.end('{"userkey":"k"}');
      },
      { host: "127.0.0.1", port: 0 },
    );
    return Object.assign(listener, { state });
  }

  const MAX_IN_FLIGHT = 40;

  const ALWAYS = { times: Number.POSITIVE_INFINITY };

  type Sick = { mx: Simulator; issuer: IdentityProvider; lookup: { isHung: boolean } };

  it.each<[string, (sick: Sick) => void | Promise<void>]>([
    ["one's MX is silent", ({ mx }) => mx.failNext({ kind: "silence" }, ALWAYS)],
    [
      "one's MX resets connections",
      ({ mx }) => mx.failNext({ kind: "reset", when: "before" }, ALWAYS),
    ],
    ["one's MX is down", ({ mx }) => mx.failNext({ kind: "status", status: 502 }, ALWAYS)],
    [
      "one's credential lookup is silent",
      ({ lookup }) => {
        lookup.isHung = true;
      },
    ],
    [
      "one's login is silent, and its keys are new",
      async ({ issuer }) => {
        await issuer.rotateKeys({ keepOld: false });
        issuer.fail("silence");
      },
    ],
  ])("when %s under load, the other has nothing but 200", async (_what, makeSick) => {
    using _clock = stopClock();
    await using lookup = await startLookup();
    await using sickLogin = await startIdentityProvider({ algorithm: "ES256" });
    await using healthyLogin = await startIdentityProvider({ algorithm: "ES256" });
    await using sickMx = await startSimulator();
    await using healthyMx = await startSimulator({ latencyMs: 20 });
    const member = { MEMBER_CREDENTIALS: "lookup", MEMBER_USERKEY_SECRET: undefined };
    const asked = { MEMBER_LOOKUP_URL: lookup.url, MEMBER_LOOKUP_TOKEN: "lookup-token-for-tests" };
    await using service = await startTenants(
      [
        tenantEntry("sick", sickMx, sickLogin, { ...member, ...asked }, "sso"),
        tenantEntry("healthy", healthyMx, healthyLogin),
      ],
      { MAX_IN_FLIGHT: String(MAX_IN_FLIGHT) },
    );
    const before = [
      service.post(sickLogin, "ada", { body: {} }),
      service.post(healthyLogin, "ada"),
    ];
    const first = await letTimePass(Promise.all(before));
    expect(first.map(({ status }) => status)).toEqual([200, 200]);
    await makeSick({ mx: sickMx, issuer: sickLogin, lookup: lookup.state });
    const sickToken = await sickLogin.issueToken("ada");
    const healthyToken = await healthyLogin.issueToken("ada");

    const ask = async (token: string) => {
      const headers = { Authorization: `Bearer ${token}` };
      const response = await fetch(`${service.url}/session`, { method: "POST", headers });
      await response.arrayBuffer();
      return response.status;
    };
    const sending = [send(60, 8, () => ask(sickToken)), send(30, 16, () => ask(healthyToken))];
    const [sick, healthy] = await letTimePass(Promise.all(sending));

    expect(sick).not.toContain(200);
    expect(healthy).toEqual(Array(30).fill(200));
  });

  /** Starts one after the other, however long each takes. */
  async function send<T>(count: number, everyMs: number, ask: () => Promise<T>): Promise<T[]> {
    const answers: Promise<T>[] = [];
    while (answers.length < count) {
      answers.push(ask());
      await sleep(everyMs);
    }
    return Promise.all(answers);
  }
});
