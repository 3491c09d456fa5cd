import { describe, expect, it } from "vitest";
import { createSessionAuthenticator } from "../../../src/auth/session-check.ts";
import { answered, exchangeGiving, tenantOf, trustOf } from "../fakes.ts";

const ISSUER = "https://login.example.com";
const START = 1_800_000_000;
const WAIT_MS = 7600;

describe("the check of a session", () => {
  const check = (text: string, status = 200, userIdClaim = "sub") => {
    const exchange = exchangeGiving(answered(text, { status }));
    const tenant = tenantOf();
    const authenticate = createSessionAuthenticator({
      exchange,
      url: new URL("https://bank.example/me?as=claims"),
      tenants: [trustOf({ tenant, userIdClaim })],
      now: () => START * 1000,
    });
    return { result: authenticate("__Host-s=v-1", WAIT_MS), exchange, tenant };
  };

  it("sends the one cookie, and reads the claims", async () => {
    const { result, exchange, tenant } = check('{"sub":"u-1","email":"ada@example.com"}');
    expect(await result).toEqual({
      issuer: ISSUER,
      subject: "u-1",
      claims: { sub: "u-1", email: "ada@example.com" },
      tenant,
    });
    expect(exchange.requests).toEqual([
      {
        method: "GET",
        path: "/me?as=claims",
        headers: { cookie: "__Host-s=v-1", accept: "application/json" },
        timeoutMs: expect.any(Number),
      },
    ]);
  });

  it.each([401, 403])("takes %i as nobody", async (status) => {
    await expect(check('{"sub":"u-1"}', status).result).rejects.toMatchObject({
      code: "unauthenticated",
      reason: "no_session",
    });
  });

  it.each([
    [{ iss: "https://elsewhere.example" }, "unknown_issuer"],
    [{ iss: 7 }, "claim_iss"],
    [{ exp: START - 10 }, "claim_exp"],
    [{ exp: "soon" }, "claim_exp"],
    [{ exp: String(START - 10) }, "claim_exp"],
    [{ nbf: START + 11 }, "claim_nbf"],
    [{ iat: START + 11 }, "claim_iat"],
  ])("refuses a session with %j as %s", async (claims, reason) => {
    await expect(check(JSON.stringify({ sub: "u-1", ...claims })).result).rejects.toMatchObject({
      code: "unauthenticated",
      reason,
    });
  });

  it.each([
    "{}",
    "null",
    "false",
    "true",
    "[]",
    '[{"type":"sub","value":"u-1"}]',
    '""',
    "0",
    '"u-1"',
    '{"user":null}',
    '{"user":false}',
    '{"sub":null}',
    '{"authenticated":false}',
    '{"user":null,"isAuthenticated":false}',
    '{"active":false,"sub":"u-1"}',
    '{"active":"false","sub":"u-1"}',
    '{"active":0,"sub":"u-1"}',
    '{"loggedIn":false,"sub":"u-1"}',
    '{"is_authenticated":false,"sub":"u-1","exp":1800000600}',
    '{"active":"False","sub":"u-1"}',
    '{"is_active":false,"sub":"u-1"}',
    '{"isActive":false,"sub":"u-1"}',
    '{"valid":false,"sub":"u-1"}',
    '{"isSignedIn":"no","sub":"u-1"}',
    '{"signed_in":"0","sub":"u-1"}',
    '{"active":null,"sub":"u-1"}',
    '{"active":"","sub":"u-1"}',
    '{"active":" false ","sub":"u-1"}',
    '{"active":"off","sub":"u-1"}',
    '{"active":"inactive","sub":"u-1"}',
    '{"active":"normal","sub":"u-1"}',
    '{"active":"yes?","sub":"u-1"}',
    '{"expired":"unknown","sub":"u-1"}',
    '{"active":[],"sub":"u-1"}',
    '{"active":{},"sub":"u-1"}',
    '{"active":-1,"sub":"u-1"}',
    '{"is-authenticated":false,"sub":"u-1"}',
    '{"logged-in":false,"sub":"u-1"}',
    '{"authorized":false,"sub":"u-1"}',
    '{"session_active":false,"sub":"u-1"}',
    '{"sessionValid":"no","sub":"u-1"}',
    '{"loggedOut":true,"sub":"u-1"}',
    '{"is_expired":"yes","sub":"u-1"}',
    '{"revoked":"2026-01-01","sub":"u-1"}',
    '{"anonymous":true,"sub":"u-1"}',
  ])("takes 200 with %s as nobody", async (text) => {
    await expect(check(text).result).rejects.toMatchObject({
      code: "unauthenticated",
      reason: "no_session",
    });
  });

  it.each([
    ['{"user":{"name":"Ada"},"expires":"2027-01-15T09:00:00.000Z"}', "sub"],
    ['{"email":"ada@example.com"}', "sub"],
    ['{"sub":"","email":"ada@example.com"}', "sub"],
    ['{"sub":"u-1"}', "customer_id"],
    ['{"sub":"u-1","customer_id":null}', "customer_id"],
    ['{"user":{"customer_id":"c-1"}}', "customer_id"],
  ])("knows data without the user's claim, the usual mistake: %s, %s", async (text, claim) => {
    await expect(check(text, 200, claim).result).rejects.toMatchObject({
      code: "unauthenticated",
      reason: "no_user_claim",
    });
  });

  it.each([
    ['{"sub":"u-1"}', "sub", "u-1"],
    ['{"sub":4711}', "sub", "4711"],
    ['{"active":true,"sub":"u-1"}', "sub", "u-1"],
    ['{"active":"yes","sub":"u-1"}', "sub", "u-1"],
    ['{"active":10,"sub":"u-1"}', "sub", "u-1"],
    ['{"reactive":false,"activeSince":false,"unverified":false,"sub":"u-1"}', "sub", "u-1"],
    ['{"active":1,"isValid":"True","sub":"u-1"}', "sub", "u-1"],
    ['{"expired":false,"logged_out":null,"is_anonymous":0,"sub":"u-1"}', "sub", "u-1"],
    ['{"user":"ada","email":"ada@example.com"}', "email", "ada@example.com"],
    ['{"customer_id":4711}', "customer_id", "4711"],
    ['{"sub":"u-1","customer_id":"c-1"}', "customer_id", "u-1"],
    ['{"sub":null,"customer_id":"c-1"}', "customer_id", "c-1"],
    ['{"sub":"u-1","exp":"1800000600","iat":"1799999999.5"}', "sub", "u-1"],
  ])("names the user of %s by %s: %s", async (text, claim, subject) => {
    expect(await check(text, 200, claim).result).toMatchObject({ subject });
  });

  it("cannot name a user by something that is neither text nor an integer", async () => {
    await expect(check('{"sub":{"id":1}}').result).rejects.toMatchObject({ reason: "claim_sub" });
  });

  it.each([
    [200, ""],
    [200, "<html>"],
    [201, '{"sub":"u-1"}'],
    [204, ""],
    [302, ""],
    [400, '{"sub":"u-1"}'],
    [404, "{}"],
    [500, '{"sub":"u-1"}'],
  ])("cannot say who it is from %i with %j", async (status, text) => {
    await expect(check(text, status).result).rejects.toMatchObject({ code: "auth_unavailable" });
  });
});
