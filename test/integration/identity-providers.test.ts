/**
 * docs/identity-providers.md: with the settings of each provider and nothing else about the login, its good logins get in,
 * and the log says why its bad ones do not.
 */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSigningKey, type SigningKey } from "../../packages/simulator/src/signing-key.ts";
import type { Environment } from "../../src/config/variables.ts";
import { TOKEN_PROVIDERS, type TokenProvider } from "../support/identity-providers.ts";
import { isInstalled } from "../support/installed.ts";
import { readSettings, readTable } from "../support/provider-page.ts";
import { type Page, type ProviderWorld, startProviderWorld } from "../support/provider-world.ts";
import { type Answer, SESSIONS, type Session } from "../support/session-endpoints.ts";
import { type Started, start } from "../support/start.ts";

const SETTINGS = readSettings();
const HOUR = 3600;
const seconds = () => Math.floor(Date.now() / 1000);
const isSession = ({ AUTH_SESSION_COOKIE }: Environment) => AUTH_SESSION_COOKIE !== undefined;
const ofPage = (page: "tokens" | "sessions") =>
  [...SETTINGS].filter(([, settings]) => isSession(settings) === (page === "sessions"));

it("each row of the page's table has a section with just its variables, and a test", () => {
  const rows = [...readTable()].map(([name, variables]) => [name, variables.toSorted()]);
  const sections = [...SETTINGS].map(([name, settings]) => [
    name,
    Object.keys(settings).toSorted(),
  ]);
  expect(sections).toEqual(rows);
  expect(Object.keys(TOKEN_PROVIDERS)).toEqual(ofPage("tokens").map(([name]) => name));
  expect(Object.keys(SESSIONS)).toEqual(ofPage("sessions").map(([name]) => name));
});

/** The operator's own, in the place of `<…>`. */
const toEnvironment = (settings: Environment): Environment => ({
  ...settings,
  ...(settings.USER_ID_SECRET && { USER_ID_SECRET: "a-secret-for-tests-only-0123456789" }),
});

async function startWith(world: ProviderWorld, settings: Environment): Promise<Started> {
  return start({
    environment: {
      AUTH_AUDIENCE: undefined,
      ...toEnvironment(settings),
      HTTPS_PROXY: world.proxyUrl,
    },
  });
}

const hostsOf = (texts: Iterable<string>) => [
  ...new Set(Array.from(texts, (text) => new URL(text).hostname)),
];

const usersOf = ({ mx }: Started) => [...mx.state.users.values()].map(({ id }) => id);

/** The user id at MX, taken as it is or hashed. */
const idOf = (userId: string | undefined) => userId ?? expect.stringMatching(/^U-/);

const lastReason = ({ log }: Started) => JSON.parse(log.at(-1) ?? "{}")["error.reason"];

describe.skipIf(!isInstalled("openssl"))("with the settings of the page", () => {
  describe.each(ofPage("tokens"))("for %s", (name, settings) => {
    const provider = TOKEN_PROVIDERS[name] as TokenProvider;
    let world: ProviderWorld;
    let service: Started;
    let key: SigningKey;
    let foreign: SigningKey;

    beforeAll(async () => {
      key = await createSigningKey(provider.algorithm);
      foreign = { ...(await createSigningKey(provider.algorithm)), id: key.id };
      const documents = provider.documents(settings, key);
      world = await startProviderWorld(hostsOf(Object.keys(documents)));
      for (const [url, document] of Object.entries(documents))
        world.pages.set(url, document as Page);
      service = await startWith(world, settings);
    });
    afterAll(async () => {
      await service?.[Symbol.asyncDispose]();
      await world?.[Symbol.asyncDispose]();
    });

    type Changes = { claims?: Record<string, unknown>; signer?: SigningKey };

    async function ask({ claims, signer = key }: Changes = {}) {
      const all = { ...provider.claims(settings, seconds()), ...claims };
      const token = await signer.sign(provider.header(key), all);
      return service.check(service.request().set("Authorization", `Bearer ${token}`));
    }

    it("a good token opens a session", async () => {
      expect((await ask()).status).toBe(200);
      expect(usersOf(service)).toEqual([idOf(provider.userId)]);
    });

    it.each<[string, string, () => Changes]>([
      [
        "that is over",
        "claim_exp",
        () => ({ claims: { iat: seconds() - HOUR, exp: seconds() - 60 } }),
      ],
      [
        "for others",
        "claim_aud",
        () => ({ claims: { [provider.audienceClaim]: "another-client" } }),
      ],
      ["for nobody", "claim_aud", () => ({ claims: { [provider.audienceClaim]: undefined } })],
      [
        "of a foreign issuer",
        "unknown_issuer",
        () => ({ claims: { iss: "https://issuer.example.net" } }),
      ],
      ["of no issuer", "claim_iss", () => ({ claims: { iss: undefined } })],
      ["that has not begun", "claim_nbf", () => ({ claims: { nbf: seconds() + 60 } })],
      ["without a subject", "claim_sub", () => ({ claims: { sub: undefined } })],
      ["bound to a key", "bound_token", () => ({ claims: { cnf: { jkt: "thumbprint" } } })],
      ["that lives too long", "lifetime", () => ({ claims: { exp: seconds() + 25 * HOUR } })],
      ["signed by a foreign key of the same id", "signature", () => ({ signer: foreign })],
    ])("a token %s is 401, and the log says %s", async (_what, reason, change) => {
      service.mx.calls.clear();
      expect((await ask(change())).status).toBe(401);
      expect(lastReason(service)).toBe(reason);
      expect(service.mx.calls.count).toBe(0);
    });
  });

  it("Entra ID's tokens of version 1 get in beside those of version 2, as the page says", async () => {
    const settings = SETTINGS.get("Microsoft Entra ID") ?? {};
    const provider = TOKEN_PROVIDERS["Microsoft Entra ID"] as TokenProvider;
    const { AUTH_ISSUER: second = "", AUTH_AUDIENCE: client = "" } = settings;
    const first = `https://sts.windows.net/${second.split("/")[3]}/`;
    const key = await createSigningKey("RS256");
    const documents = {
      ...provider.documents({ AUTH_ISSUER: second }, key),
      ...provider.documents({ AUTH_ISSUER: first }, key),
    };
    await using world = await startProviderWorld(hostsOf(Object.keys(documents)));
    for (const [url, document] of Object.entries(documents)) world.pages.set(url, document as Page);
    await using service = await startWith(world, {
      ...settings,
      AUTH_ISSUER: `${second},${first}`,
      AUTH_AUDIENCE: `${client},api://${client}`,
    });

    for (const [iss, aud] of [
      [second, client],
      [first, `api://${client}`],
    ]) {
      const claims = { ...provider.claims(settings, seconds()), iss, aud };
      const token = await key.sign(provider.header(key), claims);
      expect((await service.request().set("Authorization", `Bearer ${token}`)).status).toBe(200);
    }
    expect(usersOf(service)).toEqual([provider.userId]);
  });

  describe.each(ofPage("sessions"))("for %s", (name, settings) => {
    const session = SESSIONS[name] as Session;
    let world: ProviderWorld;
    let service: Started;
    let seen: (string | undefined)[];
    let answer: Answer;

    beforeAll(async () => {
      const { AUTH_SESSION_CHECK_URL: url = "" } = settings;
      world = await startProviderWorld(hostsOf([url]));
      world.pages.set(url, (req, res) => {
        seen.push(req.headers.cookie);
        const { status = 200, headers = {}, body } = answer;
        res.writeHead(status, { "content-type": "application/json", ...headers });
        res.end(body === undefined ? "" : JSON.stringify(body));
      });
      service = await startWith(world, settings);
    });
    afterAll(async () => {
      await service?.[Symbol.asyncDispose]();
      await world?.[Symbol.asyncDispose]();
    });

    async function ask(given: Answer, cookie = `${settings.AUTH_SESSION_COOKIE}=opaque`) {
      seen = [];
      answer = given;
      const page = { "Sec-Fetch-Site": "same-origin", "X-CSRF": "1" };
      return service.check(service.request().set({ ...page, Cookie: cookie }));
    }

    it("a session opens one at MX", async () => {
      expect((await ask({ body: session.good })).status).toBe(200);
      expect(usersOf(service)).toEqual([idOf(session.userId)]);
    });

    it("a session in chunks is asked about as a whole", async () => {
      const { AUTH_SESSION_COOKIE: base = "" } = settings;
      const cookie = session.chunks(base).join("; ");
      expect((await ask({ body: session.good }, `theme=dark; ${cookie}`)).status).toBe(200);
      expect(seen).toEqual([cookie]);
    });

    it.each(session.bad)("%j is 401, and the log says %s", async (given, reason) => {
      service.mx.calls.clear();
      expect((await ask(given)).status).toBe(401);
      expect(lastReason(service)).toBe(reason);
      expect(service.mx.calls.count).toBe(0);
    });

    it.each(session.broken)("%j is no answer", async (given) => {
      expect((await ask(given)).body.type).toBe("/problems/auth-unavailable");
    });
  });
});
