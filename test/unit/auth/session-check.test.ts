import { describe, expect, it } from "vitest";
import { createLoginCall } from "../../../src/auth/login-client.ts";
import { createSessionAuthenticator } from "../../../src/auth/session-check.ts";
import { answered, exchangeGiving, tenantOf } from "../fakes.ts";

const ISSUER = "https://login.example.com";
const START = 1_800_000_000;
const WAIT_MS = 7600;

describe("the check of a session", () => {
  const check = (text: string, status = 200) => {
    const exchange = exchangeGiving(answered(text, { status }));
    const tenant = tenantOf();
    const authenticate = createSessionAuthenticator({
      call: createLoginCall({ operation: "partner.session_check", exchange }),
      endpoint: { url: new URL("https://bank.example/me?as=claims"), cookie: "__Host-s" },
      trust: { tenant, issuer: ISSUER, claim: undefined, audience: [] },
      now: () => START * 1000,
    });
    return { result: authenticate("v-1", WAIT_MS), exchange, tenant };
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
    [{ nbf: START + 11 }, "claim_nbf"],
    [{ iat: START + 11 }, "claim_iat"],
  ])("refuses a session with %j as %s", async (claims, reason) => {
    await expect(check(JSON.stringify({ sub: "u-1", ...claims })).result).rejects.toMatchObject({
      code: "unauthenticated",
      reason,
    });
  });

  it.each([
    [200, "{}"],
    [200, '{"sub":""}'],
    [200, '{"sub":1}'],
    [200, "null"],
    [200, "<html>"],
    [201, '{"sub":"u-1"}'],
    [302, ""],
    [400, '{"sub":"u-1"}'],
    [500, '{"sub":"u-1"}'],
  ])("cannot say who it is from %i with %s", async (status, text) => {
    await expect(check(text, status).result).rejects.toMatchObject({ code: "auth_unavailable" });
  });
});
