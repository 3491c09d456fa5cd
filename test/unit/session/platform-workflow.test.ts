import { describe, expect, it } from "vitest";
import { AppError } from "../../../src/errors.ts";
import { openByPlatform } from "../../../src/session/platform-workflow.ts";
import type { PlatformUser, WidgetUrl } from "../../../src/session/types.ts";
import { contextOf, identityOf, platformOf, widgetUrl } from "../fakes.ts";

const KNOWN: PlatformUser = {
  userId: "u-1",
  pathId: "u-1",
  isConfirmed: false,
  isDisabled: false,
  isNew: false,
};
const CREATED: PlatformUser = {
  userId: "u-1",
  pathId: "u-1",
  isConfirmed: true,
  isDisabled: false,
  isNew: true,
};

const DISABLED = { code: "user_disabled" };

type RunOptions = {
  fail?: string;
  options?: Record<string, unknown>;
  /** Default: the caller chose all of them. */
  callerOptions?: string[];
  created?: PlatformUser;
  /** What MX says when it is asked about the user. */
  confirmed?: PlatformUser;
};

/** Runs it against a fake MX that gives these URLs one after the other, and tells the calls. */
async function run(
  known: PlatformUser | undefined,
  urls: (WidgetUrl | undefined)[],
  { fail = "", options = {}, confirmed, created = CREATED, ...rest }: RunOptions = {},
) {
  const calls: unknown[] = [];
  async function call<T>(name: string, about: unknown, result: T): Promise<T> {
    calls.push([name, about]);
    if (name === fail) throw new AppError("upstream_timeout", name);
    return result;
  }
  const platform = platformOf({
    urlOperation: "sso_v3.request_widget_url",
    findUser: (userId) => call("find", userId, known),
    readUser: (userId) => call("confirm", userId, confirmed),
    createUser: ({ userId }) => call("create", userId, created),
    requestWidgetUrl: (user) => call("url", user, urls.shift()),
  });
  const { callerOptions = Object.keys(options) } = rest;
  const request = { widgetType: "connect_widget", options, callerOptions };
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
      upstream: {
        operation: "sso_v3.request_widget_url",
        outcome: "not_found",
        reason: "not_yet_propagated",
      },
    });
    expect(calls).toHaveLength(4);
  });

  it("suspects the options that name something, when MX does not know the user that it has just made", async () => {
    const options = { current_member_guid: "MBR-canary", color_scheme: "dark" };
    const { result } = await run(KNOWN, [undefined, undefined], { options });
    expect(result).toMatchObject({
      code: "invalid_request",
      message: "MX does not know what current_member_guid names for this user.",
      errors: [{ pointer: "/widget_url/current_member_guid" }],
    });
    expect(JSON.stringify(result) + String(result)).not.toContain("canary");
  });

  describe("when an option names something at MX and MX says 404", () => {
    const options = { current_member_guid: "MBR-1" };
    const CONFIRMED: PlatformUser = { ...KNOWN, isConfirmed: true };
    const steps = (calls: unknown[]) => calls.map((call) => Array.isArray(call) && call[0]);

    it("blames the option of a user that MX has just named", async () => {
      const { result, calls } = await run(CONFIRMED, [undefined], { options });
      expect(result).toMatchObject({ code: "invalid_request" });
      expect(steps(calls)).toEqual(["find", "url"]);
    });

    it("asks about a user that MX has not named yet, and then once more for the URL", async () => {
      const { result, calls } = await run(KNOWN, [undefined, undefined], {
        options,
        confirmed: CONFIRMED,
      });
      expect(result).toMatchObject({ code: "invalid_request" });
      expect(steps(calls)).toEqual(["find", "url", "confirm", "url"]);
    });

    it("opens the session of a user that showed late", async () => {
      const url = widgetUrl();
      const { result } = await run(KNOWN, [undefined, url], { options, confirmed: CONFIRMED });
      expect(result).toBe(url);
    });

    it("creates a user that MX does not have", async () => {
      const url = widgetUrl();
      const { result, calls } = await run(KNOWN, [undefined, url], { options });
      expect(result).toBe(url);
      expect(steps(calls)).toEqual(["find", "url", "confirm", "create", "url"]);
    });
  });

  it("blames the operator for an option that the caller did not choose", async () => {
    const options = { current_member_guid: "MBR-1" };
    const confirmed = { ...KNOWN, isConfirmed: true };
    const { result } = await run(confirmed, [undefined], { options, callerOptions: [] });
    expect(result).toMatchObject({
      code: "upstream_rejected",
      upstream: {
        operation: "sso_v3.request_widget_url",
        outcome: "not_found",
        reason: "unknown_reference",
      },
    });
  });

  it("blames the widget where the user that it was to create was there", async () => {
    const created = { ...CREATED, wasThere: true };
    const { result } = await run(KNOWN, [undefined, undefined], { created });
    expect(result).toMatchObject({
      code: "invalid_request",
      errors: [{ pointer: "/widget_url/widget_type" }],
    });
  });

  it.each<[string, PlatformUser | undefined, RunOptions, number]>([
    ["before it asks for a URL", { ...KNOWN, isDisabled: true }, {}, 1],
    ["that was there after all", undefined, { created: { ...CREATED, isDisabled: true } }, 2],
    [
      "that is confirmed late",
      KNOWN,
      { options: { insight_guid: "BET-1" }, confirmed: { ...KNOWN, isDisabled: true } },
      3,
    ],
  ])("refuses a disabled user %s", async (_what, known, options, count) => {
    const { result, calls } = await run(known, known ? [undefined] : [], options);
    expect(result).toMatchObject(DISABLED);
    expect(calls).toHaveLength(count);
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
