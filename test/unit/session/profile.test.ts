import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  claimsToProfile,
  fieldsToProfile,
  findProfile,
  PROFILE_FIELDS,
  type ProfileField,
  type ProfileRule,
  type ProfileSource,
} from "../../../src/session/profile.ts";
import type { Claims, LookedUp } from "../../../src/session/types.ts";
import { codePoint } from "../../support/code-point.ts";
import { runsOf } from "../../support/exhaustive.ts";
import { contextOf, frozenBudget, identityOf, principalOf, SEED } from "../fakes.ts";

/** What MX documents for each field. */
const SHAPES: Record<ProfileField, RegExp> = {
  first_name: /^[^\p{C}]{1,100}$/u,
  last_name: /^[^\p{C}]{1,100}$/u,
  email:
    /^[^\s@]{1,64}@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$/,
  phone: /^\d{10}$/,
  birthdate: /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/,
  sex: /^(MALE|FEMALE)$/,
  credit_score: /^[1-9]\d{2}$/,
  zip_code: /^(\d{5}(-\d{4})?|[A-Z]\d[A-Z] \d[A-Z]\d)$/,
};

const ALL: ProfileRule = { fields: [...PROFILE_FIELDS, "metadata"], claims: {} };
/** The eight fields alone, without the Platform API's metadata. */
const EIGHT: ProfileRule = { fields: PROFILE_FIELDS, claims: {} };
const FICO: ProfileRule = { fields: PROFILE_FIELDS, claims: { credit_score: "fico" } };

function toProfile(claims: Claims, rule = EIGHT) {
  return claimsToProfile(rule, claims);
}

/** 60 characters, and labels of at most 63. */
const LONGEST = `${"a".repeat(60)}@${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(62)}.ex`;

const postalCode = (postal_code: unknown) => ({ address: { postal_code } });

const text = fc.oneof(
  fc.string({ unit: codePoint }),
  fc.string({ unit: "grapheme", maxLength: 120 }),
  fc.emailAddress(),
  fc.stringMatching(/^[+\d ().-]{0,16}$/),
  fc.stringMatching(/^\d{4}-\d{2}-\d{2}$/),
  fc.stringMatching(/^[A-Za-z]\d[A-Za-z] ?\d[A-Za-z]\d$/),
  fc.constantFrom("male", "FEMALE", "84043", "84043-1234", "712"),
);
const value = fc.oneof(
  { weight: 4, arbitrary: text },
  { weight: 1, arbitrary: fc.integer({ min: -1000, max: 2000 }) },
  { weight: 1, arbitrary: fc.anything() },
);
const anyClaims = fc.record(
  {
    given_name: value,
    family_name: value,
    email: value,
    email_verified: fc.oneof(fc.boolean(), fc.anything()),
    phone_number: value,
    birthdate: value,
    gender: value,
    fico: value,
    address: fc.oneof(fc.record({ postal_code: value }), value),
  },
  { requiredKeys: [] },
);
const anyFields = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record(Object.fromEntries(PROFILE_FIELDS.map((field) => [field, value])), {
      requiredKeys: [],
    }),
  },
  { weight: 1, arbitrary: fc.anything() },
);

describe("the profile of a new User", () => {
  it("carries every standard claim in MX's words", () => {
    expect(
      toProfile({
        sub: "u-1",
        given_name: "Ada",
        family_name: "Byron",
        email: "ada@example.com",
        email_verified: true,
        phone_number: "+1 (801) 555-0100",
        birthdate: "1990-12-10",
        gender: "female",
        address: { postal_code: "84043", country: "US" },
        locale: "en-US",
      }),
    ).toEqual({
      first_name: "Ada",
      last_name: "Byron",
      email: "ada@example.com",
      phone: "8015550100",
      birthdate: "1990-12-10",
      sex: "FEMALE",
      zip_code: "84043",
    });
  });

  it("is empty without claims", () => {
    expect(toProfile({})).toEqual({});
  });

  it("keeps what is good beside what is not", () => {
    expect(toProfile({ given_name: "Ada", email: "not an address", birthdate: 1990 })).toEqual({
      first_name: "Ada",
    });
  });

  it.each([
    ["a name", { given_name: "Ada" }, { first_name: "Ada" }],
    ["a name with spaces around", { given_name: "  Ada " }, { first_name: "Ada" }],
    ["a name in another script", { family_name: "Ōe 大江" }, { last_name: "Ōe 大江" }],
    ["a name with an apostrophe", { family_name: "O'Neill-Smith" }, { last_name: "O'Neill-Smith" }],
    ["100 characters", { given_name: "x".repeat(100) }, { first_name: "x".repeat(100) }],
    ["a dot in an address", { email: "ada.b@example.com" }, { email: "ada.b@example.com" }],
    ["an address of 254 characters", { email: LONGEST }, { email: LONGEST }],
    ["a plus address", { email: "ada+mx@example.com" }, { email: "ada+mx@example.com" }],
    ["an address under a subdomain", { email: "a@b.co.uk" }, { email: "a@b.co.uk" }],
    ["ten digits", { phone_number: "8015550100" }, { phone: "8015550100" }],
    ["a number with 1", { phone_number: "1 (801) 555-0100" }, { phone: "8015550100" }],
    ["a number with +1", { phone_number: "+18015550100" }, { phone: "8015550100" }],
    ["a number with dots", { phone_number: "801.555.0100" }, { phone: "8015550100" }],
    ["a leap day", { birthdate: "2000-02-29" }, { birthdate: "2000-02-29" }],
    ["male", { gender: "Male" }, { sex: "MALE" }],
    ["female", { gender: "female" }, { sex: "FEMALE" }],
    ["a ZIP code", postalCode("84043"), { zip_code: "84043" }],
    ["a ZIP code with a leading zero", postalCode("02139"), { zip_code: "02139" }],
    ["ZIP+4", postalCode("84043-1234"), { zip_code: "84043-1234" }],
    ["a Canadian code", postalCode("K1A 0B1"), { zip_code: "K1A 0B1" }],
    ["a Canadian code in lower case", postalCode("k1a 0b1"), { zip_code: "K1A 0B1" }],
    ["a Canadian code without its space", postalCode("K1A0B1"), { zip_code: "K1A 0B1" }],
  ])("passes on %s", (_what, claims, profile) => {
    expect(toProfile(claims)).toEqual(profile);
  });

  it.each([
    ["an empty name", { given_name: "" }],
    ["a blank name", { given_name: "   " }],
    ["101 characters", { given_name: "x".repeat(101) }],
    ["a name with a line break", { family_name: "By\nron" }],
    ["a name with NUL", { family_name: "By\0ron" }],
    ["a name turned around by a control character", { family_name: "\u202enoryB" }],
    ["a lone surrogate", { given_name: "A\ud800" }],
    ["a name that is a number", { given_name: 7 }],
    ["an address without @", { email: "ada.example.com" }],
    ["an address without a name", { email: "@example.com" }],
    ["an address without a dot", { email: "ada@localhost" }],
    ["two @", { email: "ada@x@example.com" }],
    ["two dots", { email: "ada..b@example.com" }],
    ["a dot first", { email: ".ada@example.com" }],
    ["a dot last", { email: "ada.@example.com" }],
    ["a label that starts with -", { email: "ada@-example.com" }],
    ["a label that ends with -", { email: "ada@example-.com" }],
    ["an empty label", { email: "ada@example..com" }],
    ["a dot at the end", { email: "ada@example.com." }],
    ["an address with a space", { email: "a da@example.com" }],
    ["an address with a header in it", { email: "ada@example.com\r\nBcc: x@y.z" }],
    ["an address of 255 characters", { email: `x${LONGEST}` }],
    ["two addresses", { email: "ada@example.com@example.com" }],
    ["an address of 50 kB", { email: `${"x".repeat(50_000)}@example.com` }],
    ["an address that the issuer has not verified", { email: "a@b.co", email_verified: false }],
    ["a number of another country", { phone_number: "+442071234567" }],
    ["nine digits", { phone_number: "801555010" }],
    ["eleven digits", { phone_number: "28015550100" }],
    ["twelve digits after 1", { phone_number: "1801555010000" }],
    ["a number with letters", { phone_number: "1-800-FLOWERS" }],
    ["a bare year", { birthdate: "1990" }],
    ["a year that is not told", { birthdate: "0000-12-10" }],
    ["the 30th of February", { birthdate: "1990-02-30" }],
    ["the 13th month", { birthdate: "1990-13-01" }],
    ["a date in American order", { birthdate: "12/10/1990" }],
    ["a date after something", { birthdate: "on 1990-12-10" }],
    ["a year of five digits", { birthdate: "11990-12-10" }],
    ["a date with a time", { birthdate: "1990-12-10T00:00:00Z" }],
    ["a gender that MX does not know", { gender: "other" }],
    ["a gender that is a number", { gender: 1 }],
    ["a British code", postalCode("SW1A 1AA")],
    ["four digits", postalCode("8404")],
    ["six digits", postalCode("840431")],
    ["a ZIP code after something", postalCode("x84043")],
    ["a Canadian code after something", postalCode("xK1A 0B1")],
    ["a Canadian code before something", postalCode("K1A 0B1x")],
    ["a ZIP code that is a number", postalCode(84043)],
    ["an address that is text", { address: "84043" }],
    ["an address that is null", { address: null }],
  ])("leaves out %s", (_what, claims) => {
    expect(toProfile(claims)).toEqual({});
  });

  it.each([
    ["an integer", 712, 712],
    ["digits", "712", 712],
    ["digits with spaces around", " 712 ", 712],
  ])("passes on a credit score that is %s", (_what, fico, credit_score) => {
    expect(toProfile({ fico }, FICO)).toEqual({ credit_score });
  });

  it.each([
    0,
    -712,
    71,
    1712,
    712.5,
    Number.NaN,
    Infinity,
    "7e2",
    "712.0",
    "A+",
    true,
    [712],
    null,
  ])("leaves out the credit score %j", (fico) => {
    expect(toProfile({ fico }, FICO)).toEqual({});
  });

  it.each([
    ["M", "MALE"],
    ["f", "FEMALE"],
    ["FEMALE", "FEMALE"],
  ])("reads the sex %s as %s", (gender, sex) => {
    expect(toProfile({ gender })).toEqual({ sex });
  });

  it("has MX's shape in every field, whatever claims or fields come", () => {
    fc.assert(
      fc.property(anyClaims, anyFields, (claims, fields) => {
        for (const profile of [toProfile(claims, FICO), fieldsToProfile(EIGHT, fields)])
          for (const [field, value] of Object.entries(profile))
            expect(String(value)).toMatch(SHAPES[field as ProfileField]);
      }),
      { seed: SEED, numRuns: runsOf(1500) },
    );
  });
});

describe("PROFILE_FIELDS", () => {
  const ada = {
    given_name: "Ada",
    family_name: "Byron",
    email: "ada@example.com",
    phone_number: "8015550100",
    birthdate: "1990-12-10",
    gender: "female",
    address: { postal_code: "84043" },
    fico: 712,
  };

  it.each<[ProfileRule["fields"], object]>([
    [[], {}],
    [["email"], { email: "ada@example.com" }],
    [["credit_score", "zip_code"], { credit_score: 712, zip_code: "84043" }],
    [["metadata"], {}],
    [["metadata", "email", "birthdate"], { email: "ada@example.com", birthdate: "1990-12-10" }],
    [["metadata", "last_name"], { last_name: "Byron", metadata: '{"last_name":"Byron"}' }],
    [["first_name", "last_name"], { first_name: "Ada", last_name: "Byron" }],
  ])("lets nothing but %j through", (fields, profile) => {
    expect(claimsToProfile({ ...FICO, fields }, ada)).toEqual(profile);
  });

  it("holds for claims and for fields alike, whatever is in them", () => {
    const lists = fc.subarray([...ALL.fields]);
    fc.assert(
      fc.property(lists, anyClaims, anyFields, (list, claims, fields) => {
        const rule = { ...FICO, fields: list };
        for (const profile of [claimsToProfile(rule, claims), fieldsToProfile(rule, fields)]) {
          expect(list).toEqual(expect.arrayContaining(Object.keys(profile)));
          for (const name of Object.keys(JSON.parse(profile.metadata ?? "{}")))
            expect(list).toContain(name);
        }
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});

describe("PROFILE_CLAIMS", () => {
  const from = (name: string, claims: Claims) =>
    claimsToProfile({ fields: PROFILE_FIELDS, claims: { credit_score: name } }, claims);

  it.each<[string, string, Claims]>([
    ["a claim", "fico", { fico: 712 }],
    ["a path", "scores.fico", { scores: { fico: 712 } }],
    ["a deep path", "a.b.c.d", { a: { b: { c: { d: 712 } } } }],
    ["a place in a list", "scores.1", { scores: [1, 712] }],
    [
      "a URL with dots, as Auth0 has them",
      "https://bank.example/fico",
      {
        "https://bank.example/fico": 712,
      },
    ],
    [
      "a claim of exactly that name before a path",
      "scores.fico",
      {
        "scores.fico": 712,
        scores: { fico: 300 },
      },
    ],
  ])("reads %s", (_what, name, claims) => {
    expect(from(name, claims)).toEqual({ credit_score: 712 });
  });

  it.each<[string, string, Claims]>([
    ["that is missing", "fico", {}],
    ["below something that is missing", "scores.fico", {}],
    ["below null", "scores.fico", { scores: null }],
    ["below text", "scores.length", { scores: "x".repeat(712) }],
    ["that is inherited", "scores.constructor.length", { scores: {} }],
    ["behind a prototype", "__proto__.fico", Object.create({ fico: 712 })],
    ["that a prototype has", "fico", Object.create({ fico: 712 })],
    ["at the end of an empty path", ".", { "": 712 }],
  ])("finds nothing %s", (_what, name, claims) => {
    expect(from(name, claims)).toEqual({});
  });

  it("takes the place of the standard claim, and of no other", () => {
    const rule: ProfileRule = { fields: PROFILE_FIELDS, claims: { email: "mail" } };
    const claims = { given_name: "Ada", email: "old@example.com", mail: "ada@example.com" };
    expect(claimsToProfile(rule, claims)).toEqual({ first_name: "Ada", email: "ada@example.com" });
    expect(claimsToProfile(rule, { ...claims, mail: undefined })).toEqual({ first_name: "Ada" });
  });

  it("sends an address of another claim whatever is said about the standard one", () => {
    const rule: ProfileRule = { fields: PROFILE_FIELDS, claims: { email: "mail" } };
    const claims = { email_verified: false, mail: "ada@example.com" };
    expect(claimsToProfile(rule, claims)).toEqual({ email: "ada@example.com" });
  });
});

describe("MX's own names for the fields", () => {
  it("carry all eight, with the same checks", () => {
    const fields = {
      first_name: "Ada",
      last_name: "Byron",
      email: "ada@example.com",
      phone: "+1 801 555 0100",
      birthdate: "1990-12-10",
      sex: "FEMALE",
      credit_score: 712,
      zip_code: "k1a0b1",
      ssn: "078-05-1120",
      metadata: "anything",
    };
    expect(fieldsToProfile(ALL, fields)).toEqual({
      first_name: "Ada",
      last_name: "Byron",
      email: "ada@example.com",
      phone: "8015550100",
      birthdate: "1990-12-10",
      sex: "FEMALE",
      credit_score: 712,
      zip_code: "K1A 0B1",
      metadata: '{"first_name":"Ada","last_name":"Byron"}',
    });
  });

  it.each([undefined, null, "text", 7, [], ["Ada"], true])("may be missing: %j", (fields) => {
    expect(fieldsToProfile(ALL, fields)).toEqual({});
  });
});

describe("PROFILE_SOURCE", () => {
  const OWN = { first_name: "Ada" };
  const failure = new Error("no answer");

  /** The profile, what was asked, and what was reported. */
  async function find(
    source: ProfileSource,
    lookedUp?: LookedUp,
    rule = EIGHT,
    budget = frozenBudget(),
  ) {
    const failures: unknown[] = [];
    const context = {
      ...contextOf(budget),
      profileFailed: (error: unknown) => void failures.push(error),
    };
    const identity = identityOf({ principal: principalOf({ sub: "u-1", given_name: "Ada" }) });
    const profile = await findProfile(
      { rule, source, timeoutMs: 2000 },
      identity,
      lookedUp,
      context,
    );
    return { profile, failures };
  }

  it("claims takes those of the login", async () => {
    expect(await find({ kind: "claims" })).toEqual({ profile: OWN, failures: [] });
  });

  it.each<[string, () => Promise<Claims | undefined>, object]>([
    ["its claims, and none of the login's", async () => ({ family_name: "B" }), { last_name: "B" }],
    ["the login's without a token to ask with", async () => undefined, OWN],
  ])("userinfo gives %s", async (_what, read, profile) => {
    expect(await find({ kind: "userinfo", read })).toEqual({ profile, failures: [] });
  });

  it.each<[string, LookedUp | undefined, unknown, object]>([
    [
      "what it has said already",
      { memberId: 1, profile: { last_name: "B" } },
      failure,
      { last_name: "B" },
    ],
    ["nothing new where it has said nothing", { memberId: 1, profile: undefined }, failure, OWN],
    ["its answer, where it was not asked yet", undefined, { last_name: "B" }, { last_name: "B" }],
    ["the login's claims for an answer without a profile", undefined, undefined, OWN],
  ])("lookup gives %s", async (_what, lookedUp, answer, profile) => {
    const read = async () => {
      if (answer === failure) throw failure;
      return answer;
    };
    expect(await find({ kind: "lookup", read }, lookedUp)).toEqual({ profile, failures: [] });
  });

  it("is asked about this user, for so long", async () => {
    const asked: unknown[] = [];
    const read = async (...about: unknown[]) => void asked.push(about);
    await find({ kind: "userinfo", read });
    await find({ kind: "lookup", read });
    const identity = expect.objectContaining({ userId: "u-1" });
    expect(asked).toEqual([
      [expect.objectContaining({ subject: "u-1" }), 2000],
      [identity, 2000],
    ]);
  });

  it.each([
    [2000, [1750]],
    [500, [250]],
    [499, []],
  ])("is asked with %i ms left for %j ms: the create needs its own", async (leftMs, waits) => {
    for (const kind of ["userinfo", "lookup"] as const) {
      const asked: number[] = [];
      const read = async (_about: unknown, timeoutMs: number) => void asked.push(timeoutMs);
      const told = await find({ kind, read }, undefined, EIGHT, frozenBudget(leftMs));
      expect(asked).toEqual(waits);
      expect(told).toMatchObject({
        profile: OWN,
        failures: waits.length === 0 ? [{ code: "upstream_timeout" }] : [],
      });
    }
  });

  it("is not asked for a caller that has gone", async () => {
    const budget = frozenBudget();
    budget.abandon();
    const asked: unknown[] = [];
    const read = async (about: unknown) => void asked.push(about);
    for (const kind of ["userinfo", "lookup"] as const)
      expect(await find({ kind, read }, undefined, EIGHT, budget)).toMatchObject({ profile: OWN });
    expect(asked).toEqual([]);
  });

  it("is not asked where nothing of it may be sent", async () => {
    const read = () => Promise.reject(failure);
    const none: ProfileRule = { fields: [], claims: {} };
    expect(await find({ kind: "userinfo", read }, undefined, none)).toEqual({
      profile: {},
      failures: [],
    });
  });

  it.each(["userinfo", "lookup"] as const)(
    "%s that fails is reported, and the login's claims are used",
    async (kind) => {
      const source = { kind, read: () => Promise.reject(failure) };
      expect(await find(source)).toEqual({ profile: OWN, failures: [failure] });
    },
  );

  it.each([null, [], ["Ada"], "Ada", 7, true])("lookup cannot say %j", async (profile) => {
    const told = await find({ kind: "lookup", read: async () => profile });
    const upstream = {
      operation: "partner.credential_lookup",
      outcome: "invalid_response",
      reason: "schema",
    };
    expect(told).toMatchObject({
      profile: OWN,
      failures: [{ code: "upstream_bad_response", upstream }],
    });
  });
});
