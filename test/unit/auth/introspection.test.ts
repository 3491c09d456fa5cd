import { describe, expect, it, vi } from "vitest";
import type { TenantTrust } from "../../../src/auth/claims.ts";
import {
  createIntrospectionAuthenticator,
  type IntrospectionEndpoint,
} from "../../../src/auth/introspection.ts";
import { authUnavailable } from "../../../src/errors.ts";
import { createSecret } from "../../../src/secret.ts";
import type { Exchange } from "../../../src/upstream/exchange.ts";
import { answered, exchangeGiving, tenantOf, trustOf } from "../fakes.ts";

const ISSUER = "https://login.example.com";
const START = 1_800_000_000;
const WAIT_MS = 7600;
const GOOD = { active: true, sub: "u-1", aud: "mx" };

const URL_OF_IT = new URL("https://login.example.com/introspect?realm=a");
const ENDPOINT: IntrospectionEndpoint = {
  url: URL_OF_IT,
  clientId: "bff:1",
  clientSecret: createSecret("a b+c&%é"),
  method: "client_secret_basic",
  requireAudience: true,
};

/** With clocks that the test moves, and an authorization server that answers with `answer`. */
function setUp(
  answer: object | (() => Promise<object>) = GOOD,
  { requireAudience = true, ...trust }: Partial<TenantTrust> & { requireAudience?: boolean } = {},
) {
  const tenant = tenantOf();
  const clock = { seconds: START, monotonicMs: 1000 };
  const asked: string[] = [];
  const exchange: Exchange = async ({ body = "" }) => {
    asked.push(new URLSearchParams(body).get("token") ?? "");
    const claims = typeof answer === "function" ? await answer() : answer;
    return answered(JSON.stringify(claims));
  };
  const authenticate = createIntrospectionAuthenticator({
    exchange,
    endpoint: { ...ENDPOINT, requireAudience },
    tenants: [trustOf({ tenant, audience: ["mx", "mx-2"], ...trust })],
    now: () => clock.seconds * 1000,
    monotonicNow: () => clock.monotonicMs,
  });
  const pass = (seconds: number) => {
    clock.seconds += seconds;
    clock.monotonicMs += seconds * 1000;
  };
  return { authenticate, asked, clock, pass, tenant };
}

describe("an introspected token", () => {
  it("becomes a principal under the configured issuer", async () => {
    const { authenticate, tenant } = setUp({ ...GOOD, email: "ada@example.com" });
    expect(await authenticate("t", WAIT_MS)).toEqual({
      issuer: ISSUER,
      subject: "u-1",
      claims: { ...GOOD, email: "ada@example.com" },
      tenant,
    });
  });

  it.each<[string, object]>([
    ["the issuer", { iss: ISSUER }],
    ["one audience of several", { aud: ["other", "mx-2"] }],
    ["null for what is not told", { iss: null, exp: null, nbf: null, iat: null, token_type: null }],
    ["a token that ended nine seconds ago", { exp: START - 9 }],
    ["a token that begins in ten seconds", { nbf: START + 10, iat: START + 10 }],
    ["a token for a year", { iat: START, exp: START + 31_536_000 }],
    ["a type", { token_type: "bearer" }],
    ["times in text", { exp: String(START + 60), nbf: String(START), iat: `${START}.5` }],
    ["an older type", { token_type: "access_token" }],
    ["a type by URN", { token_type: "urn:ietf:params:oauth:token-type:access_token" }],
    ["Keycloak's type", { typ: "Bearer" }],
    ["null for a key that it is not bound to", { cnf: null }],
  ])("may come with %s", async (_what, changes) => {
    expect(await setUp({ ...GOOD, ...changes }).authenticate("t", WAIT_MS)).toMatchObject({
      subject: "u-1",
    });
  });

  it.each<[string, object, string]>([
    ["not active", { active: false }, "inactive"],
    ["of another issuer", { iss: `${ISSUER}/` }, "unknown_issuer"],
    ["of an issuer that is a list", { iss: [ISSUER] }, "claim_iss"],
    ["for another audience", { aud: "other" }, "claim_aud"],
    ["for part of an audience", { aud: "m" }, "claim_aud"],
    ["without an audience", { aud: undefined }, "claim_aud"],
    ["with no audience in the list", { aud: [] }, "claim_aud"],
    ["with null for the audience", { aud: null }, "claim_aud"],
    ["with an audience that is an object", { aud: { mx: true } }, "claim_aud"],
    ["without a subject", { sub: undefined }, "claim_sub"],
    ["with an empty subject", { sub: "" }, "claim_sub"],
    ["with a number as subject", { sub: 1 }, "claim_sub"],
    ["over", { exp: START - 10 }, "claim_exp"],
    ["over since 1970", { exp: 0 }, "claim_exp"],
    ["over, in text", { exp: String(START - 10) }, "claim_exp"],
    ["over at a time in hexadecimal", { exp: "0x7fffffff" }, "claim_exp"],
    ["over at no time", { exp: "" }, "claim_exp"],
    ["not begun", { nbf: START + 11 }, "claim_nbf"],
    ["issued in the future", { iat: START + 11 }, "claim_iat"],
    ["over at a time in words", { exp: "tomorrow" }, "claim_exp"],
    ["bound to a key, by type", { token_type: "DPoP" }, "bound_token"],
    ["bound to a key, by an older type", { token_type: "pop" }, "bound_token"],
    ["bound to something unsaid", { cnf: {} }, "bound_token"],
    ["Keycloak's refresh token", { typ: "Refresh" }, "token_kind"],
    ["Keycloak's offline token", { typ: "Offline" }, "token_kind"],
    ["a logout token", { events: {} }, "token_kind"],
    ["of no type for services", { token_type: "N_A" }, "token_kind"],
    ["of a type that is no text", { token_type: ["Bearer"] }, "token_kind"],
    ["bound to a certificate", { cnf: { "x5t#S256": "x" } }, "bound_token"],
    ["a refresh token", { token_type: "refresh_token" }, "token_kind"],
  ])("that is %s is refused", async (_what, changes, reason) => {
    await expect(setUp({ ...GOOD, ...changes }).authenticate("t", WAIT_MS)).rejects.toMatchObject({
      code: "unauthenticated",
      reason,
    });
  });

  it.each<[object, string | undefined]>([
    [{ sub: undefined, customer_id: "c-1" }, "c-1"],
    [{ sub: null, customer_id: 4711 }, "4711"],
    [{ sub: "u-1", customer_id: "c-1" }, "u-1"],
    [{ sub: undefined, customer_id: undefined }, undefined],
    [{ sub: undefined, customer_id: "" }, undefined],
    [{ sub: undefined, customer_id: ["c-1"] }, undefined],
    [{ sub: undefined, customer_id: 2 ** 53 }, undefined],
  ])("needs no sub where users are known by another claim: %j", async (claims, subject) => {
    const { authenticate } = setUp({ ...GOOD, ...claims }, { userIdClaim: "customer_id" });
    const result = authenticate("t", WAIT_MS);
    if (subject !== undefined) expect(await result).toMatchObject({ subject });
    else await expect(result).rejects.toMatchObject({ reason: "claim_sub" });
  });

  it("is forgotten at an end that is told in text", async () => {
    const { authenticate, asked, pass } = setUp({ ...GOOD, exp: String(START + 20) });
    await authenticate("t", WAIT_MS);
    pass(21);
    await authenticate("t", WAIT_MS);
    expect(asked).toHaveLength(2);
  });

  it("may name its audience in another claim", async () => {
    const rule = { audienceClaim: "client_id" };
    const good = { ...GOOD, aud: "elsewhere", client_id: "mx" };
    expect(await setUp(good, rule).authenticate("t", WAIT_MS)).toMatchObject({ subject: "u-1" });
    await expect(
      setUp({ ...GOOD, client_id: "other" }, rule).authenticate("t", WAIT_MS),
    ).rejects.toMatchObject({ reason: "claim_aud" });
  });

  it.each([[], null, undefined])(
    "needs no audience where the operator says so, but never has another: %j",
    async (aud) => {
      expect(
        await setUp({ ...GOOD, aud }, { requireAudience: false }).authenticate("t", WAIT_MS),
      ).toBeTruthy();
      await expect(
        setUp({ ...GOOD, aud: ["other"] }, { requireAudience: false }).authenticate("t", WAIT_MS),
      ).rejects.toMatchObject({ reason: "claim_aud" });
    },
  );

  it.each([
    ["a minute", {}, 59, 60],
    ["its own time, if that is shorter", { exp: START + 20 }, 19, 20],
  ])("is remembered for %s", async (_what, changes, stillSeconds, overSeconds) => {
    const { authenticate, asked, pass } = setUp({ ...GOOD, ...changes });
    await authenticate("t", WAIT_MS);
    pass(stillSeconds);
    await authenticate("t", WAIT_MS);
    expect(asked).toHaveLength(1);
    pass(overSeconds + 1 - stillSeconds);
    await authenticate("t", WAIT_MS);
    expect(asked).toHaveLength(2);
  });

  it("is forgotten in time although the wall clock was set back", async () => {
    let isRevoked = false;
    const { authenticate, clock } = setUp(async () => (isRevoked ? { active: false } : GOOD));
    await authenticate("t", WAIT_MS);
    isRevoked = true;
    clock.seconds -= 3600;
    clock.monotonicMs += 60_001;
    await expect(authenticate("t", WAIT_MS)).rejects.toMatchObject({ reason: "inactive" });
  });

  it("is forgotten in time by the process's own clock", async () => {
    vi.useFakeTimers();
    vi.advanceTimersByTime(1000); // To the cache, zero is no time.
    const exchange = exchangeGiving(answered(JSON.stringify(GOOD)));
    const authenticate = createIntrospectionAuthenticator({
      exchange,
      endpoint: ENDPOINT,
      tenants: [trustOf({ audience: ["mx"] })],
    });
    await authenticate("t", WAIT_MS);
    vi.setSystemTime(0);
    vi.advanceTimersByTime(60_001);
    await authenticate("t", WAIT_MS);
    vi.useRealTimers();
    expect(exchange.requests).toHaveLength(2);
  });

  it("is remembered although the wall clock was set forward", async () => {
    const { authenticate, asked, clock } = setUp();
    await authenticate("t", WAIT_MS);
    clock.seconds += 3600;
    await authenticate("t", WAIT_MS);
    expect(asked).toHaveLength(1);
  });

  it.each([START - 5, START, START + 0.0005])(
    "that ended within the tolerance is not remembered (%d)",
    async (exp) => {
      const { authenticate, asked } = setUp({ ...GOOD, exp });
      await authenticate("t", WAIT_MS);
      await authenticate("t", WAIT_MS);
      expect(asked).toHaveLength(2);
    },
  );

  it("that was refused is refused for five seconds without asking", async () => {
    const { authenticate, asked, pass } = setUp({ active: false });
    for (let turn = 0; turn < 3; turn += 1)
      await expect(authenticate("t", WAIT_MS)).rejects.toThrow();
    expect(asked).toHaveLength(1);
    pass(6);
    await expect(authenticate("t", WAIT_MS)).rejects.toThrow();
    expect(asked).toHaveLength(2);
  });

  it("is not forgotten over a flood of invented ones", async () => {
    let isGood = true;
    const { authenticate, asked } = setUp(async () => (isGood ? GOOD : { active: false }));
    await authenticate("good", WAIT_MS);
    isGood = false;
    for (let index = 0; index < 11_000; index += 1)
      await authenticate(`bad-${index}`, WAIT_MS).catch(() => {});
    await authenticate("good", WAIT_MS);
    expect(asked.filter((token) => token === "good")).toHaveLength(1);
  });

  it.each([
    ["accepted", { ...GOOD, claim: "x".repeat(1_000_000) }, 20],
    ["refused", { active: false }, 10_001],
  ])("is forgotten once too many others were %s after it", async (_what, answer, others) => {
    const { authenticate, asked } = setUp(answer);
    for (const token of ["first", ...Array.from({ length: others }, (_, index) => `t-${index}`)])
      await authenticate(token, WAIT_MS).catch(() => {});
    await authenticate("first", WAIT_MS).catch(() => {});
    expect(asked.filter((token) => token === "first")).toHaveLength(2);
  });

  it("is asked about once by all who come meanwhile, and again after a failure", async () => {
    let fails = true;
    const { authenticate, asked } = setUp(async () => {
      if (fails) throw authUnavailable({ reason: "no_keys" });
      return GOOD;
    });
    const down = await Promise.allSettled(
      Array.from({ length: 5 }, () => authenticate("t", WAIT_MS)),
    );
    expect(new Set(down.map(({ status }) => status))).toEqual(new Set(["rejected"]));
    expect(asked).toHaveLength(1);
    fails = false;
    expect(await authenticate("t", WAIT_MS)).toMatchObject({ subject: "u-1" });
    expect(asked).toHaveLength(2);
  });
});

describe("the question to the authorization server", () => {
  const authenticatorWith = (exchange: Exchange, endpoint = ENDPOINT) =>
    createIntrospectionAuthenticator({
      exchange,
      endpoint,
      tenants: [trustOf({ audience: ["mx"] })],
    });

  it("has id and secret form-encoded before they become Basic", async () => {
    const exchange = exchangeGiving(answered(JSON.stringify(GOOD)));

    expect(await authenticatorWith(exchange)("t+/=", WAIT_MS)).toMatchObject({ subject: "u-1" });

    const [request] = exchange.requests;
    expect(request).toMatchObject({
      method: "POST",
      path: "/introspect?realm=a",
      body: "token=t%2B%2F%3D&token_type_hint=access_token",
    });
    expect(request?.headers).toEqual({
      authorization: `Basic ${btoa("bff%3A1:a+b%2Bc%26%25%C3%A9")}`,
      "content-type": "application/x-www-form-urlencoded",
      accept: "application/json",
    });
  });

  it("has id and secret in the body where the operator says so, and in no header", async () => {
    const exchange = exchangeGiving(answered(JSON.stringify(GOOD)));
    const endpoint: IntrospectionEndpoint = { ...ENDPOINT, method: "client_secret_post" };

    await authenticatorWith(exchange, endpoint)("t", WAIT_MS);

    const [request] = exchange.requests;
    expect(Object.fromEntries(new URLSearchParams(request?.body))).toEqual({
      token: "t",
      token_type_hint: "access_token",
      client_id: "bff:1",
      client_secret: "a b+c&%é",
    });
    expect(request?.headers).not.toHaveProperty("authorization");
  });

  it.each(["", "null", "[]", "{}", '{"active":"true"}', '{"active":1}', "<html>", '"active"'])(
    "is not answered by %j",
    async (text) => {
      const authenticate = authenticatorWith(exchangeGiving(answered(text)));
      await expect(authenticate("t", WAIT_MS)).rejects.toMatchObject({
        code: "auth_unavailable",
        upstream: { outcome: "invalid_response" },
      });
    },
  );

  it.each([
    [201, "rejected"],
    [302, "rejected"],
    [401, "rejected"],
    [403, "rejected"],
    [429, "unavailable"],
    [500, "unavailable"],
  ])("is not answered by %i, whatever it says", async (status, outcome) => {
    const authenticate = authenticatorWith(
      exchangeGiving(answered(JSON.stringify(GOOD), { status })),
    );
    await expect(authenticate("t", WAIT_MS)).rejects.toMatchObject({
      code: "auth_unavailable",
      upstream: { operation: "partner.introspection", outcome, status },
    });
  });
});
