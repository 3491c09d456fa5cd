import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AppError } from "../../../src/errors.ts";
import { openBySso } from "../../../src/session/member-workflow.ts";
import type {
  Member,
  MemberCreation,
  MemberUpdate,
  PlatformPath,
  SsoUser,
} from "../../../src/session/types.ts";
import {
  contextOf,
  directoryOf,
  identityOf,
  platformOf,
  principalOf,
  settle,
  ssoUserOf,
  tenantOf,
  widgetRequest,
  widgetUrl,
} from "../fakes.ts";

const NEW_USER = ssoUserOf({
  guid: "USR-NEW",
  isNew: true,
  widgetUrls: new Map([["master_widget", widgetUrl("new", "master_widget")]]),
});
/** What every login begins with, all at once. */
const START = ["credentials", "read user", "read member"];
const PLATFORM_URL = widgetUrl("platform", "connect_widget");

type Mx = {
  /** What the read of the User gives. */
  user?: SsoUser | undefined;
  member?: Member | undefined;
  creation?: MemberCreation;
  /** One after the other. */
  updates?: MemberUpdate[];
  expires?: boolean;
  /** The Platform API is configured too, and answers this. */
  platform?: { url: ReturnType<typeof widgetUrl> | undefined };
  /** These calls fail. */
  fail?: string[];
};

/** Runs the workflow against a fake MX, and tells which call began and ended when. */
async function run(mx: Mx, { isRestart = false, type = "master_widget" } = {}) {
  const { user, member, creation = "created", expires = false, platform, fail = [] } = mx;
  const updates = [...(mx.updates ?? ["updated"])];
  const events: string[] = [];
  const asked: PlatformPath[] = [];

  async function call<T>(name: string, result: T): Promise<T> {
    events.push(`> ${name}`);
    await Promise.resolve();
    events.push(`< ${name}`);
    if (fail.includes(name)) throw new AppError("upstream_unavailable", `${name} failed`);
    return result;
  }

  const directory = directoryOf({
    findUser: () => call("read user", user),
    createUser: () => call("create user", NEW_USER),
    findMember: () => call("read member", member),
    createMember: () => call("create member", creation),
    updateMember: () => call("update member", updates.shift() ?? "updated"),
  });
  const tenant = tenantOf({
    findCredentials: () =>
      call("credentials", { fields: [{ name: "userkey", response: "key-1" }], expires }),
  });
  const outcome = openBySso(
    platform
      ? {
          kind: "both",
          directory,
          platform: platformOf({
            requestWidgetUrl(asking) {
              asked.push(asking);
              return call("widget url", platform.url);
            },
          }),
        }
      : { kind: "sso", directory },
    identityOf({ principal: principalOf({ sub: "u-1" }, tenant) }),
    widgetRequest(type),
    { isRestart },
    contextOf(),
  );
  const result = await outcome.catch((error: unknown) => error);
  await settle();
  const calls = events.filter((event) => event.startsWith(">")).map((event) => event.slice(2));
  return { result, calls, events, asked };
}

describe("MX's guide", () => {
  const known = ssoUserOf();
  const member = { userGuid: "USR-1" };

  it.each<[string, Mx, string[], string]>([
    [
      "a returning user with permanent credentials: two reads",
      { user: known, member },
      [...START],
      "sso",
    ],
    [
      "a returning user with expiring credentials: and an update",
      { user: known, member, expires: true },
      [...START, "update member"],
      "sso",
    ],
    ["a first login: both are created", {}, [...START, "create user", "create member"], "new"],
    [
      "a first login with expiring credentials: a new Member needs no update",
      { expires: true },
      [...START, "create user", "create member"],
      "new",
    ],
    [
      "a first login that stopped halfway: the Member is created",
      { user: known },
      [...START, "create member"],
      "sso",
    ],
    [
      "a Member that outlived its User proves nothing: it is created again",
      { member: { userGuid: "USR-OLD" } },
      [...START, "create user", "create member"],
      "new",
    ],
    [
      "another login was faster: its Member is enough",
      { user: known, creation: { userGuid: "USR-1" } },
      [...START, "create member"],
      "sso",
    ],
    [
      "another login was faster and may have older credentials: an update",
      { user: known, creation: { userGuid: "USR-1" }, expires: true },
      [...START, "create member", "update member"],
      "sso",
    ],
    [
      "the Member vanished before its update: it is created",
      { user: known, member, expires: true, updates: ["no_member"] },
      [...START, "update member", "create member"],
      "sso",
    ],
  ])("%s", async (_what, mx, calls, url) => {
    const ran = await run(mx);
    expect(ran.calls).toEqual(calls);
    expect(ran.result).toMatchObject({ url: `https://widgets.example.com/${url}` });
  });

  it.each<[string, Mx]>([
    ["the User vanished before its Member was made", { user: known, creation: "no_user" }],
    [
      "the Member of a faster login vanished before its update",
      { user: known, creation: { userGuid: "USR-1" }, expires: true, updates: ["no_member"] },
    ],
  ])("begins again when %s", async (_what, mx) => {
    expect((await run(mx)).result).toBeUndefined();
  });

  it("names the owner of the Member in every write", async () => {
    const owned: unknown[] = [];
    const directory = directoryOf({
      findUser: async () => known,
      findMember: async () => member,
      async updateMember(each) {
        owned.push(each);
        return "no_member";
      },
      async createMember(each) {
        owned.push(each);
        return "created";
      },
    });
    const tenant = tenantOf({ findCredentials: () => ({ fields: [], expires: true }) });
    await openBySso(
      { kind: "sso", directory },
      identityOf({ principal: principalOf({ sub: "u-1" }, tenant) }),
      widgetRequest("master_widget"),
      { isRestart: false },
      contextOf(),
    );
    const owner = { memberId: "M-u-1", userId: "u-1", userGuid: "USR-1" };
    expect(owned).toEqual([expect.objectContaining(owner), expect.objectContaining(owner)]);
  });
});

describe("what runs beside what", () => {
  const known = ssoUserOf();

  it("both reads and the credentials, for one round trip", async () => {
    const { events } = await run({ user: known, member: { userGuid: "USR-1" } });
    expect(events.slice(0, 3)).toEqual(START.map((step) => `> ${step}`));
  });

  it("the User is there before its Member is made", async () => {
    const { events } = await run({});
    expect(events.indexOf("< create user")).toBeLessThan(events.indexOf("> create member"));
  });

  it.each<[string, Mx, string]>([
    ["the Member create", {}, "create member"],
    ["the update", { user: known, member: { userGuid: "USR-1" }, expires: true }, "update member"],
  ])("%s and the request for the URL, with both APIs", async (_what, mx, step) => {
    const { events } = await run({ ...mx, platform: { url: PLATFORM_URL } });
    expect(events.slice(-4)).toEqual([`> ${step}`, "> widget url", `< ${step}`, "< widget url"]);
  });
});

describe("the URL", () => {
  const known = ssoUserOf();
  const member = { userGuid: "USR-1" };

  it("is that of this run's own User answer, for the type that was asked for", async () => {
    const accounts = widgetUrl("accounts", "accounts_widget");
    const user = ssoUserOf({ widgetUrls: new Map([["accounts_widget", accounts]]) });
    expect((await run({ user, member }, { type: "accounts_widget" })).result).toBe(accounts);
  });

  it("is never that of another type", async () => {
    expect((await run({ user: known, member }, { type: "accounts_widget" })).result).toMatchObject({
      code: "upstream_bad_response",
      upstream: { reason: "no_widget_url" },
    });
  });

  it("comes from the Platform API with the guid of the User, where both are configured", async () => {
    const { result, asked } = await run({ user: known, member, platform: { url: PLATFORM_URL } });
    expect(result).toBe(PLATFORM_URL);
    expect(asked).toEqual([{ userId: "u-1", pathId: "USR-1", isConfirmed: true, isNew: false }]);
  });

  it("is waited for where the User was made a moment ago", async () => {
    const { asked } = await run({ platform: { url: PLATFORM_URL } });
    expect(asked).toEqual([{ userId: "u-1", pathId: "USR-NEW", isConfirmed: true, isNew: true }]);
  });

  it("is waited for in the second pass, for another replica may have made the User", async () => {
    const mx: Mx = { user: known, member, platform: { url: PLATFORM_URL } };
    const { asked } = await run(mx, { isRestart: true });
    expect(asked).toEqual([{ userId: "u-1", pathId: "USR-1", isConfirmed: true, isNew: true }]);
  });

  it("is missing where the Platform API does not know the User: the workflow begins again", async () => {
    expect(
      (await run({ user: known, member, platform: { url: undefined } })).result,
    ).toBeUndefined();
  });

  it("is not handed out when the User vanished under the Member create", async () => {
    const mx: Mx = { user: known, creation: "no_user", platform: { url: PLATFORM_URL } };
    expect((await run(mx)).result).toBeUndefined();
  });
});

describe("a Member of another user", () => {
  it("ends it before anything is changed or handed out", async () => {
    const { result, calls } = await run({
      user: ssoUserOf(),
      member: { userGuid: "USR-2" },
      expires: true,
      platform: { url: PLATFORM_URL },
    });
    expect(result).toMatchObject({
      code: "upstream_bad_response",
      upstream: { operation: "sso.read_member", reason: "other_user" },
    });
    expect(calls).toEqual([...START]);
  });

  it("is not suspected where MX names no owner", async () => {
    const { result } = await run({ user: ssoUserOf(), member: { userGuid: undefined } });
    expect(result).toHaveProperty("url");
  });
});

describe("a step that fails", () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => void unhandled.push(reason);
  beforeEach(() => void process.on("unhandledRejection", note));
  afterEach(() => {
    process.off("unhandledRejection", note);
    unhandled.length = 0;
  });

  it.each<[string, Mx, string[]]>([
    ["read user", {}, [...START]],
    ["read member", {}, [...START]],
    ["credentials", {}, [...START]],
    ["create user", {}, [...START, "create user"]],
    ["create member", {}, [...START, "create user", "create member"]],
    [
      "update member",
      { user: ssoUserOf(), member: { userGuid: "USR-1" }, expires: true },
      [...START, "update member"],
    ],
    [
      "widget url",
      { user: ssoUserOf(), member: { userGuid: "USR-1" }, platform: { url: PLATFORM_URL } },
      [...START, "widget url"],
    ],
  ])("(%s) ends the workflow, and no URL is handed out", async (step, mx, calls) => {
    const ran = await run({ ...mx, fail: [step] });
    expect(ran.result).toMatchObject({ code: "upstream_unavailable", message: `${step} failed` });
    expect(ran.calls).toEqual(calls);
  });

  it("before MX is called, such as a claim that is missing, calls nobody", async () => {
    const failure = new AppError("forbidden", "no userkey");
    const tenant = tenantOf({
      findCredentials() {
        throw failure;
      },
    });
    const opening = openBySso(
      { kind: "sso", directory: directoryOf() },
      identityOf({ principal: principalOf({ sub: "u-1" }, tenant) }),
      widgetRequest("master_widget"),
      { isRestart: false },
      contextOf(),
    );
    await expect(opening).rejects.toBe(failure);
  });

  it("beside another one that fails too is no unhandled rejection", async () => {
    const user = ssoUserOf({ widgetUrls: new Map() });
    const { result } = await run({ user, fail: ["create member"] });
    await new Promise((resolve) => setImmediate(resolve));
    expect(result).toBeInstanceOf(AppError);
    expect(unhandled).toEqual([]);
  });
});
