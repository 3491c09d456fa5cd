import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AppError } from "../../../src/errors.ts";
import { createSecret } from "../../../src/secret.ts";
import { toUserId, type UserIdRule } from "../../../src/session/user-id.ts";
import { codePoint } from "../../support/code-point.ts";
import { runsOf } from "../../support/exhaustive.ts";
import { principalOf, SEED } from "../fakes.ts";

const CLAIM: UserIdRule = { mode: "claim", claim: "sub" };
const HMAC: UserIdRule = {
  mode: "hmac",
  claim: "sub",
  secret: createSecret("a secret of more than thirty-two characters"),
};
const CHARSET = /^[A-Za-z0-9_-]{1,128}$/;
const UNUSABLE = expect.objectContaining({ code: "unusable_user_id" });

function idOf(rule: UserIdRule, sub: unknown, issuer = "https://login.example.com"): string {
  return toUserId(rule, { ...principalOf({ sub }), issuer });
}

/** `undefined` where there is none. */
function idOrNothing(rule: UserIdRule, sub: unknown): string | undefined {
  try {
    return idOf(rule, sub);
  } catch (error) {
    if (error instanceof AppError && error.code === "unusable_user_id") return undefined;
    throw error;
  }
}

describe.each([
  ["claim", CLAIM],
  ["hmac", HMAC],
])("a slip of a program, with USER_ID_MODE=%s", (_mode, rule) => {
  it.each([
    "undefined",
    "null",
    "NULL",
    "Null",
    "(null)",
    "<null>",
    "nil",
    "<nil>",
    "None",
    "NaN",
    "nan",
    "true",
    "True",
    "false",
    "FALSE",
    "[object Object]",
    " undefined",
    "null\n",
    "\tNone ",
    "",
    " ",
    "\t\r\n",
    "\u00a0",
    "\u3000",
    "\ufeff",
    "\u200b\u200d",
    "\0",
  ])("refuses %j, which would be the same user for all", (sub) => {
    expect(() => idOf(rule, sub)).toThrow(UNUSABLE);
  });
});

describe("USER_ID_MODE=claim", () => {
  it.each([
    "u-1",
    "8f3a2c",
    "A_b-C",
    "0",
    "-",
    "usr",
    "USR_1",
    "A-USR-1",
    "M-1",
    "INS-1",
    "x".repeat(128),
  ])("takes %j as it is", (sub) => {
    expect(idOf(CLAIM, sub)).toBe(sub);
  });

  it.each([
    ["nothing", ""],
    ["the folder above", ".."],
    ["this folder", "."],
    ["a path upwards", "../../x"],
    ["an encoded path", "%2e%2e"],
    ["a slash", "a/b"],
    ["a backslash", "a\\b"],
    ["a query", "a?k="],
    ["a parameter", "a&c="],
    ["a fragment", "a#b"],
    ["NUL", "a\0b"],
    ["a line break", "a\nb"],
    ["a line break at the end", "u-1\n"],
    ["CR and LF", "a\r\nb"],
    ["an escape sequence", "\u001b[31m"],
    ["a space", "a b"],
    ["a space before", " u-1"],
    ["129 characters", "x".repeat(129)],
    ["an e-mail address", "ada@example.com"],
    ["an Auth0 subject", "auth0|507f1f77"],
    ["a letter beyond ASCII", "adaé"],
    ["a full-width digit", "１"],
    ["a zero-width joiner", "u\u200d1"],
    ["a lone surrogate", "\ud800"],
    ["an MX User guid", "USR-00000000-0000-0000-0000-000000000000"],
    ["an MX User guid in lower case", "usr-1"],
    ["an MX User guid in mixed case", "UsR-1"],
    ["an MX Member guid", "MBR-1"],
    ["an MX Member guid in lower case", "mbr-1"],
    ["an MX Client guid", "CLT-1"],
    ["an MX Client guid in lower case", "clt-1"],
    ["a fraction", 7.5],
    ["an integer that is rounded", 2 ** 53],
    ["a negative integer that is rounded", -(2 ** 53)],
    ["infinity", Number.POSITIVE_INFINITY],
    ["no number", Number.NaN],
    ["a boolean", true],
    ["null itself", null],
    ["an object", { sub: "u-1" }],
    ["an array", ["u-1"]],
    ["no claim", undefined],
  ])("refuses %s", (_what, sub) => {
    expect(() => idOf(CLAIM, sub)).toThrow(UNUSABLE);
  });

  it.each(["missing", "constructor", "__proto__", "toString"])(
    "refuses when the claim %j is not there",
    (claim) => {
      expect(() => toUserId({ mode: "claim", claim }, principalOf({ sub: "u-1" }))).toThrow(
        UNUSABLE,
      );
    },
  );

  it("reads the claim that the operator chose", () => {
    const principal = principalOf({ sub: "auth0|1", customer_id: "c-1" });
    expect(toUserId({ mode: "claim", claim: "customer_id" }, principal)).toBe("c-1");
  });

  it.each([
    [4711, "4711"],
    [0, "0"],
    [-0, "0"],
    [-7, "-7"],
    [Number.MAX_SAFE_INTEGER, "9007199254740991"],
    [Number.MIN_SAFE_INTEGER, "-9007199254740991"],
  ])("takes the integer %d as its decimal text", (sub, id) => {
    expect(idOf(CLAIM, sub)).toBe(id);
    expect(idOf(HMAC, sub)).toBe(idOf(HMAC, id));
  });

  it.each([
    [{ id: 1 }, /must be a string or an integer at the top level/],
    [["u-1"], /must be a string or an integer at the top level/],
    [undefined, /must be a string or an integer at the top level/],
    [2 ** 53, /must be a string or an integer at the top level/],
    ["null", /another claim/],
    [" ", /another claim/],
  ])("advises nothing that would not help with %j", (sub, advice) => {
    for (const rule of [CLAIM, HMAC]) {
      expect(() => idOf(rule, sub)).toThrow(advice);
      expect(() => idOf(rule, sub)).not.toThrow(/hmac/);
    }
  });

  it.each(["auth0|1", "ada@example.com", "USR-1"])("advises the other mode for %j", (sub) => {
    expect(() => idOf(CLAIM, sub)).toThrow(/USER_ID_MODE=hmac/);
  });

  it("gives the claim itself or nothing, for any subject", () => {
    const subject = fc.oneof(
      fc.string({ unit: codePoint, maxLength: 140 }),
      fc.stringMatching(/^[A-Za-z0-9_-]{0,140}$/),
      fc.stringMatching(/^(USR|usr|MBR|Clt)[-_][a-z0-9]{0,4}$/),
      fc
        .array(fc.constantFrom("..", "/", "\\", "%2e", "a", "-", "?", "#", "\0", "\n", "USR-"))
        .map((parts) => parts.join("")),
      fc.anything(),
    );
    fc.assert(
      fc.property(subject, (sub) => {
        const id = idOrNothing(CLAIM, sub);
        if (id === undefined) return;
        expect(id).toBe(String(sub));
        expect(typeof sub).toMatch(/^(string|number)$/);
        expect(id).toMatch(CHARSET);
        expect(id).not.toMatch(/^(usr|mbr|clt)-/i);
      }),
      { seed: SEED, numRuns: runsOf(10_000) },
    );
  });
});

describe("USER_ID_MODE=hmac", () => {
  it("is U- and the base64url of HMAC-SHA256 over issuer, NUL, claim", () => {
    const expected = createHmac("sha256", "a secret of more than thirty-two characters")
      .update("https://login.example.com\0ada@example.com")
      .digest("base64url");
    expect(idOf(HMAC, "ada@example.com")).toBe(`U-${expected}`);
  });

  it("stays the same for ever", () => {
    expect(idOf(HMAC, "auth0|507f1f77")).toBe("U-gYxdySBkVXe7yoxD1aA9bBc3chGzv7lQy5U44Rck7PA");
  });

  it.each(["nobody", "undefined@example.com", "auth0|null", "nonesuch", "x none"])(
    "takes %j, which only looks like a slip",
    (sub) => {
      expect(idOf(HMAC, sub)).toMatch(/^U-/);
    },
  );

  it("keeps equal subjects of two issuers apart", () => {
    expect(idOf(HMAC, "u-1", "https://a.example.com")).not.toBe(
      idOf(HMAC, "u-1", "https://b.example.com"),
    );
  });

  it("keeps issuer and subject apart where one continues the other", () => {
    expect(idOf(HMAC, "bc", "https://a")).not.toBe(idOf(HMAC, "c", "https://ab"));
  });

  it("differs with the secret", () => {
    const other: UserIdRule = { ...HMAC, mode: "hmac", secret: createSecret("y".repeat(43)) };
    expect(idOf(other, "u-1")).not.toBe(idOf(HMAC, "u-1"));
  });

  it.each([
    ["nothing", ""],
    ["a lone high surrogate", "u-\ud800"],
    ["a lone low surrogate", "\udc00"],
    ["an integer that is rounded", 2 ** 53],
    ["null", null],
    ["an object", {}],
    ["no claim", undefined],
  ])("refuses %s", (_what, sub) => {
    expect(() => idOf(HMAC, sub)).toThrow(UNUSABLE);
  });

  it("gives two different principals two ids, and one principal one id", () => {
    const owners = new Map<string, string>();
    const issuer = fc.oneof(fc.webUrl(), fc.stringMatching(/^[\x21-\x7e]{1,20}$/));
    const codeUnit = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code));
    const subject = fc.oneof(
      fc.string({ unit: codePoint, minLength: 1 }),
      fc.string({ unit: codeUnit, minLength: 1, maxLength: 3 }),
      fc.emailAddress(),
    );
    fc.assert(
      fc.property(issuer, subject, (iss, sub) => {
        if (!sub.isWellFormed() || /^[\p{C}\p{Z}]*$/u.test(sub)) {
          expect(() => idOf(HMAC, sub, iss)).toThrow(UNUSABLE);
          return;
        }
        const id = idOf(HMAC, sub, iss);
        const owner = JSON.stringify([iss, sub]);
        expect(id).toMatch(/^U-[A-Za-z0-9_-]{43}$/);
        expect(owners.get(id) ?? owner).toBe(owner);
        expect(idOf(HMAC, sub, iss)).toBe(id);
        owners.set(id, owner);
      }),
      { seed: SEED, numRuns: runsOf(10_000) },
    );
  });
});
