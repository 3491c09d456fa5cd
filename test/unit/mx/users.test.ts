/** The Users of each API: what MX is sent, and what its answers mean. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Failure, MxCall, Send } from "../../../src/mx/call.ts";
import { createMdxUsers, withMdxUsers, withSsoV3Urls } from "../../../src/mx/mdx.ts";
import { createPlatform } from "../../../src/mx/platform.ts";
import { createSsoDirectory } from "../../../src/mx/sso-v2.ts";
import type { PlatformUser, Profile, RequestContext } from "../../../src/session/types.ts";
import { answerOf, contextOf, mxAnswering, platformOf } from "../fakes.ts";

beforeEach(() => void vi.useFakeTimers({ fakeNodeBuiltins: true }));
afterEach(() => void vi.useRealTimers());

const RULE = { urlRule: { allowHttp: false, origins: [] } };
const USER = "u/1";
const PROFILE: Profile = { first_name: "Ada", email: "ada@example.com", sex: "FEMALE" };
/** For the Platform API alone. */
const METADATA = '{"first_name":"Ada"}';

type User = { isDisabled: boolean; isNew: boolean };

type Api = {
  find: (send: Send) => (userId: string, context: RequestContext) => Promise<User | undefined>;
  create: (
    send: Send,
  ) => (user: { userId: string; profile: Profile }, context: RequestContext) => Promise<User>;
  /** Of the answer to a read, and to a create. */
  found: (parts: { id?: string; isDisabled?: boolean }) => object;
  created: (parts: { id?: string; isDisabled?: boolean }) => object;
  reads: Partial<MxCall>;
  creates: Partial<MxCall>;
  /** Whether "already exists" is enough to go on. */
  trustsConflict?: boolean;
};

const ssoUser: Api["found"] = ({ id, isDisabled }) => ({
  guid: "USR-1",
  external_user_guid: id,
  status: { name: isDisabled ? "disabled" : "ACTIVE" },
});
const user = ({ id, isDisabled }: { id?: string; isDisabled?: boolean }) => ({
  id,
  guid: "USR-1",
  is_disabled: isDisabled,
});
const oneUser: Api["found"] = (parts) => ({ user: user(parts) });
const platform = (send: Send, version: "v20250224" | "v20111101") =>
  createPlatform(send, { version, ...RULE });
const PLATFORM_CREATE: Partial<MxCall> = {
  operation: "platform.create_user",
  path: "/users",
  body: { user: { id: USER, is_disabled: false, email: "ada@example.com", metadata: METADATA } },
};

const APIS: [string, Api][] = [
  [
    "the SSO API v2",
    {
      find: (send) => createSsoDirectory(send, RULE).findUser,
      create: (send) => createSsoDirectory(send, RULE).createUser,
      found: ssoUser,
      created: ssoUser,
      reads: { operation: "sso.read_user", path: "/user/u%2F1" },
      creates: {
        operation: "sso.create_user",
        path: "/user",
        body: { external_user_guid: USER, ...PROFILE },
      },
    },
  ],
  [
    "the Platform API",
    {
      find: (send) => platform(send, "v20250224").readUser,
      create: (send) => platform(send, "v20250224").createUser,
      found: oneUser,
      created: oneUser,
      reads: { operation: "platform.read_user", path: "/users/u%2F1" },
      creates: PLATFORM_CREATE,
      trustsConflict: true,
    },
  ],
  [
    "the Platform API v20111101",
    {
      find: (send) => platform(send, "v20111101").findUser,
      create: (send) => platform(send, "v20111101").createUser,
      found: (parts) => ({ users: [user({ id: USER, ...parts })] }),
      created: oneUser,
      reads: { operation: "platform.list_users", path: "/users?id=u%2F1" },
      creates: PLATFORM_CREATE,
    },
  ],
  [
    "MDX",
    {
      find: (send) => createMdxUsers(send).readUser,
      create: (send) => createMdxUsers(send).createUser,
      found: oneUser,
      created: oneUser,
      reads: { operation: "mdx.read_user", path: "/users/u%2F1.json" },
      creates: {
        operation: "mdx.create_user",
        path: "/users.json",
        body: { user: { id: USER, first_name: "Ada", email: "ada@example.com", gender: "FEMALE" } },
      },
      trustsConflict: true,
    },
  ],
];

/** What comes of it, in as much time as it takes. */
async function end<T>(work: Promise<T>): Promise<T | Error> {
  const ended = work.catch((error: Error) => error);
  await vi.runAllTimersAsync();
  return ended;
}

describe.each(APIS)("a User of %s", (_name, api) => {
  const find = (...answers: (Failure | object)[]) => {
    const mx = mxAnswering(...answers);
    return { ...mx, ended: end(api.find(mx.send)(USER, mx.context)) };
  };
  const create = (...answers: (Failure | object)[]) => {
    const mx = mxAnswering(...answers);
    const profile = made === "mdx.create_user" ? PROFILE : { ...PROFILE, metadata: METADATA };
    const ended = end(api.create(mx.send)({ userId: USER, profile }, mx.context));
    return { ...mx, ended };
  };
  const [read, made] = [api.reads.operation, api.creates.operation];

  it("is read", async () => {
    const { ended, calls } = find(api.found({ id: USER }));
    expect(await ended).toMatchObject({ isDisabled: false, isNew: false });
    const call = { kind: "read", method: "GET", userId: USER, newConnection: false };
    expect(calls).toEqual([{ ...api.reads, ...call }]);
  });

  it("is created", async () => {
    const { ended, calls, events } = create(api.created({ id: USER }));
    expect(await ended).toMatchObject({ isDisabled: false, isNew: true });
    const call = { kind: "create_user", method: "POST", userId: USER, serializeBy: USER };
    expect(calls).toEqual([{ ...api.creates, ...call, newConnection: false }]);
    expect(events).toEqual(["user_created"]);
  });

  it("may be disabled", async () => {
    const parts = { id: USER, isDisabled: true };
    expect(await find(api.found(parts)).ended).toMatchObject({ isDisabled: true });
    expect(await create(api.created(parts)).ended).toMatchObject({ isDisabled: true });
  });

  it("that exists already is audited by nobody", async () => {
    const { ended, operations, events } = create("conflict", api.found({ id: USER }));
    expect(await ended).toMatchObject({ isDisabled: false, isNew: true });
    expect(operations()).toEqual(api.trustsConflict ? [made] : [made, read]);
    expect(events).toEqual([]);
  });

  it("is looked for where the answer to its create was lost", async () => {
    const { ended, operations, events } = create("ambiguous", api.found({ id: USER }));
    expect(await ended).toMatchObject({ isNew: true });
    expect(operations()).toEqual([made, read]);
    expect(events).toEqual(["user_created"]);
  });

  it("is never one whose answer names another", async () => {
    const { ended, events } = create(api.created({ id: "u/2" }));
    expect(await ended).toMatchObject({ upstream: { operation: made, reason: "other_user" } });
    expect(events).toEqual([]);
  });

  it.each(["x/USR-1", "USR-1/..", "USR-", "MBR-1", ""])("has no guid like %j", async (guid) => {
    const body = JSON.parse(JSON.stringify(api.created({ id: USER })).replace("USR-1", guid));
    expect(await create(body).ended).toMatchObject({
      code: "upstream_bad_response",
      upstream: { reason: "schema" },
    });
  });

  it.each(["rejected", "throttled"] as const)("that is %s is a failure", async (outcome) => {
    expect(await find(outcome).ended).toMatchObject({ upstream: { operation: read, outcome } });
    expect(await create(outcome).ended).toMatchObject({ upstream: { operation: made, outcome } });
  });
});

describe("the URLs in a User of the SSO API v2", () => {
  it("are taken by their types, but for those that cannot be used", async () => {
    const sentAt = new Date("2026-11-20T12:00:00Z");
    const { send, context } = mxAnswering({
      guid: "USR-1",
      master_widget_url: "https://widgets.example.com/master",
      budgets_widget_url: "http://widgets.example.com/budgets",
      connect_widget_url: "https://widgets.example.com/connect",
      status: {},
    });
    const user = await createSsoDirectory(send, RULE).findUser("u-1", context);
    const type = "master_widget";
    const url = "https://widgets.example.com/master";
    const expiresAt = new Date(sentAt.getTime() + 600_000);
    expect([...(user?.widgetUrls ?? [])]).toEqual([[type, { type, url, expiresAt }]]);
  });
});

describe("a User whom MX does not know", () => {
  it.each(APIS.filter(([name]) => !name.endsWith("v20111101")))("is none: %s", async (_, api) => {
    const { send, context } = mxAnswering("not_found");
    expect(await api.find(send)(USER, context)).toBeUndefined();
  });
});

describe("MX's guid of a User (v20111101)", () => {
  const listed = (guid: string) => ({ users: [{ id: "u-1", guid }] });
  const request = { widgetType: "connect_widget", options: {}, callerOptions: [] };
  const known = { userId: "u-1", pathId: "USR-1", isConfirmed: true, isNew: false };

  it("is asked for once, until MX does not find it any more", async () => {
    const { send, context, operations } = mxAnswering(
      listed("USR-1"),
      "not_found",
      listed("USR-2"),
    );
    const { findUser, requestWidgetUrl } = platform(send, "v20111101");
    for (const isConfirmed of [true, false])
      expect(await findUser("u-1", context)).toMatchObject({ pathId: "USR-1", isConfirmed });
    expect(await requestWidgetUrl(known, request, context)).toBeUndefined();
    expect(await findUser("u-1", context)).toMatchObject({ pathId: "USR-2" });
    expect(operations().filter((operation) => operation === "platform.list_users")).toHaveLength(2);
  });

  it("is kept while MX finds it", async () => {
    const good = { widget_url: { url: "https://widgets.example.com/x" } };
    const { send, context, operations } = mxAnswering(listed("USR-1"), good);
    const { findUser, requestWidgetUrl } = platform(send, "v20111101");
    await findUser("u-1", context);
    expect(await requestWidgetUrl(known, request, context)).toMatchObject({
      type: "connect_widget",
    });
    expect(await findUser("u-1", context)).toMatchObject({ pathId: "USR-1" });
    expect(operations()).toEqual(["platform.list_users", "platform.request_widget_url"]);
  });

  it("is forgotten when ten thousand other Users came after it", async () => {
    const asked: string[] = [];
    const send: Send = async ({ operation, userId }) => {
      asked.push(userId);
      return answerOf("ok", { operation, body: { users: [{ id: userId, guid: "USR-1" }] } });
    };
    const { findUser } = platform(send, "v20111101");
    for (let count = 0; count <= 10_000; count += 1) await findUser(`u-${count}`, contextOf());

    await findUser("u-1", contextOf());
    await findUser("u-0", contextOf());

    expect(asked.slice(10_001)).toEqual(["u-0"]);
  });

  it("is known from the create, which must name it", async () => {
    const { send, context, calls } = mxAnswering({ user: { id: "u-1", guid: "USR-1" } });
    const { findUser, createUser } = platform(send, "v20111101");
    await createUser({ userId: "u-1", profile: {} }, context);
    expect(await findUser("u-1", context)).toMatchObject({ pathId: "USR-1" });
    expect(calls).toHaveLength(1);

    const nameless = mxAnswering({ user: { id: "u-1" } });
    const made = platform(nameless.send, "v20111101").createUser(
      { userId: "u-1", profile: {} },
      nameless.context,
    );
    await expect(made).rejects.toMatchObject({ upstream: { reason: "no_guid" } });
  });
});

describe("a User of the Platform API", () => {
  it("is asked for by the partner's id, and costs no read", async () => {
    const { send, context, calls } = mxAnswering("rejected");
    const { findUser } = platform(send, "v20250224");
    expect(await findUser("u-1", context)).toMatchObject({ pathId: "u-1", isConfirmed: false });
    expect(calls).toEqual([]);
  });

  it("is confirmed by MX's answer, or by its conflict", async () => {
    const { send, context } = mxAnswering(oneUser({}), "conflict");
    const { readUser, createUser } = platform(send, "v20250224");
    expect(await readUser("u-1", context)).toMatchObject({ guid: "USR-1", isConfirmed: true });
    const made = await createUser({ userId: "u-1", profile: {} }, context);
    expect(made).toMatchObject({ pathId: "u-1", isConfirmed: true });
  });

  it("has no more than MX is told", async () => {
    const { send, context, calls } = mxAnswering(oneUser({}));
    await platform(send, "v20250224").createUser({ userId: "u-1", profile: {} }, context);
    expect(calls[0]?.body).toEqual({ user: { id: "u-1", is_disabled: false } });
  });

  it("that MX has shown, and does not find now, was deleted: one look, and a create", async () => {
    const { send, context, operations } = mxAnswering(
      oneUser({}),
      { widget_url: { url: "https://widgets.example.com/x" } },
      "not_found",
      oneUser({}),
    );
    const { createUser, requestWidgetUrl } = platform(send, "v20250224");
    const user = { userId: "u-1", profile: {} };
    const made = (await createUser(user, context)) as PlatformUser;
    const request = { widgetType: "connect_widget", options: {}, callerOptions: [] };
    await requestWidgetUrl(made, request, context);
    vi.advanceTimersByTime(1);
    await end(createUser(user, context));
    expect(operations().slice(2)).toEqual(["platform.read_user", "platform.create_user"]);
  });
});

describe("a User of MDX", () => {
  const REFUSED = answerOf("rejected", { status: 422 });
  const create = (profile: Profile, ...answers: (Failure | object)[]) => {
    const mx = mxAnswering(...answers);
    const left: unknown[] = [];
    const context = { ...mx.context, profileRefused: (fields: unknown) => void left.push(fields) };
    const ended = end(createMdxUsers(mx.send).createUser({ userId: "u-1", profile }, context));
    return { ...mx, ended, left };
  };

  it("is created without a profile that MX refuses", async () => {
    const { ended, calls, left, events } = create(PROFILE, REFUSED, oneUser({}));
    expect(await ended).toMatchObject({ isNew: true });
    expect(calls[1]?.body).toEqual({ user: { id: "u-1" } });
    expect(left).toEqual([["first_name", "email", "gender"]]);
    expect(events).toEqual(["user_created"]);
  });

  it.each<[string, Profile, object]>([
    ["without a profile", {}, REFUSED],
    ["for another reason", PROFILE, answerOf("rejected", { status: 400 })],
    ["with a 422 that is no refusal", PROFILE, answerOf("invalid_response", { status: 422 })],
  ])("that MX refuses %s is a failure", async (_what, profile, answer) => {
    const { ended, calls, left } = create(profile, answer);
    expect(await ended).toHaveProperty("upstream");
    expect(calls).toHaveLength(1);
    expect(left).toEqual([]);
  });

  it.each([
    [{ first_name: "x".repeat(50), email: "y".repeat(100) }, ["first_name", "email"]],
    [{ first_name: "x".repeat(51), email: "y".repeat(101), zip_code: "84043" }, ["zip_code"]],
    [{ last_name: "x".repeat(51) }, []],
  ])("is sent no field that is too long (%#)", async (profile, names) => {
    const { ended, calls } = create(profile, oneUser({}));
    await ended;
    const { body } = calls[0] as { body: { user: object } };
    expect(Object.keys(body.user)).toEqual(["id", ...names]);
  });

  it.each<[string, (Failure | object)[], boolean | undefined]>([
    ["was there before", ["conflict"], true],
    ["is made", [oneUser({})], undefined],
    ["is made, though the first answer was lost", ["ambiguous", "not_found", "conflict"], false],
    ["is made, though the answer was lost", ["ambiguous", oneUser({})], false],
    ["is made, by a status alone", [answerOf("ok", { body: undefined })], undefined],
  ])("says whether it %s", async (_what, answers, wasThere) => {
    const made = (await create({}, ...answers).ended) as PlatformUser;
    const isConfirmed = true;
    expect(made).toMatchObject({ userId: "u-1", pathId: "u-1", isNew: true, isConfirmed });
    expect(made.wasThere).toBe(wasThere);
  });

  it("was there for a request that comes a moment later", async () => {
    const { send, context, operations } = mxAnswering(oneUser({}));
    const { createUser } = createMdxUsers(send);
    const user = { userId: "u-1", profile: {} };
    await end(createUser(user, context));
    vi.advanceTimersByTime(1);
    expect(await end(createUser(user, context))).toMatchObject({ guid: "USR-1", wasThere: true });
    expect(operations()).toEqual(["mdx.create_user", "mdx.read_user"]);
  });

  it("keeps the partner's id in the path where MX shows no guid yet", async () => {
    const made = {
      userId: "u-1",
      pathId: "u-1",
      isNew: true,
      isConfirmed: true,
      isDisabled: false,
    };
    const users = { createUser: async () => made, readUser: async () => undefined };
    const { createUser } = withMdxUsers(platformOf(), users, "v20111101");
    const user = await end(createUser({ userId: "u-1", profile: {} }, contextOf()));
    expect(user).toMatchObject({ pathId: "u-1" });
  });

  it.each([
    ["v20250224", "USR-1", { pathId: "u-1" }],
    ["v20250224", undefined, { pathId: "u-1" }],
    ["v20111101", "USR-1", { pathId: "USR-1" }],
    ["v20111101", undefined, { pathId: "USR-9" }],
  ] as const)(
    "has the path that the Platform API %s wants, with %s",
    async (version, guid, path) => {
      const made = {
        userId: "u-1",
        pathId: "u-1",
        isNew: true,
        isConfirmed: true,
        isDisabled: false,
      };
      const users = {
        createUser: async () => ({ ...made, guid, wasThere: true }),
        readUser: async () => ({ ...made, guid: "USR-9" }),
      };
      const { createUser } = withMdxUsers(platformOf(), users, version);
      const user = await end(createUser({ userId: "u-1", profile: {} }, contextOf()));
      expect(user).toMatchObject(path);
      expect(user).not.toHaveProperty("wasThere");
    },
  );

  it("is taken for there by the SSO API v3, without a read", async () => {
    const users = createMdxUsers(mxAnswering("rejected").send);
    const { findUser } = withSsoV3Urls(platformOf(), users);
    expect(await findUser("u-1", contextOf())).toEqual({
      userId: "u-1",
      pathId: "u-1",
      isNew: false,
      isConfirmed: false,
      isDisabled: false,
    });
  });
});
