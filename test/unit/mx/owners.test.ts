/** Whom MX's answers name: each field that says so is compared on its own. And the URL, which must be usable. */

import { describe, expect, it } from "vitest";
import type { Send } from "../../../src/mx/call.ts";
import { createMdxMembers } from "../../../src/mx/mdx.ts";
import { createSsoDirectory } from "../../../src/mx/sso-v2.ts";
import { createSsoV3Urls } from "../../../src/mx/sso-v3.ts";
import { answerOf, contextOf, widgetRequest } from "../fakes.ts";

const REFUSED = { code: "upstream_bad_response" };
const RULE = { urlRule: { allowHttp: false, origins: [] } };

const answering =
  (body: object): Send =>
  async ({ operation }) =>
    answerOf("ok", { operation, body });

describe("the User of an SSO API v2 answer", () => {
  it.each(["external_user_guid", "external_guid"])("must be this one, by %s", async (name) => {
    const ask = (userId: string) =>
      createSsoDirectory(answering({ guid: "USR-1", [name]: userId }), RULE).findUser(
        "u-1",
        contextOf(),
      );
    await expect(ask("u-2")).rejects.toMatchObject(REFUSED);
    expect(await ask("u-1")).toMatchObject({ guid: "USR-1" });
  });
});

describe("the Member of an MDX answer", () => {
  it.each([
    ["user_id", "M-u-1", "u-1", "u-2"],
    ["id", "M-u-1", "M-u-1", "M-u-2"],
    ["guid", "MBR-1", "MBR-1", "MBR-2"],
  ])("must be this one, by %s of %s", async (name, memberId, own, other) => {
    const ask = (value: string) =>
      createMdxMembers(answering({ member: { [name]: value } })).findMember(
        { memberId, userId: "u-1" },
        contextOf(),
      );
    await expect(ask(other)).rejects.toMatchObject(REFUSED);
    expect(await ask(own)).toMatchObject({ userId: "u-1" });
  });
});

describe("the URL of an SSO API v3 answer", () => {
  const user = { userId: "u-1", pathId: "u-1", isConfirmed: true, isNew: false };
  const ask = (url: object) =>
    createSsoV3Urls(answering({ url }), RULE).requestWidgetUrl(user, widgetRequest(), contextOf());

  it.each([
    ["is not https", { url: "http://widgets.example.com/x" }],
    ["is missing", {}],
    ["is another user's", { url: "https://widgets.example.com/x", user_id: "u-2" }],
  ])("is refused where it %s", async (_what, url) => {
    await expect(ask(url)).rejects.toMatchObject(REFUSED);
  });

  it("is passed on as it is", async () => {
    const url = "https://widgets.example.com/x?a=%2F";
    expect(await ask({ url, user_id: "u-1" })).toMatchObject({ url });
  });
});
