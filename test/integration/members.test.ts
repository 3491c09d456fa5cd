/**
 * Members as the partner has them: under ids of a template, of a claim or of the partner's lookup. Nobody gets a second
 * Member, and nobody's Member is written to for somebody else.
 *
 * Source: MX SSO API v2, Guide, "Member create" (the id is the partner's choice); docs/existing-users.md.
 */

import { describe, expect, it } from "vitest";
import type { Simulator } from "../../packages/simulator/src/simulator.ts";
import { startPartnerLookup } from "../support/partner-lookup.ts";
import { type Started, start } from "../support/start.ts";

const KEY = [{ field_name: "userkey", response: "the partner's own" }];
const BY_LOOKUP = { MEMBER_CREDENTIALS: "lookup", MEMBER_USERKEY_SECRET: undefined };
/** A userkey in a claim, which expires: each login writes to the Member. */
const EXPIRING = {
  MEMBER_CREDENTIALS: "claim",
  MEMBER_USERKEY_CLAIM: "key",
  MEMBER_USERKEY_EXPIRES: "true",
  MEMBER_USERKEY_SECRET: undefined,
};

/** A user who has been at MX before this service was. */
function addUser({ state }: Simulator, id: string, memberId: string | null) {
  const user = state.createUser({ id });
  const member = state.createMember({ id: memberId, userGuid: user.guid, credentials: KEY });
  return { user, member };
}

async function logIn(service: Started, subject: string, claims: object = {}) {
  const token = await service.issuer.issueToken(subject, { claims: { ...claims } });
  return service.check(service.request().set("Authorization", `Bearer ${token}`));
}

function writes({ calls }: Simulator): string[] {
  return calls.all
    .filter(({ method }) => method !== "GET")
    .map(({ operation, path }) => `${operation} ${path}`);
}

describe("a user whose Member is acct-grace", () => {
  it.each([
    ["a template", { MEMBER_ID_TEMPLATE: "acct-{user_id}" }, {}],
    ["a claim", { MEMBER_ID_CLAIM: "mx_member" }, { mx_member: "acct-grace" }],
  ])("gets no second one with %s", async (_what, environment, claims) => {
    await using service = await start({ apis: "sso", environment });
    addUser(service.mx, "grace", "acct-grace");

    expect((await logIn(service, "grace", claims)).status).toBe(200);

    expect(writes(service.mx)).toEqual([]);
    expect(service.mx.state.members.size).toBe(1);
  });

  it("gets no second one with the lookup", async () => {
    await using lookup = await startPartnerLookup({ userkey: "k-1", member_id: "acct-grace" });
    await using service = await start({
      apis: "sso",
      environment: { ...BY_LOOKUP, ...lookup.environment },
    });
    addUser(service.mx, "grace", "acct-grace");

    expect((await service.post("grace")).status).toBe(200);

    expect(writes(service.mx)).toEqual([]);
    expect(service.mx.calls.of("sso.read_member").map(({ path }) => path)).toEqual([
      "/member/acct-grace",
    ]);
  });

  it("gets no second one where the lookup knows MX's guid alone", async () => {
    await using lookup = await startPartnerLookup({});
    await using service = await start({
      apis: "sso",
      environment: { ...BY_LOOKUP, ...lookup.environment },
    });
    const { member } = addUser(service.mx, "grace", null);
    lookup.answer = { userkey: "k-2", expires: true, member_id: member.guid };

    expect((await service.post("grace")).status).toBe(200);

    expect(writes(service.mx)).toEqual([`sso.update_member /member/${member.guid}`]);
    expect(member.credentials).toEqual([{ field_name: "userkey", response: "k-2" }]);
    expect(service.mx.state.members.size).toBe(1);
  });

  it("is made with that id, once, where there is none yet", async () => {
    const environment = { MEMBER_ID_TEMPLATE: "acct-{user_id}" };
    await using service = await start({ apis: "sso", environment });

    expect((await service.post("grace")).status).toBe(200);
    expect((await service.post("grace")).status).toBe(200);

    expect(service.mx.state.findMember("acct-grace")).toBeDefined();
    expect(service.mx.state.created.members).toBe(1);
  });
});

describe("the id of a Member", () => {
  it.each([undefined, "", "acct grace", "../grace", "MBR-1", "mbr-1", 7, "x".repeat(1025)])(
    "of a claim that is %j: 403, and MX is not called",
    async (mx_member) => {
      const environment = { MEMBER_ID_CLAIM: "mx_member" };
      await using service = await start({ apis: "sso", environment });

      const { status, body } = await logIn(service, "grace", { mx_member });

      expect([status, body.type]).toEqual([403, "/problems/forbidden"]);
      expect(service.mx.calls.all).toEqual([]);
    },
  );

  it.each(["", "acct grace", "../grace", 7, ["acct-grace"], {}, "x".repeat(1025)])(
    "of the lookup that is %j: 502, and nothing is created",
    async (member_id) => {
      await using lookup = await startPartnerLookup({ userkey: "k-1", member_id });
      await using service = await start({
        apis: "sso",
        environment: { ...BY_LOOKUP, ...lookup.environment },
      });

      const { status, body } = await service.post("grace");

      expect([status, body.type]).toEqual([502, "/problems/upstream-bad-response"]);
      expect(writes(service.mx)).toEqual([]);
    },
  );

  it.each([
    ["a user whom MX knows", true],
    ["a new user", false],
  ])(
    "of the lookup that is a guid which MX does not know, for %s: 502, and nothing is created",
    async (_what, isKnown) => {
      await using lookup = await startPartnerLookup({ userkey: "k-1", member_id: "MBR-7c6f361b" });
      await using service = await start({
        apis: "both",
        environment: { ...BY_LOOKUP, ...lookup.environment },
      });
      if (isKnown) service.mx.state.createUser({ id: "grace" });

      const { status, body } = await service.post("grace");

      expect([status, body.type]).toEqual([502, "/problems/upstream-bad-response"]);
      expect(writes(service.mx)).toEqual([]);
    },
  );

  it("of the lookup is not created when MX's Member vanishes under the update", async () => {
    await using lookup = await startPartnerLookup({});
    await using service = await start({
      apis: "sso",
      environment: { ...BY_LOOKUP, ...lookup.environment },
    });
    const { member } = addUser(service.mx, "grace", null);
    lookup.answer = { userkey: "k-2", expires: true, member_id: member.guid };
    service.mx.before("sso.update_member", () => service.mx.state.deleteMember(member));

    expect((await service.post("grace")).status).toBe(502);
    expect(service.mx.calls.of("sso.create_member")).toEqual([]);
  });

  it("of a claim and of the lookup must be one", async () => {
    await using lookup = await startPartnerLookup({ userkey: "k-1", member_id: "acct-1" });
    await using service = await start({
      apis: "sso",
      environment: { ...BY_LOOKUP, ...lookup.environment, MEMBER_ID_CLAIM: "mx_member" },
    });

    expect((await logIn(service, "grace", { mx_member: "acct-2" })).status).toBe(502);
    expect(writes(service.mx)).toEqual([]);
    expect((await logIn(service, "grace", { mx_member: "acct-1" })).status).toBe(200);
  });
});

describe("a Member of somebody else", () => {
  it.each([
    ["a template", { MEMBER_ID_TEMPLATE: "acct-{user_id}" }],
    ["a claim", { MEMBER_ID_CLAIM: "mx_member" }],
  ])("is never written to, with %s", async (_what, environment) => {
    await using service = await start({
      apis: "sso",
      environment: { ...EXPIRING, ...environment },
    });
    const { member } = addUser(service.mx, "eve", "acct-grace");
    service.mx.state.createUser({ id: "grace" });

    const { status, body } = await logIn(service, "grace", { key: "k-1", mx_member: "acct-grace" });

    expect([status, body.type]).toEqual([502, "/problems/upstream-bad-response"]);
    expect(writes(service.mx)).toEqual([]);
    expect(member.credentials).toEqual(KEY);
  });

  it.each(["acct-grace", "guid"])("is never written to, with the lookup (%s)", async (kind) => {
    await using lookup = await startPartnerLookup({});
    await using service = await start({
      apis: "sso",
      environment: { ...BY_LOOKUP, ...lookup.environment },
    });
    const { member } = addUser(service.mx, "eve", "acct-grace");
    service.mx.state.createUser({ id: "grace" });
    const member_id = kind === "guid" ? member.guid : kind;
    lookup.answer = { login: "grace", password: "secret-of-grace", member_id };

    expect((await service.post("grace")).status).toBe(502);
    expect(writes(service.mx)).toEqual([]);
    expect(member.credentials).toEqual(KEY);
  });

  it("is never written to, although another request has just made it", async () => {
    const environment = { ...EXPIRING, MEMBER_ID_CLAIM: "mx_member" };
    await using service = await start({ apis: "sso", environment });
    service.mx.state.createUser({ id: "grace" });
    service.mx.before("sso.create_member", () => void addUser(service.mx, "eve", "acct-7"));

    expect((await logIn(service, "grace", { key: "k-1", mx_member: "acct-7" })).status).toBe(502);

    expect(service.mx.calls.of("sso.update_member")).toEqual([]);
    expect(service.mx.state.findMember("acct-7")?.credentials).toEqual(KEY);
  });
});

describe("a Member whose owner MX does not name", () => {
  const namesNobody = ["member-owner-missing"] as const;

  it.each([
    ["acct-7", 502],
    ["acct-gracehopper", 502],
    ["acct-grace", 200],
    ["grace_2", 200],
  ])(
    "%s of a claim is written to where it holds the user id as a word: %i",
    async (mx_member, status) => {
      const environment = { ...EXPIRING, MEMBER_ID_CLAIM: "mx_member" };
      await using service = await start({ apis: "sso", environment });
      const { member } = addUser(service.mx, "grace", mx_member);
      service.mx.settings.deviations = namesNobody;

      expect((await logIn(service, "grace", { key: "k-1", mx_member })).status).toBe(status);

      expect(member.timesUpdated).toBe(status === 200 ? 1 : 0);
    },
  );

  it("of a claim is left alone by a login that has nothing to write", async () => {
    const environment = { MEMBER_ID_CLAIM: "mx_member" };
    await using service = await start({ apis: "sso", environment });
    addUser(service.mx, "grace", "acct-7");
    service.mx.settings.deviations = namesNobody;

    expect((await logIn(service, "grace", { mx_member: "acct-7" })).status).toBe(200);
    expect(writes(service.mx)).toEqual([]);
  });

  it("of a claim is not written to where another request was faster", async () => {
    const environment = { ...EXPIRING, MEMBER_ID_CLAIM: "mx_member" };
    await using service = await start({ apis: "sso", environment });
    const { guid: userGuid } = service.mx.state.createUser({ id: "grace" });
    service.mx.settings.deviations = namesNobody;
    service.mx.before("sso.create_member", () => {
      service.mx.state.createMember({ id: "acct-7", userGuid, credentials: KEY });
    });

    expect((await logIn(service, "grace", { key: "k-1", mx_member: "acct-7" })).status).toBe(502);
    expect(service.mx.calls.of("sso.update_member")).toEqual([]);
  });

  it.each([
    ["the lookup says so", { userkey: "k-2", expires: true, member_id: "acct-7" }, "acct-7"],
    ["it follows from the template", { userkey: "k-2", expires: true }, "M-grace"],
  ])("is written to where %s", async (_what, answer, memberId) => {
    await using lookup = await startPartnerLookup(answer);
    await using service = await start({
      apis: "sso",
      environment: { ...BY_LOOKUP, ...lookup.environment },
    });
    const { member } = addUser(service.mx, "grace", memberId);
    service.mx.settings.deviations = namesNobody;

    expect((await service.post("grace")).status).toBe(200);
    expect(member.timesUpdated).toBe(1);
  });
});

describe("with `member_id` from the lookup", () => {
  it("the read of the Member waits for it, and the read of the User does not", async () => {
    const { promise: isUserRead, resolve } = Promise.withResolvers<void>();
    await using lookup = await startPartnerLookup((_question, res) => {
      // Answers only once MX was asked for the User: a service that waited would wait for ever.
      void isUserRead.then(() => {
        res.setHeader("content-type", "application/json");
        res.end(JSON.stringify({ userkey: "k-1", member_id: "acct-grace" }));
      });
      return undefined;
    });
    await using service = await start({
      apis: "sso",
      environment: { ...BY_LOOKUP, ...lookup.environment },
    });
    addUser(service.mx, "grace", "acct-grace");
    service.mx.before("sso.read_user", () => resolve());

    expect((await service.post("grace")).status).toBe(200);

    expect(service.mx.calls.all.map(({ path }) => path)).toEqual([
      "/user/grace",
      "/member/acct-grace",
    ]);
  });

  it("nothing is waited for once an answer had none, and a change is noticed", async () => {
    await using lookup = await startPartnerLookup({ userkey: "k-1" });
    await using service = await start({
      apis: "sso",
      environment: { ...BY_LOOKUP, ...lookup.environment },
    });
    expect((await service.post("grace")).status).toBe(200);
    service.mx.calls.clear();

    const { promise: isMemberRead, resolve } = Promise.withResolvers<void>();
    service.mx.before("sso.read_member", () => resolve());
    lookup.answer = (_question, res) => {
      void isMemberRead.then(() => {
        res.setHeader("content-type", "application/json");
        res.end(JSON.stringify({ userkey: "k-1", member_id: "acct-grace" }));
      });
      return undefined;
    };
    service.mx.state.createMember({
      id: "acct-grace",
      userGuid: service.mx.state.findUser("grace")?.guid ?? "",
      credentials: KEY,
    });

    expect((await service.post("grace")).status).toBe(200);

    const reads = service.mx.calls.of("sso.read_member").map(({ path }) => path);
    expect(reads).toEqual(["/member/M-grace", "/member/acct-grace"]);
    expect(writes(service.mx)).toEqual([]);
  });
});
