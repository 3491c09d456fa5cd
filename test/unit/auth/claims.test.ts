import { describe, expect, it } from "vitest";
import { findTenantOfAnswer, toPrincipal, toSeconds } from "../../../src/auth/claims.ts";
import { tenantOf, trustOf } from "../fakes.ts";

const named = (name: string) => ({ tenant: tenantOf({ name }) });
const ofOrg = (value: string | number) => ({ claim: { name: "org", value } });

/** Two tenants of one login with two names, and one with a login of its own. */
const SHARED = ["https://shared.example", "https://shared-2.example"] as const;
const A = trustOf({ ...named("a"), issuers: SHARED, ...ofOrg("a") });
const B = trustOf({ ...named("b"), issuers: SHARED, ...ofOrg(7) });
const C = trustOf({ ...named("c"), issuers: ["https://c.example"] });

const nameFor = (tenants: (typeof A)[], claims: Record<string, unknown>) =>
  findTenantOfAnswer(tenants, claims).tenant.name;

describe("the tenant of an answer of the partner's server", () => {
  it.each<[string, Record<string, unknown>]>([
    ["a", { iss: "https://shared.example", org: "a" }],
    ["a", { iss: "https://shared-2.example", org: "a" }],
    ["b", { iss: "https://shared.example", org: 7 }],
    ["c", { iss: "https://c.example" }],
    ["c", { iss: "https://c.example", org: "a" }],
  ])("is %s with %j", (name, claims) => {
    expect(nameFor([A, B, C], claims)).toBe(name);
  });

  it.each<[string, Record<string, unknown>]>([
    ["claim_iss", { org: "a" }],
    ["claim_iss", { iss: null, org: "a" }],
    ["claim_iss", { iss: "", org: "a" }],
    ["claim_iss", { iss: ["https://c.example"] }],
    ["claim_iss", {}],
    ["unknown_issuer", { iss: "https://c.example/" }],
    ["unknown_issuer", { iss: "https://evil.example", org: "a" }],
    ["no_tenant", { iss: "https://shared.example" }],
    ["no_tenant", { iss: "https://shared.example", org: "7" }],
    ["no_tenant", { iss: "https://shared.example", org: ["a"] }],
  ])("is nobody's, for %s, with %j: never the first one's", (reason, claims) => {
    expect(() => nameFor([A, B, C], claims)).toThrow(expect.objectContaining({ reason }));
  });

  it("needs no iss where all have one login", () => {
    expect(nameFor([A, B], { org: 7 })).toBe("b");
    expect(nameFor([C], {})).toBe("c");
    expect(() => nameFor([A, B], {})).toThrow(expect.objectContaining({ reason: "no_tenant" }));
  });
});

describe("a principal", () => {
  it("is named by the first name of its issuer", () => {
    expect(toPrincipal(A, "u-1", { iss: SHARED[1] }).issuer).toBe(SHARED[0]);
  });
});

describe("a time claim", () => {
  it.each<[unknown, number | undefined]>([
    [1_800_000_000, 1_800_000_000],
    [0.5, 0.5],
    ["1800000000", 1_800_000_000],
    ["1800000000.25", 1_800_000_000.25],
    [null, undefined],
    [undefined, undefined],
  ])("may be %j", (exp, seconds) => {
    expect(toSeconds({ exp }, "exp")).toBe(seconds);
  });

  it.each([
    ["soon"],
    [""],
    ["x1800000000"],
    ["1800000000x"],
    ["1800000000."],
    [" 1800000000"],
    ["-1"],
    ["1e9"],
    ["0x10"],
    ["1".repeat(16)],
    [true],
    [["1800000000"]],
    [{}],
  ])("cannot be %j", (exp) => {
    expect(() => toSeconds({ exp }, "exp")).toThrow(
      expect.objectContaining({ reason: "claim_exp" }),
    );
  });
});
