import { describe, expect, it } from "vitest";
import { createUserinfo } from "../../../src/auth/userinfo.ts";
import { createSecret } from "../../../src/secret.ts";
import type { ExchangeRequest, ExchangeResult } from "../../../src/upstream/exchange.ts";
import { answered, principalOf } from "../fakes.ts";

const ISSUER = "https://login.example.com/tenant";
const DISCOVERY = { issuer: ISSUER, userinfo_endpoint: "https://userinfo.example.com/me?v=1" };
const TOKEN = "canary-token";

type Seen = ExchangeRequest & { origin: string; timeoutMs: number };

/** An issuer that says this, by path. `at` moves the clock. */
function issuerSaying(answers: Record<string, ExchangeResult>, issuer = ISSUER) {
  const seen: Seen[] = [];
  const clock = { at: 0 };
  let disposed = 0;
  const userinfo = createUserinfo({
    issuer,
    now: () => clock.at,
    connect: (origin) =>
      Object.assign(
        async (request: ExchangeRequest, timeoutMs: number) => {
          seen.push({ ...request, origin, timeoutMs });
          return answers[request.path] ?? answered("", { status: 404 });
        },
        {
          async [Symbol.asyncDispose]() {
            disposed += 1;
          },
        },
      ),
  });
  const principal = { ...principalOf(), token: createSecret(TOKEN) };
  const read = (timeoutMs = 2000) => userinfo.read(principal, timeoutMs);
  return { userinfo, principal, read, seen, clock, disposed: () => disposed };
}

const DISCOVERY_PATH = "/tenant/.well-known/openid-configuration";
const GOOD = {
  [DISCOVERY_PATH]: answered(JSON.stringify(DISCOVERY)),
  "/me?v=1": answered('{"sub":"u-1","email":"ada@example.com"}'),
};

describe("the userinfo endpoint", () => {
  it("is the one that discovery names, and gets the token", async () => {
    const { read, seen } = issuerSaying(GOOD);

    expect(await read()).toEqual({ sub: "u-1", email: "ada@example.com" });

    expect(seen).toMatchObject([
      { origin: "https://login.example.com", path: DISCOVERY_PATH, method: "GET" },
      {
        origin: "https://userinfo.example.com",
        path: "/me?v=1",
        method: "GET",
        headers: { authorization: `Bearer ${TOKEN}`, accept: "application/json" },
      },
    ]);
    expect(seen[0]?.headers).toEqual({ accept: "application/json" });
    expect(JSON.stringify(seen[0])).not.toContain(TOKEN);
  });

  it("is found below an issuer with a slash at its end", async () => {
    const document = answered(JSON.stringify({ ...DISCOVERY, issuer: `${ISSUER}/` }));
    const { read, seen } = issuerSaying({ ...GOOD, [DISCOVERY_PATH]: document }, `${ISSUER}/`);
    await read();
    expect(seen[0]?.path).toBe(DISCOVERY_PATH);
  });

  it("is looked for once in ten minutes, however many ask", async () => {
    const { read, seen, clock } = issuerSaying(GOOD);
    await Promise.all([read(), read(), read()]);
    clock.at = 599_000;
    await read();
    expect(seen.filter(({ path }) => path === DISCOVERY_PATH)).toHaveLength(1);
    clock.at = 600_000;
    await read();
    expect(seen.filter(({ path }) => path === DISCOVERY_PATH)).toHaveLength(2);
  });

  it("is not looked for again in the five seconds after a failure", async () => {
    const { read, seen, clock } = issuerSaying({});
    await expect(read()).rejects.toMatchObject({ code: "auth_unavailable" });
    await expect(read()).rejects.toMatchObject({ code: "auth_unavailable" });
    clock.at = 4999;
    await expect(read()).rejects.toMatchObject({ code: "auth_unavailable" });
    expect(seen).toHaveLength(1);
    clock.at = 5000;
    await expect(read()).rejects.toMatchObject({ code: "auth_unavailable" });
    expect(seen).toHaveLength(2);
  });

  it("is not asked without a token, as for a session", async () => {
    const { userinfo, principal, seen } = issuerSaying(GOOD);
    expect(await userinfo.read({ ...principal, token: undefined }, 2000)).toBeUndefined();
    expect(seen).toEqual([]);
  });

  it("is given what is left of the time", async () => {
    const { read, seen, clock } = issuerSaying(GOOD);
    await read();
    clock.at = 1;
    await read(700);
    expect(seen.at(-1)?.timeoutMs).toBe(700);
  });

  it("is not asked where the answer could not come in time", async () => {
    const { read, seen } = issuerSaying(GOOD);
    await read();

    await expect(read(249)).rejects.toMatchObject({ upstream: { reason: "timeout" } });
    expect(seen).toHaveLength(2);

    await read(250);
    expect(seen).toHaveLength(3);
  });

  it.each<[string, object, string]>([
    ["no endpoint", { issuer: ISSUER }, "no_userinfo_endpoint"],
    ["another issuer", { ...DISCOVERY, issuer: "https://evil.example" }, "wrong_issuer"],
    [
      "plain http",
      { ...DISCOVERY, userinfo_endpoint: "http://userinfo.example.com/me" },
      "unsafe_userinfo_url",
    ],
    ["no URL", { ...DISCOVERY, userinfo_endpoint: "/me" }, "unsafe_userinfo_url"],
    [
      "a metadata address",
      { ...DISCOVERY, userinfo_endpoint: "https://169.254.169.254/me" },
      "unsafe_userinfo_url",
    ],
    [
      "credentials",
      { ...DISCOVERY, userinfo_endpoint: "https://a:b@userinfo.example.com/me" },
      "unsafe_userinfo_url",
    ],
  ])("gets no token where the document names %s", async (_what, document, reason) => {
    const { read, seen } = issuerSaying({ [DISCOVERY_PATH]: answered(JSON.stringify(document)) });
    await expect(read()).rejects.toMatchObject({
      upstream: { operation: "partner.userinfo", reason },
    });
    expect(JSON.stringify(seen)).not.toContain(TOKEN);
  });

  it.each<[string, ExchangeResult, object]>([
    [
      "somebody else",
      answered('{"sub":"u-2"}'),
      { outcome: "invalid_response", reason: "other_subject", status: undefined },
    ],
    [
      "nobody",
      answered('{"email":"ada@example.com"}'),
      { outcome: "invalid_response", reason: "schema" },
    ],
    ["a number", answered('{"sub":1}'), { reason: "schema" }],
    [
      "a signed answer",
      answered("eyJ.eyJ.sig", { contentType: "application/jwt" }),
      { reason: "schema" },
    ],
    ["a list", answered("[]"), { reason: "schema" }],
    [
      "a refusal",
      answered("{}", { status: 403 }),
      { outcome: "rejected", reason: "status", status: 403 },
    ],
    [
      "a redirect",
      answered("", { status: 302 }),
      { outcome: "rejected", reason: "status", status: 302 },
    ],
    ["silence", { kind: "failure", failure: "timeout", reason: "timeout" }, { reason: "timeout" }],
  ])("cannot be used where it answers with %s", async (_what, answer, upstream) => {
    const { read } = issuerSaying({ ...GOOD, "/me?v=1": answer });
    const failure: unknown = await read().catch((error: unknown) => error);
    expect(failure).toMatchObject({ upstream: { operation: "partner.userinfo", ...upstream } });
    expect(JSON.stringify(failure) + String(failure)).not.toMatch(/canary|ada@/);
  });

  it("keeps one set of connections a host, and closes them", async () => {
    const { userinfo, read, disposed, clock } = issuerSaying(GOOD);
    await read();
    clock.at = 600_000;
    await read();
    await userinfo[Symbol.asyncDispose]();
    expect(disposed()).toBe(2);
  });
});
