import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AppError } from "../../../src/errors.ts";
import { createSecret } from "../../../src/secret.ts";
import {
  type CredentialLookup,
  type CredentialRule,
  createMemberIds,
  DEFAULT_TEMPLATE,
  findCredentials,
  isTemplate,
  type MemberIdRule,
} from "../../../src/session/member.ts";
import { contextOf, identityOf, principalOf, SEED } from "../fakes.ts";

const IN_CLAIM: MemberIdRule = { source: "claim", claim: "member" };

function resolve(
  rule: MemberIdRule,
  parts: { userId?: string; claims?: object; lookedUp?: unknown },
) {
  const { userId = "grace", claims = {}, lookedUp } = parts;
  const identity = identityOf({ userId, principal: principalOf({ ...claims }) });
  return createMemberIds(rule).resolve(identity, lookedUp);
}

describe("MEMBER_ID_TEMPLATE", () => {
  const byTemplate = (template: string, userId?: string) =>
    resolve({ source: "template", template }, userId === undefined ? {} : { userId });

  it.each([
    [DEFAULT_TEMPLATE, "M-grace"],
    ["{user_id}", "grace"],
    ["acct-{user_id}", "acct-grace"],
    ["{user_id}_member", "grace_member"],
    ["A{user_id}Z", "AgraceZ"],
  ])("%s gives %s", (template, value) => {
    expect(isTemplate(template)).toBe(true);
    expect(byTemplate(template)).toEqual({ value, isMxGuid: false, provesOwner: true });
  });

  it.each([
    "",
    "M-",
    "M-user_id",
    "{user_id",
    "{USER_ID}",
    "{user_id}{user_id}",
    "M-{user_id}-{user_id}",
    "MBR-{user_id}",
    "mbr-{user_id}",
    "M {user_id}",
    "M/{user_id}",
    "M.{user_id}",
    "é{user_id}",
    `${"x".repeat(513)}{user_id}`,
  ])("%j is none", (template) => {
    expect(isTemplate(template)).toBe(false);
  });

  it("refuses a user whose Member id would look like one of MX's", () => {
    expect(() => byTemplate("MBR{user_id}", "-1")).toThrow(
      expect.objectContaining({ code: "forbidden", reason: "unusable_member_id" }),
    );
    expect(() => byTemplate("m{user_id}", "br-1")).toThrow("MEMBER_ID_TEMPLATE");
  });

  it("never gives two users one id, and takes nothing in an id for a pattern", () => {
    const part = fc.stringMatching(/^[A-Za-z0-9_-]{0,6}$/);
    const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,8}$/);
    fc.assert(
      fc.property(part, part, id, id, (before, after, one, other) => {
        const template = `${before}{user_id}${after}`;
        fc.pre(isTemplate(template) && one !== other);
        fc.pre(![one, other].some((userId) => /^MBR-/i.test(`${before}${userId}${after}`)));
        expect(byTemplate(template, one).value).toBe(`${before}${one}${after}`);
        expect(byTemplate(template, one).value).not.toBe(byTemplate(template, other).value);
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});

describe("MEMBER_ID_CLAIM", () => {
  const byClaim = (member: unknown, userId?: string) =>
    resolve(IN_CLAIM, { claims: { member }, ...(userId !== undefined && { userId }) });

  it.each(["acct-grace", "a", "x".repeat(1024), "_-_"])("takes %j as it is", (member) => {
    expect(byClaim(member)).toMatchObject({ value: member, isMxGuid: false });
  });

  it.each([
    undefined,
    null,
    "",
    7,
    ["acct-grace"],
    {},
    "x".repeat(1025),
    "acct grace",
    "acct/grace",
    "..",
    "acct.grace",
    "acct-grace\n",
    "äcct",
    "MBR-1",
    "mbr-1",
  ])("refuses %j, without repeating it", (member) => {
    expect(() => byClaim(member)).toThrow(
      expect.objectContaining({
        code: "forbidden",
        message: expect.stringContaining("MEMBER_ID_CLAIM"),
      }),
    );
  });

  it.each([
    ["acct-grace", "grace", true],
    ["grace", "grace", true],
    ["grace_2", "grace", true],
    ["M-U-1_grace", "U-1_grace", true],
    ["acct-77", "grace", false],
    ["acct-12", "1", false],
    ["gracehopper", "grace", false],
    ["acct-a_b", "a-b", false],
    ["acct-GRACE", "grace", false],
  ])("%s shows by itself that it is %s's: %s", (member, userId, provesOwner) => {
    expect(byClaim(member, userId).provesOwner).toBe(provesOwner);
  });
});

describe("`member_id` of the lookup", () => {
  const byLookup = (lookedUp: unknown) =>
    resolve({ source: "lookup", template: DEFAULT_TEMPLATE }, { lookedUp });

  it("may be the partner's own id", () => {
    expect(byLookup("acct-77")).toEqual({ value: "acct-77", isMxGuid: false, provesOwner: true });
  });

  it("may be MX's guid, which is never created", () => {
    expect(byLookup("MBR-7c6f361b")).toMatchObject({ value: "MBR-7c6f361b", isMxGuid: true });
  });

  it.each([undefined, null])("may be missing (%s): the template holds", (lookedUp) => {
    expect(byLookup(lookedUp).value).toBe("M-grace");
  });

  it.each(["", 7, true, {}, [], "a b", "../x", "x".repeat(1025)])("cannot be %j", (lookedUp) => {
    expect(() => byLookup(lookedUp)).toThrow(
      expect.objectContaining({ code: "upstream_bad_response" }),
    );
  });

  it("is waited for, until an answer comes without one, and again when one has come", () => {
    const ids = createMemberIds({ source: "lookup", template: DEFAULT_TEMPLATE });
    const identity = identityOf({ userId: "grace" });
    expect(ids.expected(identity)).toBeUndefined();
    ids.resolve(identity, undefined);
    expect(ids.expected(identity)?.value).toBe("M-grace");
    ids.resolve(identity, "acct-77");
    expect(ids.expected(identity)).toBeUndefined();
  });

  it.each<MemberIdRule>([{ source: "template", template: DEFAULT_TEMPLATE }, IN_CLAIM])(
    "must not contradict another rule: %j",
    (rule) => {
      const claims = { member: "M-grace" };
      expect(resolve(rule, { claims, lookedUp: "M-grace" }).value).toBe("M-grace");
      expect(() => resolve(rule, { claims, lookedUp: "acct-77" })).toThrow(
        expect.objectContaining({
          code: "upstream_bad_response",
          upstream: expect.objectContaining({ reason: "member_id_conflict" }),
        }),
      );
    },
  );
});

const SECRET = "another secret of at least thirty-two characters";

async function find(rule: CredentialRule, identity = identityOf()) {
  return findCredentials(rule, identity, contextOf());
}

describe("MEMBER_CREDENTIALS=none", () => {
  it("has no fields", async () => {
    expect(await find({ source: "none" })).toEqual({ fields: [], expires: false });
  });
});

describe("MEMBER_CREDENTIALS=claim", () => {
  const withClaim = (userkey: unknown) => identityOf({ principal: principalOf({ userkey }) });

  it.each([true, false])(
    "takes the userkey from the verified claim (expires: %s)",
    async (expires) => {
      const rule: CredentialRule = { source: "claim", claim: "userkey", expires };
      expect(await find(rule, withClaim("key & more"))).toEqual({
        fields: [{ name: "userkey", response: "key & more" }],
        expires,
      });
    },
  );

  it("takes a claim of 4096 characters", async () => {
    const rule: CredentialRule = { source: "claim", claim: "userkey", expires: false };
    expect(await find(rule, withClaim("x".repeat(4096)))).toMatchObject({ expires: false });
  });

  it.each([
    ["missing", undefined],
    ["empty", ""],
    ["a number", 7],
    ["null", null],
    ["an object", { userkey: "x" }],
    ["longer than 4096 characters", "x".repeat(4097)],
  ])("refuses a claim that is %s, without repeating it", async (_what, userkey) => {
    const rule: CredentialRule = { source: "claim", claim: "userkey", expires: false };
    await expect(find(rule, withClaim(userkey))).rejects.toMatchObject({
      code: "forbidden",
      message: expect.stringContaining("MEMBER_USERKEY_CLAIM"),
    });
  });
});

describe("MEMBER_CREDENTIALS=derived", () => {
  const rule: CredentialRule = { source: "derived", secret: createSecret(SECRET) };

  it("is base64url of HMAC-SHA256 over the user id, and permanent", async () => {
    const userkey = createHmac("sha256", SECRET).update("u-1").digest("base64url");
    expect(await find(rule)).toEqual({
      fields: [{ name: "userkey", response: userkey }],
      expires: false,
    });
  });

  it("stays the same for ever", async () => {
    const { fields } = await find(rule);
    expect(fields[0]?.response).toBe("RnJmiIYrq01JbsQb0p8sqHW5dybKLdsyvC91Y54IIlc");
  });

  it("is different for each user", async () => {
    const [one, two] = await Promise.all([find(rule), find(rule, identityOf({ userId: "u-2" }))]);
    expect(one.fields[0]?.response).not.toBe(two.fields[0]?.response);
  });
});

describe("MEMBER_CREDENTIALS=lookup", () => {
  it("asks the partner for this identity, within this request's budget", async () => {
    const credentials = {
      fields: [
        { name: "login", response: "ada" },
        { name: "password", response: "p" },
      ],
      expires: true,
    } as const;
    const asked: unknown[] = [];
    const lookup: CredentialLookup = async (...args) => {
      asked.push(...args);
      return credentials;
    };
    const identity = identityOf();
    const context = contextOf();

    expect(await findCredentials({ source: "lookup", lookup }, identity, context)).toBe(
      credentials,
    );
    expect(asked).toEqual([identity, context]);
  });

  it("passes on what the lookup says is wrong", async () => {
    const failure = new AppError("upstream_timeout", "The partner did not answer.");
    const lookup: CredentialLookup = () => Promise.reject(failure);
    await expect(find({ source: "lookup", lookup })).rejects.toBe(failure);
  });
});
