/**
 * Logins that the partner is asked about: opaque tokens and session cookies, over real HTTP. Also a JWT in a cookie, and
 * which proof decides where several are present.
 */

import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import request from "supertest";
import { describe, expect, it } from "vitest";
import type { Environment } from "../../src/config/variables.ts";
import { stopClock } from "../support/clock.ts";
import { rowsOf } from "../support/exhaustive.ts";
import {
  type PartnerLogin,
  SESSION_COOKIE,
  sendJson,
  startPartnerLogin,
} from "../support/partner-login.ts";
import { sendRaw } from "../support/raw.ts";
import { type Started, start } from "../support/start.ts";

const AUDIENCE = "mx-session-bff";
const SAME_ORIGIN = { "Sec-Fetch-Site": "same-origin", "X-CSRF": "1" };
const seconds = () => Math.floor(Date.now() / 1000);

type Setup = AsyncDisposable & { service: Started; partner: PartnerLogin };

/** The service with all four ways to log in. */
async function setUp(environment: Environment = {}): Promise<Setup> {
  await using parts = new AsyncDisposableStack();
  const partner = parts.use(await startPartnerLogin());
  const service = parts.use(
    await start({
      environment: { ...partner.environment, AUTH_COOKIE: "__Host-token", ...environment },
    }),
  );
  partner.tokens.set("opaque-ada", { active: true, sub: "ada", aud: AUDIENCE });
  partner.sessions.set("s-grace", { sub: "grace", given_name: "Grace" });
  const owned = parts.move();
  return { service, partner, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function ask(service: Started, headers: Record<string, string>) {
  return service.check(service.request().set(headers));
}

const byCookie = (cookie: string) => ({ ...SAME_ORIGIN, Cookie: cookie });
const bySession = (value: string) => byCookie(`${SESSION_COOKIE}=${value}`);

/** Whom MX was asked about. */
const usersOf = (service: Started) => [...service.mx.state.users.values()].map(({ id }) => id);

async function expectProblem(
  { service }: Setup,
  headers: Record<string, string>,
  [status, name]: readonly [number, string],
) {
  const response = await ask(service, headers);
  expect([response.status, response.body.type]).toEqual([status, `/problems/${name}`]);
  expect(service.mx.calls.count).toBe(0);
  return response;
}

const UNAUTHENTICATED = [401, "unauthenticated"] as const;
const UNAVAILABLE = [503, "auth-unavailable"] as const;

describe("an opaque bearer token", () => {
  const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

  it("opens a session for whom the authorization server names, without Origin or X-CSRF", async () => {
    await using setup = await setUp();
    const { service, partner } = setup;

    expect((await ask(service, bearer("opaque-ada"))).status).toBe(200);

    expect(usersOf(service)).toEqual(["ada"]);
    expect(partner.calls).toHaveLength(1);
    expect(partner.calls[0]).toMatchObject({
      method: "POST",
      path: "/introspect",
      body: "token=opaque-ada&token_type_hint=access_token",
      headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json" },
    });
  });

  it("is asked about once, also by many requests at once", async () => {
    await using setup = await setUp();
    const { service, partner } = setup;

    const responses = await Promise.all(
      Array.from({ length: 20 }, () => ask(service, bearer("opaque-ada"))),
    );

    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]));
    expect(partner.calls).toHaveLength(1);
  });

  it("that is not active is refused, and not asked about again at once", async () => {
    await using setup = await setUp();

    for (let turn = 0; turn < 5; turn += 1)
      await expectProblem(setup, bearer("invented"), UNAUTHENTICATED);

    expect(setup.partner.calls).toHaveLength(1);
  });

  it.each<[string, object]>([
    ["of another issuer", { iss: "https://elsewhere.example" }],
    ["for another service", { aud: "another-service" }],
    ["for nobody in particular", { aud: undefined }],
    ["without a subject", { sub: undefined }],
    ["whose subject is a number", { sub: 7 }],
    ["that is over", { exp: seconds() - 60 }],
    ["that is not begun", { nbf: seconds() + 60 }],
    ["bound to a key", { token_type: "DPoP", cnf: { jkt: "thumbprint" } }],
  ])("%s is refused", async (_what, changes) => {
    await using setup = await setUp();
    setup.partner.tokens.set("t", { active: true, sub: "ada", aud: AUDIENCE, ...changes });

    await expectProblem(setup, bearer("t"), UNAUTHENTICATED);
  });

  it("may be asked about with id and secret in the body", async () => {
    await using setup = await setUp({ AUTH_INTROSPECTION_AUTH: "client_secret_post" });

    expect((await ask(setup.service, bearer("opaque-ada"))).status).toBe(200);
    expect(setup.partner.calls[0]?.headers).not.toHaveProperty("authorization");
  });

  it("without an audience is good where the operator says so", async () => {
    await using setup = await setUp({ AUTH_INTROSPECTION_REQUIRE_AUDIENCE: "false" });
    setup.partner.tokens.set("t", { active: true, sub: "ada" });
    setup.partner.tokens.set("other", { active: true, sub: "ada", aud: "another-service" });

    await expectProblem(setup, bearer("other"), UNAUTHENTICATED);
    expect((await ask(setup.service, bearer("t"))).status).toBe(200);
  });

  it("is nobody's fault but ours where the authorization server refuses our credentials", async () => {
    await using setup = await setUp({ AUTH_INTROSPECTION_CLIENT_SECRET: "wrong" });

    await expectProblem(setup, bearer("opaque-ada"), UNAVAILABLE);

    const [line] = setup.service.log.filter((text) => text.includes("partner.introspection"));
    expect(JSON.parse(line ?? "{}")).toMatchObject({
      level: "error",
      "error.type": "auth-unavailable",
      "upstream.outcome": "rejected",
      "upstream.status": 401,
    });
  });

  it("stands in no log line, nor does our secret", async () => {
    await using setup = await setUp();
    await ask(setup.service, bearer("opaque-ada"));
    await ask(setup.service, bearer("invented"));
    setup.partner.misbehave((res) => sendJson(res, 500, { token: "opaque-ada" }));
    await ask(setup.service, bearer("opaque-new"));

    expect(setup.service.log.join("")).not.toMatch(/opaque-|invented|s3cret/);
  });
});

describe("a session cookie", () => {
  it("opens a session for whom the partner names; nothing else of the request goes there", async () => {
    await using setup = await setUp();
    const { service, partner } = setup;

    const headers = {
      ...bySession("s-grace"),
      "User-Agent": "canary",
      "X-Forwarded-For": "1.2.3.4",
    };
    const cookies = `theme=dark; ${headers.Cookie}; __Secure-other=canary`;
    expect((await ask(service, { ...headers, Cookie: cookies })).status).toBe(200);

    expect(usersOf(service)).toEqual(["grace"]);
    expect(partner.calls).toHaveLength(1);
    const [call] = partner.calls;
    expect(call).toMatchObject({ method: "GET", path: "/me?as=claims", body: "" });
    expect(call?.headers).toMatchObject({
      cookie: "__Host-session=s-grace",
      accept: "application/json",
    });
    expect(JSON.stringify(call)).not.toContain("canary");
    expect(service.log.join("")).not.toContain("s-grace");
  });

  it("is no login any more once the partner says so", async () => {
    await using setup = await setUp();
    expect((await ask(setup.service, bySession("s-grace"))).status).toBe(200);

    setup.partner.sessions.clear();

    expect((await ask(setup.service, bySession("s-grace"))).status).toBe(401);
  });

  it.each([401, 403])("that the partner answers with %i is refused", async (status) => {
    await using setup = await setUp();
    setup.partner.misbehave((res) => sendJson(res, status, {}));

    await expectProblem(setup, bySession("s-grace"), UNAUTHENTICATED);
  });

  it.each<[string, object]>([
    ["of another issuer", { iss: "https://elsewhere.example" }],
    ["that is over", { exp: seconds() - 60 }],
    ["that is not active", { active: false }],
  ])("%s is refused", async (_what, changes) => {
    await using setup = await setUp();
    setup.partner.sessions.set("s", { sub: "grace", ...changes });

    await expectProblem(setup, bySession("s"), UNAUTHENTICATED);
  });

  it.each([{}, null, false, [], { user: null }])(
    "that the partner answers with 200 and %j is nobody's",
    async (body) => {
      await using setup = await setUp();
      setup.partner.misbehave((res) => sendJson(res, 200, body));

      await expectProblem(setup, bySession("s-grace"), UNAUTHENTICATED);
      expect(setup.service.log.join("")).toContain('"error.reason":"no_session"');
    },
  );

  it("that the partner answers without the user's claim has a reason of its own in the log", async () => {
    await using setup = await setUp();
    const user = { name: "canary-name", email: "ada@example.com" };
    setup.partner.misbehave((res) => sendJson(res, 200, { user, expires: "2027-01-01" }));

    await expectProblem(setup, bySession("s-grace"), UNAUTHENTICATED);
    expect(setup.service.log.join("")).toContain('"error.reason":"no_user_claim"');
    expect(setup.service.log.join("")).not.toContain("canary-name");
  });

  it("names its user by another claim where the operator says so, sub or none", async () => {
    await using setup = await setUp({ USER_ID_CLAIM: "customer_id" });
    setup.partner.sessions.set("s", { customer_id: 4711 });

    expect((await ask(setup.service, bySession("s"))).status).toBe(200);
    expect(usersOf(setup.service)).toEqual(["4711"]);
  });

  it.each([
    ["Auth.js", `${SESSION_COOKIE}.0=a; ${SESSION_COOKIE}.1=b`],
    ["oauth2-proxy", `${SESSION_COOKIE}_0=a; ${SESSION_COOKIE}_1=b`],
    ["ASP.NET Core", `${SESSION_COOKIE}=chunks-2; ${SESSION_COOKIE}C1=a; ${SESSION_COOKIE}C2=b`],
  ])("in chunks of %s goes to the partner whole, and needs X-CSRF", async (_what, cookies) => {
    await using setup = await setUp();
    const { service, partner } = setup;
    partner.misbehave((res) => sendJson(res, 200, { sub: "grace" }));
    const Cookie = `theme=dark; ${cookies}; ${SESSION_COOKIE}_csrf=x`;

    const forged = await ask(service, { Cookie, "Sec-Fetch-Site": "same-origin" });
    expect(forged.body.type).toBe("/problems/csrf-rejected");
    expect(partner.calls).toEqual([]);

    expect((await ask(service, byCookie(Cookie))).status).toBe(200);
    expect(partner.calls.map(({ headers }) => headers.cookie)).toEqual([cookies]);
  });

  it("that comes twice with one value is one cookie", async () => {
    await using setup = await setUp();
    const cookie = `${SESSION_COOKIE}=s-grace`;

    expect((await ask(setup.service, byCookie(`${cookie}; ${cookie}`))).status).toBe(200);
    expect(setup.partner.calls[0]?.headers.cookie).toBe(cookie);
  });

  it.each([
    ["that is empty", `${SESSION_COOKIE}=`],
    ["that comes twice with two values", `${SESSION_COOKIE}=s-grace; ${SESSION_COOKIE}=s-ada`],
    ["with a space", `${SESSION_COOKIE}=s grace`],
    ["with a comma", `${SESSION_COOKIE}=s,grace`],
    ["with a quote at one end", `${SESSION_COOKIE}="s-grace`],
    ["with bytes that are no ASCII", `${SESSION_COOKIE}=s-gr\u00e4ce`],
    ["of a name in other letters", `${SESSION_COOKIE.toLowerCase()}=s-grace`],
    ["of a longer name", `x${SESSION_COOKIE}=s-grace`],
    ["without a value", SESSION_COOKIE],
  ])("%s is refused, and the partner not asked", async (_what, cookie) => {
    await using setup = await setUp();

    await expectProblem(setup, byCookie(cookie), UNAUTHENTICATED);
    expect(setup.partner.calls).toEqual([]);
  });
});

it.each([0xa0, 0x85, 0x0b, 0x0c, 0xad])(
  "a cookie whose name begins with the byte %i is not the session's",
  async (byte) => {
    await using setup = await setUp();
    const name = String.fromCharCode(byte) + SESSION_COOKIE;
    const head = `POST /session HTTP/1.1\r\nHost: h\r\nConnection: close\r\nSec-Fetch-Site: same-origin\r\nX-CSRF: 1`;

    const { statuses } = await sendRaw(
      setup.service.url,
      `${head}\r\nCookie: ${name}=s-grace\r\n\r\n`,
    );

    expect(statuses[0]).toBeOneOf([400, 401]); // Node's parser refuses control characters itself.
    expect(setup.partner.calls).toEqual([]);
    expect(setup.service.mx.calls.count).toBe(0);
  },
);

describe("a token in a cookie", () => {
  it("is verified as a JWT", async () => {
    await using setup = await setUp();
    const { service, partner } = setup;
    const token = await service.issuer.issueToken("linus");

    expect((await ask(service, byCookie(`__Host-token=${token}`))).status).toBe(200);
    expect(usersOf(service)).toEqual(["linus"]);
    expect(partner.calls).toEqual([]);
  });

  it("that is no JWT is refused, and nobody is asked", async () => {
    await using setup = await setUp();

    for (const token of [
      "opaque-ada",
      '"',
      "a.b",
      `${await setup.service.issuer.issueToken("x")}x`,
    ])
      await expectProblem(setup, byCookie(`__Host-token=${token}`), UNAUTHENTICATED);
    expect(setup.partner.calls).toEqual([]);
  });
});

describe("where several proofs are present", () => {
  it("the bearer token decides alone, however bad it is", async () => {
    await using setup = await setUp();
    const { service, partner } = setup;
    const cookies = bySession("s-grace");
    const expired = await service.issuer.issueToken("ada", { claims: { exp: seconds() - 90 } });

    for (const authorization of [`Bearer ${expired}`, "Bearer", "", "Basic YTpi", "Bearer a b"])
      await expectProblem(setup, { ...cookies, Authorization: authorization }, UNAUTHENTICATED);
    expect(partner.calls).toEqual([]);

    await expectProblem(setup, { ...cookies, Authorization: "Bearer unknown" }, UNAUTHENTICATED);
    expect(partner.calls.map(({ path }) => path)).toEqual(["/introspect"]);
  });

  it("a good bearer token names the user, and needs no X-CSRF", async () => {
    await using setup = await setUp();
    const { service, partner } = setup;
    const cookie = `${SESSION_COOKIE}=s-grace`;

    const jwt = await ask(service, {
      Authorization: await service.bearer("linus"),
      Cookie: cookie,
    });
    const opaque = await ask(service, { Authorization: "Bearer opaque-ada", Cookie: cookie });

    expect([jwt.status, opaque.status]).toEqual([200, 200]);
    expect(usersOf(service)).toEqual(["linus", "ada"]);
    expect(partner.calls.map(({ path }) => path)).toEqual(["/introspect"]);
  });

  it("the token in a cookie comes before the session, and is not followed by it", async () => {
    await using setup = await setUp();
    const { service, partner } = setup;
    const token = await service.issuer.issueToken("linus");
    const session = `${SESSION_COOKIE}=s-grace`;

    await expectProblem(setup, byCookie(`${session}; __Host-token=${token}x`), UNAUTHENTICATED);
    expect((await ask(service, byCookie(`${session}; __Host-token=${token}`))).status).toBe(200);
    expect(usersOf(service)).toEqual(["linus"]);
    expect(partner.calls).toEqual([]);
  });

  it("a JWT is judged by the issuer's keys, never by introspection", async () => {
    await using setup = await setUp();
    const forged = await setup.service.issuer.issueToken("ada", { foreignKey: true });
    setup.partner.tokens.set(forged, { active: true, sub: "ada", aud: AUDIENCE });

    await expectProblem(setup, { Authorization: `Bearer ${forged}` }, UNAUTHENTICATED);
    expect(setup.partner.calls).toEqual([]);
  });
});

describe("with AUTH_JWT=false", () => {
  const WITHOUT_JWT = { AUTH_JWT: "false", AUTH_COOKIE: undefined, AUTH_ISSUER: "example-bank" };

  it("the service is ready without keys, and introspection judges every bearer token", async () => {
    await using setup = await setUp(WITHOUT_JWT);
    const { service, partner } = setup;
    const jwt = await service.issuer.issueToken("ada");
    partner.tokens.set(jwt, { active: true, sub: "ada", aud: AUDIENCE, iss: "example-bank" });

    expect((await request(service.operationsUrl).get("/readyz")).status).toBe(200);
    expect((await ask(service, { Authorization: `Bearer ${jwt}` })).status).toBe(200);
    expect(service.issuer.requests).toMatchObject({ discovery: 0, jwks: 0 });
  });

  it("and no introspection no bearer token is taken", async () => {
    await using setup = await setUp({
      ...WITHOUT_JWT,
      AUTH_AUDIENCE: undefined,
      AUTH_INTROSPECTION_URL: undefined,
      AUTH_INTROSPECTION_CLIENT_ID: undefined,
      AUTH_INTROSPECTION_CLIENT_SECRET: undefined,
    });
    const { service, partner } = setup;

    await expectProblem(setup, { Authorization: await service.bearer("ada") }, UNAUTHENTICATED);
    expect(partner.calls).toEqual([]);
    expect((await ask(service, bySession("s-grace"))).status).toBe(200);
  });
});

describe("while the partner's login fails", () => {
  const PROOFS = [
    ["a token", { Authorization: "Bearer opaque-ada" }],
    ["a cookie", bySession("s-grace")],
  ] as const;

  const FAILURES: [string, (res: ServerResponse) => void][] = [
    ["500", (res) => sendJson(res, 500, { active: true, sub: "ada", aud: AUDIENCE })],
    ["503 for two minutes", (res) => sendJson(res.setHeader("retry-after", "120"), 503, {})],
    ["429", (res) => sendJson(res, 429, {})],
    ["404", (res) => sendJson(res, 404, {})],
    ["201", (res) => sendJson(res, 201, { active: true, sub: "ada", aud: AUDIENCE })],
    ["204", (res) => void res.writeHead(204).end()],
    ["HTML", (res) => void res.end("<!doctype html><title>Maintenance</title>")],
    ["nothing", (res) => void res.end()],
    ["10 MB", (res) => sendJson(res, 200, { active: true, sub: "ada", x: "x".repeat(10_000_000) })],
    ["a compressed answer", (res) => sendJson(res.setHeader("content-encoding", "gzip"), 200, {})],
    ["a connection that ends", (res) => void res.destroy()],
    [
      "half an answer",
      (res) => void res.writeHead(200, { "content-length": 99 }).write("{", () => res.destroy()),
    ],
  ];

  for (const [what, headers] of PROOFS)
    it.each(what === "a token" ? FAILURES : rowsOf(FAILURES, 4))(
      `${what} is answered 503 for %s`,
      async (_what, fail) => {
        await using setup = await setUp({ RATE_LIMIT_FAILURES: "1/1m" });
        setup.partner.misbehave(fail);

        for (let turn = 0; turn < 2; turn += 1) {
          const response = await expectProblem(setup, headers, UNAVAILABLE);
          expect(Number(response.headers["retry-after"])).toBeOneOf([1, 30]);
          expect(response.text).not.toMatch(/Maintenance|active|"sub"|grace/);
        }
      },
    );

  it.each(PROOFS)(
    "%s is repeated once where no answer came, and then good",
    async (_what, headers) => {
      await using setup = await setUp();
      const { service, partner } = setup;
      partner.misbehave((res) => {
        partner.misbehave(undefined);
        res.destroy();
      });

      expect((await ask(service, headers)).status).toBe(200);
      expect(partner.calls).toHaveLength(2);
    },
  );

  it.each(PROOFS)("%s goes to no other host", async (_what, headers) => {
    await using setup = await setUp();
    const seen: unknown[] = [];
    const elsewhere = createServer((req, res) => {
      seen.push(req.headers);
      sendJson(res, 200, { active: true, sub: "ada", aud: AUDIENCE });
    });
    elsewhere.listen(0, "127.0.0.1");
    await once(elsewhere, "listening");
    const { port } = elsewhere.address() as AddressInfo;

    for (const status of [301, 302, 303, 307, 308]) {
      setup.partner.misbehave(
        (res) => void res.writeHead(status, { location: `http://127.0.0.1:${port}/me` }).end(),
      );
      await expectProblem(setup, headers, UNAVAILABLE);
    }
    expect(seen).toEqual([]);
    expect(setup.partner.calls).toHaveLength(5);
    elsewhere.close();
  });

  it("silence costs REQUEST_DEADLINE, also a drip, and the health stays as it is", async () => {
    using clock = stopClock();
    await using setup = await setUp({ REQUEST_DEADLINE: "2s" });
    const { service, partner } = setup;
    partner.misbehave((res, { path }) => {
      if (path === "/introspect") return;
      res.writeHead(200, { "content-type": "application/json" });
      const drip = setInterval(() => res.write(" "), 50);
      res.once("close", () => clearInterval(drip));
    });

    const asked = PROOFS.map(([, headers]) => expectProblem(setup, headers, UNAVAILABLE));
    expect((await clock.run(Promise.all(asked))).ms).toBeLessThanOrEqual(2250);

    expect((await request(service.operationsUrl).get("/readyz")).status).toBe(200);
    expect((await request(service.operationsUrl).get("/livez")).status).toBe(200);
    const jwt = { Authorization: await service.bearer("linus") };
    expect((await ask(service, jwt)).status).toBe(200);
  });

  it("a token that is known stays good, and others get 503", async () => {
    await using setup = await setUp();
    const { service, partner } = setup;
    const known = { Authorization: "Bearer opaque-ada" };
    await ask(service, known);
    service.mx.calls.clear();
    await partner[Symbol.asyncDispose]();

    await expectProblem(setup, { Authorization: "Bearer opaque-new" }, UNAVAILABLE);
    await expectProblem(setup, bySession("s-grace"), UNAVAILABLE);
    expect((await ask(service, known)).status).toBe(200);
  });

  it("a short deadline is kept", async () => {
    using clock = stopClock();
    await using setup = await setUp({ REQUEST_DEADLINE: "1s" });
    setup.partner.misbehave(() => {});

    const asked = PROOFS.map(([, headers]) => expectProblem(setup, headers, UNAVAILABLE));
    expect((await clock.run(Promise.all(asked))).ms).toBeLessThanOrEqual(1250);
  });
});

it("logins that fail count for RATE_LIMIT_FAILURES, whatever the proof", async () => {
  await using setup = await setUp({ RATE_LIMIT_FAILURES: "2/1m" });

  await expectProblem(setup, { Authorization: "Bearer invented" }, UNAUTHENTICATED);
  await expectProblem(setup, bySession("invented"), UNAUTHENTICATED);
  await expectProblem(setup, bySession("s-grace"), [429, "rate-limited"]);
});
