import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { AppError } from "../../../src/errors.ts";
import { createSecret } from "../../../src/secret.ts";
import {
  type CredentialLookup,
  type CredentialRule,
  findCredentials,
} from "../../../src/session/credentials.ts";
import { contextOf, identityOf, principalOf } from "../fakes.ts";

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
