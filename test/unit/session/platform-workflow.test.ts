import { describe, expect, it } from "vitest";
import { AppError } from "../../../src/errors.ts";
import { openByPlatform } from "../../../src/session/platform-workflow.ts";
import type { PlatformUser, WidgetUrl } from "../../../src/session/types.ts";
import { contextOf, identityOf, platformOf, widgetUrl } from "../fakes.ts";

const KNOWN: PlatformUser = { userId: "u-1", pathId: "u-1", isNew: false };
const CREATED: PlatformUser = { userId: "u-1", pathId: "u-1", isNew: true };

/** Runs it against a fake MX that gives these URLs one after the other, and tells the calls. */
async function run(
  known: PlatformUser | undefined,
  urls: (WidgetUrl | undefined)[],
  { fail = "", options = {} } = {},
) {
  const calls: unknown[] = [];
  async function call<T>(name: string, about: unknown, result: T): Promise<T> {
    calls.push([name, about]);
    if (name === fail) throw new AppError("upstream_timeout", name);
    return result;
  }
  const platform = platformOf({
    findUser: (userId) => call("find", userId, known),
    createUser: ({ userId }) => call("create", userId, CREATED),
    requestWidgetUrl: (user) => call("url", user, urls.shift()),
  });
  const request = { widgetType: "connect_widget", options };
  const opening = openByPlatform(platform, identityOf(), request, contextOf());
  return { result: await opening.catch((error: unknown) => error), calls };
}

describe("MXconnect with the Platform API", () => {
  it("asks for the URL of a known user straight away", async () => {
    const url = widgetUrl();
    expect(await run(KNOWN, [url])).toEqual({
      result: url,
      calls: [
        ["find", "u-1"],
        ["url", KNOWN],
      ],
    });
  });

  it("creates the user when MX does not know it, and asks again", async () => {
    const url = widgetUrl();
    expect(await run(KNOWN, [undefined, url])).toEqual({
      result: url,
      calls: [
        ["find", "u-1"],
        ["url", KNOWN],
        ["create", "u-1"],
        ["url", CREATED],
      ],
    });
  });

  it("creates the user at once when it is not in MX's list (v20111101)", async () => {
    const url = widgetUrl();
    expect(await run(undefined, [url])).toEqual({
      result: url,
      calls: [
        ["find", "u-1"],
        ["create", "u-1"],
        ["url", CREATED],
      ],
    });
  });

  it("asks to try again when MX does not know the user that it has just made", async () => {
    const { result, calls } = await run(KNOWN, [undefined, undefined]);
    expect(result).toMatchObject({
      code: "upstream_unavailable",
      retryAfterSeconds: 1,
      upstream: { outcome: "not_found", reason: "not_yet_propagated" },
    });
    expect(calls).toHaveLength(4);
  });

  it("suspects the options that name something, when MX does not know the user that it has just made", async () => {
    const options = { current_member_guid: "MBR-canary", color_scheme: "dark" };
    const { result } = await run(KNOWN, [undefined, undefined], { options });
    expect(result).toMatchObject({
      code: "invalid_request",
      errors: [{ pointer: "/widget_url/current_member_guid" }],
    });
    expect(JSON.stringify(result) + String(result)).not.toContain("canary");
  });

  it.each([
    ["find", 1],
    ["url", 2],
    ["create", 3],
  ])("ends with the failure of %s, after %i calls", async (step, count) => {
    const { result, calls } = await run(KNOWN, [undefined], { fail: step });
    expect(result).toMatchObject({ code: "upstream_timeout", message: step });
    expect(calls).toHaveLength(count);
  });
});
