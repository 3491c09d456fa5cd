import { describe, expect, it } from "vitest";
import type { Send } from "../../../src/mx/call.ts";
import { createPlatform } from "../../../src/mx/platform.ts";
import { answerOf, contextOf } from "../fakes.ts";

const REQUEST = { widgetType: "connect_widget", options: {}, callerOptions: [] };
const URL_OF_MX = "https://widgets.example.com/x";

const platformAnswering = (body: object, version: "v20250224" | "v20111101" = "v20111101") => {
  const send: Send = async ({ operation }) => answerOf("ok", { operation, body });
  return createPlatform(send, { version, urlRule: { allowHttp: false, origins: [] } });
};

describe("the users that MX lists", () => {
  it.each([
    ["first", ["u-1", "u-2", "u-3"]],
    ["last", ["u-3", "u-2", "u-1"]],
  ])("only the one with this very id counts, even if it is the %s", async (_place, ids) => {
    const platform = platformAnswering({ users: ids.map((id) => ({ id, guid: `USR-${id}` })) });
    expect(await platform.findUser("u-1", contextOf())).toMatchObject({ pathId: "USR-u-1" });
  });

  it.each([["U-1"], ["u-1 "], ["u-10"], [null]])("one called %j is somebody else", async (id) => {
    const platform = platformAnswering({ users: [{ id, guid: "USR-2" }] });
    expect(await platform.findUser("u-1", contextOf())).toBeUndefined();
  });
});

describe("the owner that an answer with a widget URL names", () => {
  const user = { userId: "u-1", pathId: "USR-1", isConfirmed: true, isNew: false };
  const ask = (named: object) =>
    platformAnswering({ widget_url: { url: URL_OF_MX, ...named } }).requestWidgetUrl(
      user,
      REQUEST,
      contextOf(),
    );

  it.each(["guid", "user_guid"])("must be this one, by %s", async (name) => {
    await expect(ask({ [name]: "USR-2" })).rejects.toMatchObject({ code: "upstream_bad_response" });
    expect(await ask({ [name]: "USR-1" })).toMatchObject({ url: URL_OF_MX });
  });

  it.each(["user_id", "external_user_guid"])("must be this one, by %s", async (name) => {
    await expect(ask({ [name]: "u-2" })).rejects.toMatchObject({ code: "upstream_bad_response" });
    expect(await ask({ [name]: "u-1" })).toMatchObject({ url: URL_OF_MX });
  });
});
