import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AppError } from "../../../src/errors.ts";
import { openByMdx, openBySso } from "../../../src/session/member-workflow.ts";
import type {
  Member,
  MemberCreation,
  MemberUpdate,
  PlatformPath,
  PlatformUser,
  SessionEvent,
  SsoUser,
  Tenant,
  WidgetRequest,
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
  /** The User that a create gives. */
  created?: SsoUser;
  request?: Partial<WidgetRequest>;
  /** These calls fail. */
  fail?: string[];
  /** What the tenant says of its id. Default: it is the partner's own, and says whose it is. */
  memberId?: { isMxGuid?: boolean; provesOwner?: boolean };
};

/** Runs the workflow against a fake MX, and tells which call began and ended when. */
async function run(mx: Mx, { isRestart = false, type = "master_widget" } = {}) {
  const { user, member, creation = "created", expires = false, platform, fail = [] } = mx;
  const updates = [...(mx.updates ?? ["updated"])];
  const memberId = { value: "M-u-1", isMxGuid: false, provesOwner: true, ...mx.memberId };
  const events: string[] = [];
  const asked: PlatformPath[] = [];
  const audited: SessionEvent[] = [];
  const created = mx.created ?? NEW_USER;

  async function call<T>(name: string, result: T): Promise<T> {
    events.push(`> ${name}`);
    await Promise.resolve();
    events.push(`< ${name}`);
    if (fail.includes(name)) throw new AppError("upstream_unavailable", `${name} failed`);
    return result;
  }

  const directory = directoryOf({
    findUser: () => call("read user", user),
    createUser: () => call("create user", created),
    findMember: () => call("read member", member),
    createMember: () => call("create member", creation),
    updateMember: () => call("update member", updates.shift() ?? "updated"),
  });
  const tenant = tenantOf({
    memberIds: { expected: () => memberId, resolve: () => memberId },
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
    { ...widgetRequest(type), ...mx.request },
    { isRestart },
    { ...contextOf(), audit: (event) => void audited.push(event) },
  );
  const result = await outcome.catch((error: unknown) => error);
  await settle();
  const calls = events.filter((event) => event.startsWith(">")).map((event) => event.slice(2));
  return { result, calls, events, asked, audited };
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

describe("a user who is disabled at MX", () => {
  const disabled = ssoUserOf({ isDisabled: true });

  it.each<[string, Mx, string[]]>([
    ["and known", { user: disabled }, []],
    ["and was there after all", { created: disabled }, ["create user"]],
  ])("%s gets no Member and no URL", async (_what, mx, calls) => {
    const ran = await run({ ...mx, platform: { url: PLATFORM_URL } });
    expect(ran.result).toMatchObject({ code: "user_disabled" });
    expect(ran.calls).toEqual([...START, ...calls]);
  });
});

describe("a login that stopped halfway", () => {
  it.each<[string, Mx, SessionEvent[]]>([
    ["is healed", { user: ssoUserOf() }, ["user_healed"]],
    ["is no login that had a Member", { user: ssoUserOf(), member: { userGuid: "USR-1" } }, []],
    ["is no first login", {}, []],
    ["is not healed where the User vanishes", { user: ssoUserOf(), creation: "no_user" }, []],
  ])("%s", async (_what, mx, audited) => {
    expect((await run(mx)).audited).toEqual(audited);
  });
});

describe("an option that names something, where the Platform API does not find it", () => {
  const request = { options: { insight_guid: "BET-1" }, callerOptions: ["insight_guid"] };
  const missing: Mx = { request, platform: { url: undefined } };
  const known = { user: ssoUserOf(), member: { userGuid: "USR-1" } };

  it("is to blame for a known User", async () => {
    expect((await run({ ...missing, ...known })).result).toMatchObject({
      code: "invalid_request",
      errors: [{ pointer: "/widget_url/insight_guid" }],
    });
  });

  it.each<[string, Mx]>([
    ["that is new", missing],
    ["that vanishes", { ...missing, user: ssoUserOf(), creation: "no_user" }],
    ["without such an option", { ...known, platform: { url: undefined } }],
  ])("is not for one %s: the workflow begins again", async (_what, mx) => {
    expect((await run(mx)).result).toBeUndefined();
  });

  it("is not for one whose URL comes", async () => {
    const ran = await run({ ...missing, ...known, platform: { url: PLATFORM_URL } });
    expect(ran.result).toBe(PLATFORM_URL);
  });
});

describe("the Member that is read", () => {
  const idOf = (value: string) => ({ value, isMxGuid: false, provesOwner: true });

  it.each([
    ["is the expected one", "M-1", "M-1", ["M-1"]],
    ["is the one that the lookup names, after the expected one", "M-1", "M-2", ["M-1", "M-2"]],
    ["is the one that the lookup names, where none was expected", undefined, "M-2", ["M-2"]],
  ])("%s", async (_what, expected, resolved, reads) => {
    const read: unknown[] = [];
    const updated: unknown[] = [];
    const directory = directoryOf({
      findUser: async () => ssoUserOf(),
      async findMember(member) {
        read.push(member);
        return { userGuid: "USR-1" };
      },
      async updateMember({ memberId }) {
        updated.push(memberId);
        return "updated";
      },
    });
    const tenant = tenantOf({
      findCredentials: () => ({ fields: [], expires: true }),
      memberIds: {
        expected: () => (expected === undefined ? undefined : idOf(expected)),
        resolve: () => idOf(resolved),
      },
    });
    await openBySso(
      { kind: "sso", directory },
      identityOf({ principal: principalOf({ sub: "u-1" }, tenant) }),
      widgetRequest("master_widget"),
      { isRestart: false },
      contextOf(),
    );
    expect(read).toEqual(reads.map((memberId) => ({ memberId, userId: "u-1" })));
    expect(updated).toEqual([resolved]);
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

  it.each<[Member, boolean]>([
    [{ userGuid: undefined }, false],
    [{ userGuid: "USR-1", userId: "u-1" }, false],
    [{ userGuid: undefined, userId: "u-2" }, true],
    [{ userGuid: "USR-1", userId: "u-2" }, true],
    [{ userGuid: "USR-2", userId: "u-1" }, true],
  ])("is one of whom MX says %j: %s", async (member, isForeign) => {
    const { result } = await run({ user: ssoUserOf(), member });
    if (isForeign) expect(result).toMatchObject({ upstream: { reason: "other_user" } });
    else expect(result).toHaveProperty("url");
  });
});

describe("a Member whose id does not say whose it is", () => {
  const user = ssoUserOf();
  const unnamed = { userGuid: undefined };
  const memberId = { provesOwner: false };

  it.each<[string, Mx, string[]]>([
    ["where it is there", { user, member: unnamed }, []],
    ["where another request has just made it", { user, creation: unnamed }, ["create member"]],
  ])("is not written to if MX does not say it either, %s", async (_what, mx, calls) => {
    const ran = await run({ ...mx, memberId, expires: true });
    expect(ran.result).toMatchObject({
      code: "upstream_bad_response",
      upstream: { outcome: "invalid_response", reason: "owner_unknown" },
    });
    expect(ran.calls).toEqual([...START, ...calls]);
  });

  it.each<[Member]>([[{ userGuid: "USR-1" }], [{ userGuid: undefined, userId: "u-1" }]])(
    "is written to if MX says %j",
    async (member) => {
      const { result, calls } = await run({ user, member, memberId, expires: true });
      expect(result).toHaveProperty("url");
      expect(calls).toEqual([...START, "update member"]);
    },
  );
});

describe("a Member by MX's own id", () => {
  const user = ssoUserOf();
  const member = { userGuid: "USR-1" };
  const memberId = { isMxGuid: true };

  it.each<[string, Mx]>([
    ["the Member", { user }],
    ["the User", { member }],
  ])("is a mistake where MX does not know %s", async (_what, mx) => {
    const { result, calls } = await run({ ...mx, memberId });
    expect(result).toMatchObject({ upstream: { reason: "unknown_member" } });
    expect(calls).toEqual(START);
  });

  it("is never made: one that vanishes before its update begins the workflow again", async () => {
    const mx: Mx = { user, member, memberId, expires: true, updates: ["no_member"] };
    const { result, calls } = await run(mx);
    expect(result).toBeUndefined();
    expect(calls).toEqual([...START, "update member"]);
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

describe("MXconnect with Members", () => {
  const URL_OF_ADA = widgetUrl();
  const BY_PARTNER_ID = {
    userId: "u-1",
    pathId: "u-1",
    isConfirmed: false,
    isDisabled: false,
    isNew: false,
  };
  const GUID: PlatformUser = { ...BY_PARTNER_ID, guid: "USR-1" };
  const NEW: PlatformUser = { ...BY_PARTNER_ID, isConfirmed: true, isNew: true, guid: "USR-2" };

  type Mdx = {
    known?: PlatformUser;
    member?: Member;
    creation?: MemberCreation;
    update?: MemberUpdate;
    expires?: boolean;
    memberIds?: Tenant["memberIds"];
  };

  async function open(mx: Mdx) {
    const { known, member, creation = "created", update = "updated", expires = false } = mx;
    const { memberIds } = mx;
    const calls: unknown[] = [];
    const events: SessionEvent[] = [];
    const platform = platformOf({
      findUser: async () => known,
      async createUser() {
        calls.push("create user");
        return NEW;
      },
      async requestWidgetUrl() {
        calls.push("url");
        return URL_OF_ADA;
      },
    });
    const members = directoryOf({
      api: "mdx",
      findMember: async () => member,
      async createMember(owned) {
        calls.push(["create member", owned]);
        return creation;
      },
      async updateMember(owned) {
        calls.push(["update member", owned]);
        return update;
      },
    });
    const credentials = { fields: [{ name: "userkey", response: "key-1" }], expires } as const;
    const tenant = tenantOf({
      findCredentials: () => credentials,
      ...(memberIds && { memberIds }),
    });
    const opening = openByMdx(
      { kind: "mdx", platform, members },
      identityOf({ principal: principalOf({ sub: "u-1" }, tenant) }),
      widgetRequest(),
      { ...contextOf(), audit: (event) => void events.push(event) },
    );
    return { result: await opening.catch((error: unknown) => error), calls, events };
  }

  const owned = (userGuid: string, user: string) => ({
    userId: "u-1",
    userGuid,
    memberId: "M-u-1",
    user,
  });

  it.each<[string, Mdx, unknown[], SessionEvent[]]>([
    ["asks for the URL alone", { known: GUID, member: { userGuid: "USR-1" } }, ["url"], []],
    [
      "compares no owner with a User whose guid is not known",
      { known: BY_PARTNER_ID, member: { userGuid: "USR-1" } },
      ["url"],
      [],
    ],
    [
      "sends credentials that expire",
      { known: GUID, member: { userGuid: "USR-1" }, expires: true },
      ["url", ["update member", owned("USR-1", "known")]],
      [],
    ],
    [
      "makes a Member that is missing",
      { known: GUID },
      ["url", ["create member", owned("USR-1", "known")]],
      ["user_healed"],
    ],
    [
      "makes User and Member at a first login, whatever Member it has read before",
      { member: { userGuid: "USR-9" } },
      ["create user", "url", ["create member", owned("USR-2", "new")]],
      [],
    ],
  ])("%s", async (_what, mx, calls, events) => {
    expect(await open(mx)).toEqual({ result: URL_OF_ADA, calls, events });
  });

  it("hands out no URL beside a Member of another user", async () => {
    const { result, calls } = await open({
      known: GUID,
      member: { userGuid: "USR-2" },
      expires: true,
    });
    const operation = "mdx.read_member";
    expect(result).toMatchObject({ upstream: { operation, reason: "other_user" } });
    expect(calls).toEqual(["url"]);
  });

  it("begins as at a first login where MX has a URL, but no User for the Member", async () => {
    const { result, calls } = await open({ known: GUID, creation: "no_user" });
    expect(calls).toEqual([
      "url",
      ["create member", owned("USR-1", "known")],
      "create user",
      "url",
      ["create member", owned("USR-2", "late")],
    ]);
    expect(result).toMatchObject({
      code: "upstream_unavailable",
      upstream: { operation: "session", outcome: "not_found", reason: "not_yet_propagated" },
    });
  });

  it("asks a first login to try again while MX does not show the user to its Member", async () => {
    const { result, events } = await open({ creation: "no_user" });
    expect(result).toMatchObject({
      code: "upstream_unavailable",
      retryAfterSeconds: 1,
      upstream: { operation: "session", outcome: "not_found", reason: "not_yet_propagated" },
    });
    expect(events).toEqual([]);
  });

  const mxGuid = { value: "MBR-1", isMxGuid: true, provesOwner: true };
  const memberIds = { expected: () => mxGuid, resolve: () => mxGuid };

  it.each<[string, Mdx, string]>([
    ["that MX does not know", { known: GUID }, "unknown_member"],
    ["of a user whom MX does not know", { member: { userGuid: "USR-1" } }, "unknown_member"],
  ])("makes no Member by MX's own id %s", async (_what, mx, reason) => {
    const { result, calls } = await open({ ...mx, memberIds });
    expect(result).toMatchObject({ code: "upstream_bad_response", upstream: { reason } });
    expect(calls).toEqual(mx.known ? ["url"] : []);
  });

  it("makes no Member by MX's own id that vanishes before its update", async () => {
    const mx = { known: GUID, member: { userGuid: "USR-1" }, expires: true, memberIds };
    const { result, calls } = await open({ ...mx, update: "no_member" });
    expect(result).toMatchObject({ upstream: { reason: "unknown_member" } });
    expect(calls).toEqual([
      "url",
      ["update member", { ...owned("USR-1", "known"), memberId: "MBR-1" }],
    ]);
  });

  it("opens a session with a Member by MX's own id", async () => {
    const { result } = await open({ known: GUID, member: { userGuid: "USR-1" }, memberIds });
    expect(result).toBe(URL_OF_ADA);
  });
});
