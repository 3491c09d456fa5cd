import { describe, expect, it } from "vitest";
import { AppError } from "../../../src/errors.ts";
import { openSession } from "../../../src/session/open-session.ts";
import type { Claims, Identity, MxApis, SsoDirectory, Tenant } from "../../../src/session/types.ts";
import {
  contextOf,
  directoryOf,
  platformOf,
  principalOf,
  ssoUserOf,
  tenantOf,
  widgetRequest,
  widgetUrl,
} from "../fakes.ts";

const KNOWN = { userId: "u-1", pathId: "u-1", isConfirmed: false, isDisabled: false, isNew: false };

function open(mx: MxApis, parts: Partial<Tenant> = {}, claims: Claims = { sub: "u-1" }) {
  const principal = principalOf(claims, tenantOf({ mx, ...parts }));
  const type = mx.kind === "sso" ? "master_widget" : "connect_widget";
  return openSession(principal, widgetRequest(type), contextOf());
}

/** An MX where the User is gone by the time its Member is made, in the first `times` passes. */
function vanishing(times: number) {
  const calls: string[] = [];
  let passes = 0;
  const directory: SsoDirectory = directoryOf({
    async findUser() {
      calls.push("read user");
      return passes === 0 ? ssoUserOf() : undefined;
    },
    async findMember() {
      calls.push("read member");
      return undefined;
    },
    async createUser() {
      calls.push("create user");
      const url = widgetUrl(`pass-${passes}`, "master_widget");
      return ssoUserOf({ isNew: true, widgetUrls: new Map([["master_widget", url]]) });
    },
    async createMember() {
      calls.push("create member");
      passes += 1;
      return passes <= times ? "no_user" : "created";
    },
  });
  return { directory, calls };
}

describe("a session", () => {
  it("is opened with the Platform API alone", async () => {
    const url = widgetUrl();
    const platform = platformOf({ findUser: async () => KNOWN, requestWidgetUrl: async () => url });
    expect(await open({ kind: "platform", platform })).toBe(url);
  });

  it("is opened with the SSO API alone", async () => {
    const directory = directoryOf({
      findUser: async () => ssoUserOf(),
      findMember: async () => ({ userGuid: "USR-1" }),
    });
    expect(await open({ kind: "sso", directory })).toEqual(widgetUrl("sso", "master_widget"));
  });

  it("is opened with MDX, whose Member is read beside", async () => {
    const url = widgetUrl("mdx");
    const members = directoryOf({ findMember: async () => ({ userId: "u-1" }) });
    const platform = platformOf({ findUser: async () => KNOWN, requestWidgetUrl: async () => url });
    expect(await open({ kind: "mdx", platform, members })).toBe(url);
  });

  it("is opened with both APIs, the URL from the Platform API", async () => {
    const url = widgetUrl("both");
    const directory = directoryOf({
      findUser: async () => ssoUserOf(),
      findMember: async () => ({ userGuid: "USR-1" }),
    });
    const platform = platformOf({ requestWidgetUrl: async () => url });
    expect(await open({ kind: "both", directory, platform })).toBe(url);
  });

  it("is the identity's that follows from the principal: id, Member id and profile", async () => {
    const seen: unknown[] = [];
    const directory = directoryOf({
      findUser: async () => undefined,
      findMember: async () => undefined,
      async createUser(user) {
        seen.push(user);
        return ssoUserOf({ isNew: true });
      },
      async createMember(owned) {
        seen.push(owned);
        return "created";
      },
    });
    const tenant = {
      toUserId: () => "u-9",
      findProfile: async ({ principal }: Identity) => ({
        first_name: String(principal.claims.given_name),
      }),
    };
    await open({ kind: "sso", directory }, tenant, { sub: "u-1", given_name: "Ada" });
    expect(seen).toEqual([
      { userId: "u-9", profile: { first_name: "Ada" } },
      { userId: "u-9", userGuid: "USR-1", memberId: "M-u-9" },
    ]);
  });

  it("is refused before MX is called where the user has no usable id", async () => {
    const failure = new AppError("unusable_user_id", "no id");
    const toUserId = () => {
      throw failure;
    };
    await expect(open({ kind: "platform", platform: platformOf() }, { toUserId })).rejects.toBe(
      failure,
    );
  });
});

describe("when the User vanishes midway", () => {
  it("the workflow begins again, and its URL is the new User's", async () => {
    const { directory, calls } = vanishing(1);
    expect(await open({ kind: "sso", directory })).toMatchObject({
      url: "https://widgets.example.com/pass-1",
    });
    expect(calls).toEqual([
      "read user",
      "read member",
      "create member",
      "read user",
      "read member",
      "create user",
      "create member",
    ]);
  });

  it("twice, it is given up", async () => {
    const { directory, calls } = vanishing(2);
    await expect(open({ kind: "sso", directory })).rejects.toMatchObject({
      code: "upstream_rejected",
      upstream: { reason: "user_vanished_twice" },
    });
    expect(calls.filter((call) => call === "create member")).toHaveLength(2);
  });

  it("the second request for its URL is patient, for another replica may have made it anew", async () => {
    const asked: boolean[] = [];
    const url = widgetUrl();
    const directory = directoryOf({
      findUser: async () => ssoUserOf(),
      findMember: async () => ({ userGuid: "USR-1" }),
    });
    const platform = platformOf({
      async requestWidgetUrl({ isNew }) {
        asked.push(isNew);
        return isNew ? url : undefined;
      },
    });
    expect(await open({ kind: "both", directory, platform })).toBe(url);
    expect(asked).toEqual([false, true]);
  });

  it("twice, and an option names something at MX, the option is suspected", async () => {
    const directory = directoryOf({
      findUser: async () => ssoUserOf(),
      findMember: async () => ({ userGuid: "USR-1" }),
    });
    const platform = platformOf({ requestWidgetUrl: async () => undefined });
    const principal = principalOf(
      { sub: "u-1" },
      tenantOf({ mx: { kind: "both", directory, platform } }),
    );
    const request = {
      widgetType: "pulse_widget",
      options: { insight_guid: "BET-1", current_member_guid: null },
      callerOptions: ["insight_guid", "current_member_guid"],
    };
    await expect(openSession(principal, request, contextOf())).rejects.toMatchObject({
      code: "invalid_request",
      errors: [{ pointer: "/widget_url/insight_guid" }],
    });
  });

  it("a failure is no reason to begin again", async () => {
    let reads = 0;
    const directory = directoryOf({
      async findUser() {
        reads += 1;
        throw new AppError("upstream_timeout", "late");
      },
      findMember: async () => undefined,
    });
    await expect(open({ kind: "sso", directory })).rejects.toMatchObject({
      code: "upstream_timeout",
    });
    expect(reads).toBe(1);
  });
});
