import { describe, expect, it } from "vitest";
import { createPartnerLookup } from "../../../src/mx/credential-lookup.ts";
import { createSecret } from "../../../src/secret.ts";
import { createBudget } from "../../../src/session/budget.ts";
import type { Exchange, ExchangeRequest, ExchangeResult } from "../../../src/upstream/exchange.ts";
import { answered, contextOf, exchangeGiving, frozenBudget, identityOf } from "../fakes.ts";

const failed = (failure: Extract<ExchangeResult, { kind: "failure" }>["failure"]) =>
  ({ kind: "failure", failure, reason: "econnreset" }) as const;

const ENDPOINT = {
  url: new URL("https://bank.example/mx/credentials"),
  token: createSecret("token-1"),
};

/** Looks up against a partner that gives these results, one after the other. */
async function run(results: readonly ExchangeResult[], budget = frozenBudget()) {
  const requests: ExchangeRequest[] = [];
  const timeouts: number[] = [];
  const exchange: Exchange = async (request, timeoutMs) => {
    timeouts.push(timeoutMs);
    return results[requests.push(request) - 1] ?? failed("timeout");
  };
  const { findCredentials } = createPartnerLookup({ exchange, ...ENDPOINT });
  const result = await findCredentials(identityOf(), contextOf(budget)).catch(
    (error: unknown) => error,
  );
  return { result, requests, timeouts };
}

describe("the lookup of a profile", () => {
  const find = (answer: ExchangeResult, timeoutMs = 2000) => {
    const exchange = exchangeGiving(answer);
    const lookup = createPartnerLookup({ exchange, ...ENDPOINT });
    return { profile: lookup.findProfile(identityOf(), timeoutMs), requests: exchange.requests };
  };

  it.each([
    ['{"profile":{"email":"a@b.co"}}', { email: "a@b.co" }],
    ['{"userkey":"key","profile":"x"}', "x"],
    ['{"profile":null}', undefined],
    ["{}", undefined],
  ])("gives what the answer says: %s", async (text, profile) => {
    const found = find(answered(text));
    expect(await found.profile).toEqual(profile);
    expect(found.requests).toMatchObject([{ path: "/mx/credentials", timeoutMs: 2000 }]);
  });

  it("gives nothing for a user whom the partner does not know", async () => {
    expect(await find(answered("", { status: 404 })).profile).toBeUndefined();
  });

  it.each([
    ["no JSON", answered("<html>"), { outcome: "invalid_response", reason: "schema" }],
    ["a refusal", answered("{}", { status: 401 }), { outcome: "rejected", status: 401 }],
  ])("fails with %s", async (_what, answer, upstream) => {
    await expect(find(answer).profile).rejects.toMatchObject({ upstream });
  });

  it("is not begun where there is no time for it", async () => {
    const { profile, requests } = find(answered("{}"), 249);
    await expect(profile).rejects.toMatchObject({ code: "upstream_timeout" });
    expect(requests).toEqual([]);
  });
});

describe("the lookup of a Member's credentials", () => {
  it("asks the partner's endpoint for this user, with its token", async () => {
    const { requests, timeouts } = await run([answered('{"userkey":"key"}')]);
    expect(requests).toEqual([
      {
        method: "POST",
        path: "/mx/credentials",
        headers: {
          authorization: "Bearer token-1",
          "content-type": "application/json",
          accept: "application/json",
        },
        body: '{"user_id":"u-1","issuer":"https://login.example.com","subject":"u-1"}',
      },
    ]);
    expect(timeouts).toEqual([8000]);
  });

  it("does not ask for a caller that has gone", async () => {
    const budget = createBudget({ deadlineMs: 8000 });
    budget.abandon();
    expect((await run([answered('{"userkey":"key"}')], budget)).requests).toEqual([]);
  });

  it.each([
    ['{"userkey":"key"}', { fields: [{ name: "userkey", response: "key" }], expires: false }],
    [
      '{"userkey":"key","expires":true,"more":1}',
      { fields: [{ name: "userkey", response: "key" }], expires: true },
    ],
    [
      '{"login":"ada","password":"p"}',
      {
        fields: [
          { name: "login", response: "ada" },
          { name: "password", response: "p" },
        ],
        expires: true,
      },
    ],
  ])("reads %s", async (text, credentials) => {
    expect((await run([answered(text)])).result).toMatchObject(credentials);
  });

  it.each([
    ['{"userkey":"key"}', undefined, undefined],
    [
      '{"userkey":"key","member_id":"acct-1","profile":{"email":"a@b.co"}}',
      "acct-1",
      { email: "a@b.co" },
    ],
    ['{"login":"ada","password":"p","member_id":null,"profile":null}', null, undefined],
    ['{"userkey":"key","member_id":7,"profile":"x"}', 7, "x"],
  ])("hands on what else is in %s, unchecked", async (text, memberId, profile) => {
    const { result } = await run([answered(text)]);
    expect(result).toHaveProperty("lookedUp", { memberId, profile });
  });

  it.each(["", "null", "[]", "{}", "<html>", '{"userkey":""}', '{"userkey":7}', '{"login":"ada"}'])(
    "cannot use the answer %j",
    async (text) => {
      expect((await run([answered(text)])).result).toMatchObject({ code: "upstream_bad_response" });
    },
  );

  it.each([
    [404, "forbidden", undefined, undefined],
    [400, "upstream_rejected", undefined, "rejected"],
    [401, "upstream_rejected", undefined, "rejected"],
    [302, "upstream_rejected", undefined, "rejected"],
    [204, "upstream_rejected", undefined, "rejected"],
    [429, "upstream_unavailable", 1, "unavailable"],
    [500, "upstream_unavailable", 1, "unavailable"],
    [503, "upstream_unavailable", 1, "unavailable"],
  ])(
    "takes the status %i as %s, and does not ask again",
    async (status, code, seconds, outcome) => {
      const { result, requests } = await run([answered('{"userkey":"canary"}', { status })]);
      expect(result).toMatchObject({
        code,
        reason: outcome ? undefined : "no_credentials",
        upstream: outcome && { operation: "partner.credential_lookup", outcome, status },
      });
      expect(result).toHaveProperty("retryAfterSeconds", seconds);
      expect(JSON.stringify(result) + String(result)).not.toContain("canary");
      expect(requests).toHaveLength(1);
    },
  );

  it.each([
    ["not_sent", "upstream_unavailable", 2],
    ["connection_lost", "upstream_unavailable", 2],
    ["silent", "upstream_timeout", 2],
    ["timeout", "upstream_timeout", 1],
    ["malformed", "upstream_bad_response", 1],
    ["tls_error", "upstream_bad_response", 1],
  ] as const)("takes the failure %s as %s, after %i tries", async (failure, code, tries) => {
    const { result, requests } = await run([failed(failure), failed(failure), failed(failure)]);
    expect(result).toMatchObject({
      code,
      upstream: { operation: "partner.credential_lookup", reason: "econnreset" },
    });
    expect(requests).toHaveLength(tries);
  });

  it("succeeds when the second try does", async () => {
    const { result } = await run([failed("connection_lost"), answered('{"userkey":"key"}')]);
    expect(result).toMatchObject({ fields: [{ response: "key" }] });
  });

  it("takes no longer than the request has left", async () => {
    expect((await run([answered("{}")], frozenBudget(700))).timeouts).toEqual([700]);
  });

  it("is begun with 250 ms left", async () => {
    expect((await run([answered("{}")], frozenBudget(250))).requests).toHaveLength(1);
  });

  it.each([0, 1, 249])("is not begun with %i ms left", async (leftMs) => {
    const { result, requests } = await run([answered("{}")], frozenBudget(leftMs));
    expect(result).toMatchObject({ code: "upstream_timeout" });
    expect(requests).toEqual([]);
  });
});
