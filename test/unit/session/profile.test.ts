import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toProfile } from "../../../src/session/profile.ts";
import type { Profile } from "../../../src/session/types.ts";
import { SEED } from "../fakes.ts";

/** What MX documents for each field. */
const SHAPES: Record<keyof Profile, RegExp> = {
  firstName: /^[^\p{C}]{1,100}$/u,
  lastName: /^[^\p{C}]{1,100}$/u,
  email:
    /^[^\s@]{1,64}@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$/,
  phone: /^\d{10}$/,
  birthdate: /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/,
  sex: /^(MALE|FEMALE)$/,
  zipCode: /^(\d{5}(-\d{4})?|[A-Z]\d[A-Z] \d[A-Z]\d)$/,
};

const postalCode = (postal_code: unknown) => ({ address: { postal_code } });

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
      firstName: "Ada",
      lastName: "Byron",
      email: "ada@example.com",
      phone: "8015550100",
      birthdate: "1990-12-10",
      sex: "FEMALE",
      zipCode: "84043",
    });
  });

  it("is empty without claims", () => {
    expect(toProfile({})).toEqual({});
  });

  it("keeps what is good beside what is not", () => {
    expect(toProfile({ given_name: "Ada", email: "not an address", birthdate: 1990 })).toEqual({
      firstName: "Ada",
    });
  });

  it.each([
    ["a name", { given_name: "Ada" }, { firstName: "Ada" }],
    ["a name with spaces around", { given_name: "  Ada " }, { firstName: "Ada" }],
    ["a name in another script", { family_name: "Ōe 大江" }, { lastName: "Ōe 大江" }],
    ["a name with an apostrophe", { family_name: "O'Neill-Smith" }, { lastName: "O'Neill-Smith" }],
    ["100 characters", { given_name: "x".repeat(100) }, { firstName: "x".repeat(100) }],
    ["a plus address", { email: "ada+mx@example.com" }, { email: "ada+mx@example.com" }],
    ["an address under a subdomain", { email: "a@b.co.uk" }, { email: "a@b.co.uk" }],
    ["ten digits", { phone_number: "8015550100" }, { phone: "8015550100" }],
    ["a number with +1", { phone_number: "+18015550100" }, { phone: "8015550100" }],
    ["a number with dots", { phone_number: "801.555.0100" }, { phone: "8015550100" }],
    ["a leap day", { birthdate: "2000-02-29" }, { birthdate: "2000-02-29" }],
    ["male", { gender: "Male" }, { sex: "MALE" }],
    ["female", { gender: "female" }, { sex: "FEMALE" }],
    ["a ZIP code", postalCode("84043"), { zipCode: "84043" }],
    ["a ZIP code with a leading zero", postalCode("02139"), { zipCode: "02139" }],
    ["ZIP+4", postalCode("84043-1234"), { zipCode: "84043-1234" }],
    ["a Canadian code", postalCode("K1A 0B1"), { zipCode: "K1A 0B1" }],
    ["a Canadian code in lower case", postalCode("k1a 0b1"), { zipCode: "K1A 0B1" }],
    ["a Canadian code without its space", postalCode("K1A0B1"), { zipCode: "K1A 0B1" }],
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
    ["an address of 50 kB", { email: `${"x".repeat(50_000)}@example.com` }],
    ["an address that the issuer has not verified", { email: "a@b.co", email_verified: false }],
    ["a number of another country", { phone_number: "+442071234567" }],
    ["nine digits", { phone_number: "801555010" }],
    ["a number with letters", { phone_number: "1-800-FLOWERS" }],
    ["a bare year", { birthdate: "1990" }],
    ["a year that is not told", { birthdate: "0000-12-10" }],
    ["the 30th of February", { birthdate: "1990-02-30" }],
    ["the 13th month", { birthdate: "1990-13-01" }],
    ["a date in American order", { birthdate: "12/10/1990" }],
    ["a date with a time", { birthdate: "1990-12-10T00:00:00Z" }],
    ["a gender that MX does not know", { gender: "other" }],
    ["a gender that is a number", { gender: 1 }],
    ["a British code", postalCode("SW1A 1AA")],
    ["four digits", postalCode("8404")],
    ["a ZIP code that is a number", postalCode(84043)],
    ["an address that is text", { address: "84043" }],
    ["an address that is null", { address: null }],
  ])("leaves out %s", (_what, claims) => {
    expect(toProfile(claims)).toEqual({});
  });

  it("has MX's shape in every field, whatever claims come", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: "grapheme", maxLength: 120 }),
      fc.emailAddress(),
      fc.stringMatching(/^[+\d ().-]{0,16}$/),
      fc.stringMatching(/^\d{4}-\d{2}-\d{2}$/),
      fc.stringMatching(/^[A-Za-z]\d[A-Za-z] ?\d[A-Za-z]\d$/),
      fc.constantFrom("male", "FEMALE", "84043", "84043-1234"),
    );
    const claim = fc.oneof({ weight: 4, arbitrary: text }, fc.anything());
    const claims = fc.record(
      {
        given_name: claim,
        family_name: claim,
        email: claim,
        email_verified: fc.oneof(fc.boolean(), fc.anything()),
        phone_number: claim,
        birthdate: claim,
        gender: claim,
        address: fc.oneof(fc.record({ postal_code: claim }), claim),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(claims, (given) => {
        for (const [field, value] of Object.entries(toProfile(given)))
          expect(value).toMatch(SHAPES[field as keyof Profile]);
      }),
      { seed: SEED, numRuns: 1500 },
    );
  });
});
