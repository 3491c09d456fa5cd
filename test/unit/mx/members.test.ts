/** The Members of users: what each API is sent, and what its answers mean. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { MxCall, Outcome, Send } from "../../../src/mx/call.ts";
import { createMdxMembers } from "../../../src/mx/mdx.ts";
import { createSsoDirectory } from "../../../src/mx/sso-v2.ts";
import type { MemberDirectory } from "../../../src/session/types.ts";
import { answerOf, mxAnswering } from "../fakes.ts";

beforeEach(() => void vi.useFakeTimers({ fakeNodeBuiltins: true }));
afterEach(() => void vi.useRealTimers());

const OWNED = { userId: "u/1", userGuid: "USR-1", memberId: "M 1" };
const CREDENTIALS = {
  fields: [
    { name: "login", response: "ada" },
    { name: "password", response: "p" },
  ],
  expires: true,
} as const;

type Api = {
  directory: (send: Send) => MemberDirectory;
  /** Of an answer about the Member, with these names. */
  body: (names: { id?: string; guid?: string; userId?: string; userGuid?: string }) => object;
  read: Partial<MxCall>;
  create: Partial<MxCall>;
  update: Partial<MxCall>;
};

const SSO: Api = {
  directory: (send) => createSsoDirectory(send, { urlRule: { allowHttp: false, origins: [] } }),
  body: ({ id, guid, userId, userGuid }) => ({
    guid,
    external_member_guid: id,
    external_user_guid: userId,
    user_guid: userGuid,
  }),
  read: { operation: "sso.read_member", kind: "read", method: "GET", path: "/member/M%201" },
  create: {
    operation: "sso.create_member",
    kind: "create_member",
    method: "POST",
    path: "/member",
    body: {
      external_user_guid: "u/1",
      external_member_guid: "M 1",
      credentials: [
        { field_name: "login", response: "ada" },
        { field_name: "password", response: "p" },
      ],
    },
  },
  update: {
    operation: "sso.update_member",
    kind: "update_member",
    method: "PUT",
    path: "/member/M%201",
    body: {
      credentials: [
        { field_name: "login", response: "ada" },
        { field_name: "password", response: "p" },
      ],
    },
  },
};

const MDX: Api = {
  directory: createMdxMembers,
  body: ({ id, guid, userId, userGuid }) => ({
    member: { id, guid, user_id: userId, user_guid: userGuid },
  }),
  read: {
    operation: "mdx.read_member",
    kind: "read",
    method: "GET",
    path: "/users/u%2F1/members/M%201.json",
  },
  create: {
    operation: "mdx.create_member",
    kind: "create_member",
    method: "POST",
    path: "/users/u%2F1/members.json",
    body: { member: { id: "M 1", login: "ada", password: "p" } },
  },
  update: {
    operation: "mdx.update_member",
    kind: "update_member",
    method: "PUT",
    path: "/users/u%2F1/members/M%201.json",
    body: { member: { login: "ada", password: "p" } },
  },
};

/** An MX that answers these; what is good is about the Member, with these names. */
function mx({ directory, body }: Api, outcomes: readonly (Outcome | "bare")[], names = {}) {
  const { send, calls, events, context, operations } = mxAnswering(
    ...outcomes.map((outcome) => {
      if (outcome === "bare") return answerOf("ok", { body: undefined });
      return outcome === "ok" ? body(names) : outcome;
    }),
  );
  const members = directory(send);
  /** What comes of it, in as much time as it takes. */
  async function end<T>(work: Promise<T>): Promise<T | Error> {
    const ended = work.catch((error: Error) => error);
    await vi.runAllTimersAsync();
    return ended;
  }
  return {
    calls,
    events,
    operations: () => operations().map((operation) => operation.split(".")[1]),
    find: () => end(members.findMember(OWNED, context)),
    create: (user?: "known" | "new" | "late") =>
      end(members.createMember({ ...OWNED, user }, CREDENTIALS, context)),
    update: () => end(members.updateMember(OWNED, CREDENTIALS, context)),
  };
}

describe.each([
  ["SSO API v2", SSO],
  ["MDX", MDX],
])("a Member of the %s", (_name, api) => {
  it("is read", async () => {
    const { find, calls, events } = mx(api, ["ok"], { userId: "u/1", userGuid: "USR-1" });
    expect(await find()).toMatchObject({ userId: "u/1", userGuid: "USR-1" });
    expect(calls).toEqual([{ ...api.read, userId: "u/1", newConnection: false }]);
    expect(events).toEqual([]);
  });

  it("is created", async () => {
    const { create, calls, events } = mx(api, ["ok"]);
    expect(await create()).toBe("created");
    const call = { ...api.create, userId: "u/1", serializeBy: "M 1", newConnection: false };
    expect(calls).toEqual([call]);
    expect(events).toEqual(["member_created"]);
  });

  it("is updated", async () => {
    const { update, calls, events } = mx(api, ["ok"]);
    expect(await update()).toBe("updated");
    expect(calls).toEqual([{ ...api.update, userId: "u/1", serializeBy: "M 1" }]);
    expect(events).toEqual(["member_updated"]);
  });

  it("that MX does not know is none", async () => {
    const { find, update, events } = mx(api, ["not_found"]);
    expect(await find()).toBeUndefined();
    expect(await update()).toBe("no_member");
    expect(events).toEqual([]);
  });

  it("is not created without its user, and the next create does not look for it first", async () => {
    const { create, operations, events } = mx(api, ["not_found"]);
    expect(await create()).toBe("no_user");
    vi.advanceTimersByTime(1);
    expect(await create()).toBe("no_user");
    expect(operations()).toEqual(["create_member", "create_member"]);
    expect(events).toEqual([]);
  });

  it("that was made a moment ago is looked for before another create", async () => {
    const { create, operations } = mx(api, ["ok"]);
    await create();
    vi.advanceTimersByTime(1);
    await create();
    expect(operations()).toEqual(["create_member", "read_member"]);
  });

  it("needs no answer but a status", async () => {
    const { find, create, update } = mx(api, ["bare"]);
    expect(await find()).toMatchObject({ guid: undefined, userGuid: undefined });
    expect(await create()).toBe("created");
    expect(await update()).toBe("updated");
  });

  it("has the guid that MX names", async () => {
    const { find } = mx(api, ["ok"], { guid: "MBR-1" });
    expect(await find()).toMatchObject({ guid: "MBR-1" });
  });

  it("that exists already is read", async () => {
    const { create, operations, events } = mx(api, ["conflict", "ok"], { userGuid: "USR-1" });
    expect(await create()).toMatchObject({ userGuid: "USR-1" });
    expect(operations()).toEqual(["create_member", "read_member"]);
    expect(events).toEqual([]);
  });

  it("is looked for where the answer to its create was lost", async () => {
    const { create, operations, events } = mx(api, ["ambiguous", "ok"]);
    await create();
    expect(operations()).toEqual(["create_member", "read_member"]);
    expect(events).toEqual(["member_created"]);
  });

  it.each([
    ["another user", { userId: "u/2" }, ["create", "update"]],
    ["another User", { userGuid: "USR-2" }, ["create", "update"]],
    ["another Member", { id: "M 2" }, ["find", "create", "update"]],
  ] as const)("is never one whose answer names %s", async (_what, names, steps) => {
    for (const step of steps) {
      const tried = mx(api, ["ok"], names);
      expect(await tried[step]()).toMatchObject({ upstream: { reason: "other_user" } });
      expect(tried.events).toEqual([]);
    }
  });

  it.each(["rejected", "throttled"] as const)("that is %s is a failure", async (outcome) => {
    for (const step of ["find", "create", "update"] as const) {
      const tried = mx(api, [outcome]);
      expect(await tried[step]()).toMatchObject({ upstream: { outcome } });
      expect(tried.events).toEqual([]);
    }
  });
});

describe("a Member", () => {
  it("of another user is read by the SSO API v2, whose path names no user, and not by MDX", async () => {
    const names = { userId: "u/2", userGuid: "USR-2" };
    expect(await mx(SSO, ["ok"], names).find()).toMatchObject(names);
    expect(await mx(MDX, ["ok"], names).find()).toMatchObject({
      upstream: { reason: "other_user" },
    });
  });

  it("that the SSO API v2 does not show at once is looked for after a moment", async () => {
    const { create, operations } = mx(SSO, ["conflict", "not_found", "ok"]);
    const startedAt = performance.now();
    await create();
    expect(operations()).toEqual(["create_member", "read_member", "read_member"]);
    expect(performance.now() - startedAt).toBe(200);
  });
});

describe("a Member of MDX whose User", () => {
  it.each([
    ["is known", "known", ["not_found"], "no_user", [0]],
    ["is known", "known", ["conflict", "not_found", "bare"], {}, [0, 0, 1000]],
    ["is new", "new", ["ok"], "created", [0]],
    ["is new, and shows late", "new", ["not_found", "ok"], "created", [0, 1000]],
    ["is new, and does not show", "new", ["not_found"], "no_user", [0, 1000]],
    ["has just not been found", "late", ["not_found"], "no_user", [1000]],
  ] as const)("%s is created in time", async (_what, user, outcomes, created, times) => {
    const { create, calls } = mx(MDX, outcomes);
    const startedAt = performance.now();
    const made = await create(user);
    if (typeof created === "string") expect(made).toBe(created);
    else expect(made).toMatchObject(created);
    expect(calls).toHaveLength(times.length);
    expect(performance.now() - startedAt).toBe(times.at(-1));
  });
});
