/**
 * POST /session with the SSO API v3 and MDX Real Time: without Members, with Members, and beside the Platform API.
 *
 * Source: MX SSO API v3 and MDX Real Time; the workflow is that of MX's SSO guide.
 */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Operation } from "../../packages/simulator/src/operation.ts";
import type { Simulator } from "../../packages/simulator/src/simulator.ts";
import { type Clock, stopClock } from "../support/clock.ts";
import { startPartnerLookup } from "../support/partner-lookup.ts";
import { type StartOptions, start } from "../support/start.ts";

let clock: Clock;
beforeAll(() => {
  clock = stopClock();
});
afterAll(() => clock[Symbol.dispose]());

/** By then nobody takes a 404 for a User that MX does not show yet. */
const LATER_MS = 5000;

type Apis = NonNullable<StartOptions["apis"]>;

const ALL = ["v3", "v3-members", "v3-both"] as const satisfies Apis[];
const WITH_MEMBERS = ["v3-members", "v3-both"] as const satisfies Apis[];
const EXPIRING = {
  MEMBER_CREDENTIALS: "claim",
  MEMBER_USERKEY_SECRET: undefined,
  MEMBER_USERKEY_CLAIM: "sub",
  MEMBER_USERKEY_EXPIRES: "true",
};

const operations = ({ calls }: Simulator) => calls.all.map(({ operation }) => operation).toSorted();
const urlOf = (apis: Apis) =>
  apis === "v3-both" ? "platform.request_widget_url" : "sso_v3.request_widget_url";

/** Each subject has at most one User and one Member. */
function expectOneOfEach(mx: Simulator, apis: Apis): void {
  expect(mx.state.created.users).toBe(1);
  expect(mx.state.created.members).toBe(apis === "v3" ? 0 : 1);
}

describe.each(ALL)("with %s", (apis) => {
  it("a first login makes what is missing, in three round trips", async () => {
    await using service = await start({ apis });
    service.mx.settings.latencyMs = 30;

    const response = await service.post("ada", { widget_url: { color_scheme: "dark" } });

    expect(response.status).toBe(200);
    expect(response.body.widget_url.type).toBe("connect_widget");
    expect(service.mx.calls.depth()).toBe(3);
    expectOneOfEach(service.mx, apis);
    expect((await fetch(response.body.widget_url.url)).status).toBe(200);
  });

  it("a known user costs one round trip", async () => {
    await using service = await start({ apis });
    await service.post("ada");
    service.mx.calls.clear();
    service.mx.settings.latencyMs = 30;

    expect((await service.post("ada")).status).toBe(200);

    expect(service.mx.calls.depth()).toBe(1);
    expect(operations(service.mx)).toEqual(
      (apis === "v3" ? [urlOf(apis)] : [urlOf(apis), "mdx.read_member"]).toSorted(),
    );
  });

  it("a user that MX deleted between two logins is made again", async () => {
    await using service = await start({ apis });
    await service.post("ada");
    await clock.advance(LATER_MS);
    service.mx.deleteUser("ada");
    expect((await service.post("ada")).status).toBe(200);
    expect(service.mx.state.users.size).toBe(1);
    expect(service.mx.state.members.size).toBe(apis === "v3" ? 0 : 1);
  });

  it("a user that somebody else makes meanwhile is found", async () => {
    await using service = await start({ apis });
    service.mx.before("mdx.create_user", () => void service.mx.state.createUser({ id: "ada" }));
    expect((await service.post("ada")).status).toBe(200);
    expectOneOfEach(service.mx, apis);
  });

  it.each([
    ["lost after MX did it", { kind: "reset", when: "after" }],
    ["lost before MX did it", { kind: "reset", when: "before" }],
    ["a 502 after MX did it", { kind: "status", status: 502, applied: true }],
    ["silence after MX did it", { kind: "silence", applied: true }],
  ] as const)("a create of the user whose answer is %s makes one user", async (_what, fault) => {
    await using service = await start({ apis, environment: { REQUEST_DEADLINE: "20s" } });
    service.mx.failNext(fault, { operation: "mdx.create_user" });
    expect((await service.post("ada")).status).toBe(200);
    expectOneOfEach(service.mx, apis);
  });

  it.each([
    [200, "", "nothing in it"],
    [201, "", "nothing in it"],
    [204, "", "nothing in it"],
    [201, '{"user":{}}', "no id in it"],
    [200, '{"user":{"id":"ada","guid":null,"is_disabled":null,"more":[1]}}', "more in it"],
  ])("a create of the user that MX answers with %i and %j is good: %s", async (status, body) => {
    await using service = await start({ apis });
    const fault = { kind: "raw", status, body, applied: true } as const;
    service.mx.failNext(fault, { operation: "mdx.create_user" });
    expect((await service.post("ada")).status).toBe(200);
    expectOneOfEach(service.mx, apis);
  });

  it.each([
    ["nothing", "", undefined],
    ["HTML", "<html><h1>200 OK</h1></html>", "text/html"],
    ["XML", "<error><code>200</code></error>", "application/vnd.moneydesktop.mdx.v5+xml"],
    ["text", "no such user", "text/plain"],
    ["JSON of another kind", '{"status":200,"error":null}', "application/json"],
    ["half of JSON", '{"user":{"id":"ad', "application/json"],
  ])("statuses decide, though they come with %s", async (_what, body, contentType) => {
    await using service = await start({ apis });
    const say = (status: number, operation: Operation) => {
      const fault = { kind: "raw", status, body, contentType, applied: true } as const;
      service.mx.failNext(fault, { operation });
    };
    say(404, urlOf(apis));
    say(404, "mdx.read_member");
    say(409, "mdx.create_user");
    say(409, "mdx.create_member");

    expect((await service.post("ada")).status).toBe(200);

    expectOneOfEach(service.mx, apis);
  });

  it("a profile that MX refuses is left out, and the log names its fields", async () => {
    await using service = await start({ apis });
    service.mx.failNext({ kind: "status", status: 422 }, { operation: "mdx.create_user" });

    expect((await service.post("ada")).status).toBe(200);

    const [first, second] = service.mx.calls.of("mdx.create_user");
    expect(first?.body).toMatchObject({ user: { id: "ada", gender: "FEMALE" } });
    expect(second?.body).toEqual({ user: { id: "ada" } });
    const [line = ""] = service.log.filter((each) => each.includes("profile.refused"));
    expect(JSON.parse(line)["profile.fields"]).toContain("email");
  });

  it("a user whom MX refuses without a profile, too, is not made", async () => {
    await using service = await start({ apis });
    service.mx.failNext(
      { kind: "status", status: 422 },
      { operation: "mdx.create_user", times: 9 },
    );

    const { status, body } = await service.post("ada");

    expect([status, body.type]).toEqual([502, "/problems/upstream-rejected"]);
    expect(service.mx.calls.of("mdx.create_user")).toHaveLength(2);
    expect(service.mx.state.created.users).toBe(0);
  });

  it.each([
    [50, 100],
    [51, 101],
  ])(
    "names of %i and an address of %i characters are sent if MX takes them",
    async (name, address) => {
      await using service = await start({ apis });
      const [given_name, family_name] = ["a".repeat(name), "b".repeat(name)];
      const email = `${"e".repeat(60)}@${"d".repeat(address - 65)}.com`;
      const claims = { given_name, family_name, email, email_verified: true };
      const token = await service.issuer.issueToken("u-1", { claims });

      const test = service.request().set("Authorization", `Bearer ${token}`);
      expect((await service.check(test)).status).toBe(200);

      const [call] = service.mx.calls.of("mdx.create_user");
      const all = { first_name: given_name, last_name: family_name, email };
      expect(call?.body).toEqual({ user: { id: "u-1", ...(name === 50 && all) } });
      expect(service.mx.calls.of("mdx.create_user")).toHaveLength(1);
    },
  );

  it.each([
    [401, 502, "upstream-rejected"],
    [403, 502, "upstream-rejected"],
    [429, 503, "upstream-unavailable"],
    [503, 503, "upstream-unavailable"],
  ])("a %i of MX to the URL is answered with %i %s", async (status, expected, type) => {
    await using service = await start({ apis });
    service.mx.failNext({ kind: "status", status }, { operation: urlOf(apis), times: 20 });
    const response = await service.post("ada");
    expect(response.status).toBe(expected);
    expect(response.body.type).toBe(`/problems/${type}`);
    expect(service.mx.state.created.users).toBe(0);
  });

  it("an answer about somebody else is refused", async () => {
    await using service = await start({ apis });
    await service.post("ada");
    service.mx.failNext({ kind: "wrongUser" }, { operation: urlOf(apis) });
    expect((await service.post("ada")).status).toBe(502);
  });
});

describe.each(WITH_MEMBERS)("Members with %s", (apis) => {
  it("an expiring userkey is sent on each login, in two round trips", async () => {
    await using service = await start({ apis, environment: EXPIRING });
    await service.post("ada");
    service.mx.calls.clear();
    service.mx.settings.latencyMs = 30;

    expect((await service.post("ada")).status).toBe(200);

    expect(service.mx.calls.depth()).toBe(2);
    expect([...service.mx.state.members.values()]).toMatchObject([{ timesUpdated: 1 }]);
  });

  it("login and password are sent on each login, in two round trips", async () => {
    await using lookup = await startPartnerLookup({ login: "ada.b", password: "correct horse" });
    const environment = {
      MEMBER_CREDENTIALS: "lookup",
      MEMBER_USERKEY_SECRET: undefined,
      ...lookup.environment,
    };
    await using service = await start({ apis, environment });
    expect((await service.post("ada")).status).toBe(200);
    lookup.answer = { login: "ada.b", password: "battery staple" };
    service.mx.settings.latencyMs = 30;
    const [created] = service.mx.calls.of("mdx.create_member");
    service.mx.calls.clear();

    expect((await service.post("ada")).status).toBe(200);

    expect(created?.body).toEqual({
      member: { id: "M-ada", login: "ada.b", password: "correct horse" },
    });
    expect(service.mx.calls.depth()).toBe(2);
    expect(operations(service.mx)).toEqual(
      [urlOf(apis), "mdx.read_member", "mdx.update_member"].toSorted(),
    );
    const [updated] = service.mx.calls.of("mdx.update_member");
    expect(updated?.body).toEqual({ member: { login: "ada.b", password: "battery staple" } });
    expectOneOfEach(service.mx, apis);
  });

  it.each([200, 201, 204])(
    "writes of a Member that MX answers with a bare %i are good",
    async (status) => {
      await using service = await start({ apis, environment: EXPIRING });
      const fault = { kind: "raw", status, body: "", applied: true } as const;
      service.mx.failNext(fault, { operation: "mdx.create_member" });
      service.mx.failNext(fault, { operation: "mdx.update_member" });
      expect((await service.post("ada")).status).toBe(200);
      expect((await service.post("ada")).status).toBe(200);
      expectOneOfEach(service.mx, apis);
    },
  );

  it("a Member that somebody else makes meanwhile is found, and gets this login's userkey", async () => {
    await using service = await start({ apis, environment: EXPIRING });
    service.mx.before("mdx.create_member", () => {
      const userGuid = service.mx.state.findUser("ada")?.guid ?? "";
      service.mx.state.createMember({ id: "M-ada", userGuid, credentials: [] });
    });
    expect((await service.post("ada")).status).toBe(200);
    expectOneOfEach(service.mx, apis);
    const credentials = [{ field_name: "userkey", response: "ada" }];
    expect([...service.mx.state.members.values()]).toMatchObject([{ credentials }]);
  });

  it("a Member that is deleted before its update is made again", async () => {
    await using service = await start({ apis, environment: EXPIRING });
    await service.post("ada");
    const member = service.mx.state.findMember("M-ada");
    service.mx.before("mdx.update_member", () => member && service.mx.state.deleteMember(member));
    expect((await service.post("ada")).status).toBe(200);
    expect(service.mx.state.members.size).toBe(1);
  });

  it("a known user who is deleted before the Member is made is made again", async () => {
    await using service = await start({ apis });
    service.mx.state.createUser({ id: "ada" });
    service.mx.before("mdx.create_member", () => service.mx.deleteUser("ada"));
    expect((await service.post("ada")).status).toBe(200);
    expect([service.mx.state.users.size, service.mx.state.members.size]).toEqual([1, 1]);
  });

  it("a user whom MDX shows later than the API of the URLs is waited for", async () => {
    await using service = await start({ apis });
    service.mx.settings.mdxPropagationMs = 900;
    service.mx.state.createUser({ id: "ada" }); // By another replica.
    expect((await service.post("ada")).status).toBe(200);
    expectOneOfEach(service.mx, apis);
  });

  it("a Member whom MDX shows late is made once", async () => {
    await using service = await start({ apis });
    service.mx.state.createUser({ id: "ada" });
    await clock.advance(LATER_MS);
    service.mx.settings.mdxPropagationMs = 900;
    service.mx.failNext(
      { kind: "status", status: 502, applied: true },
      { operation: "mdx.create_member" },
    );
    expect((await service.post("ada")).status).toBe(200);
    expect((await service.post("ada")).status).toBe(200);
    expectOneOfEach(service.mx, apis);
  });

  it("a Member that is missing is made, and the log says that the user was healed", async () => {
    await using service = await start({ apis });
    service.mx.state.createUser({ id: "ada" });
    expect((await service.post("ada")).status).toBe(200);
    expectOneOfEach(service.mx, apis);
    expect(service.log.join("")).toContain("mx.user.healed");
  });

  it("a failure between User and Member heals at the next login", async () => {
    await using service = await start({ apis });
    service.mx.failNext(
      { kind: "status", status: 503 },
      { operation: "mdx.create_member", times: 5 },
    );
    expect((await service.post("ada")).status).toBe(503);
    service.mx.clearFaults();
    expect((await service.post("ada")).status).toBe(200);
    expectOneOfEach(service.mx, apis);
  });

  it("a create of the Member whose answer is lost makes one Member", async () => {
    await using service = await start({ apis });
    service.mx.failNext({ kind: "reset", when: "after" }, { operation: "mdx.create_member" });
    expect((await service.post("ada")).status).toBe(200);
    expectOneOfEach(service.mx, apis);
  });

  it("a new user whom MDX does not know yet when the Member is made is waited for", async () => {
    await using service = await start({ apis });
    service.mx.failNext({ kind: "status", status: 404 }, { operation: "mdx.create_member" });
    expect((await service.post("ada")).status).toBe(200);
    expectOneOfEach(service.mx, apis);
    expect(service.mx.calls.of("mdx.create_member")).toHaveLength(2);
  });

  it("a Member of somebody else is never written to", async () => {
    await using service = await start({ apis, environment: EXPIRING });
    const { guid } = service.mx.state.createUser({ id: "grace" });
    const credentials = [{ field_name: "userkey", response: "hers" }];
    service.mx.state.createMember({ id: "M-ada", userGuid: guid, credentials });

    const { status } = await service.post("ada");

    expect(status).toBeGreaterThanOrEqual(502);
    expect([...service.mx.state.members.values()]).toMatchObject([
      { credentials, timesUpdated: 0 },
    ]);
  });

  it("an answer about somebody else's Member is refused", async () => {
    await using service = await start({ apis });
    await service.post("ada");
    service.mx.failNext({ kind: "wrongUser" }, { operation: "mdx.read_member" });
    expect((await service.post("ada")).status).toBe(502);
  });
});

describe("the SSO API v3 without Members", () => {
  it("serves a known user while MDX is down", async () => {
    await using service = await start({ apis: "v3" });
    await service.post("ada");
    for (const operation of ["mdx.create_user", "mdx.read_user"] as const)
      service.mx.failNext({ kind: "reset", when: "before" }, { operation, times: 100 });
    expect((await service.post("ada")).status).toBe(200);
  });

  it("says 400 for a widget that the client does not have", async () => {
    await using service = await start({ apis: "v3" });
    await service.post("ada");
    await clock.advance(LATER_MS);
    service.mx.settings.missingWidgets = ["pulse_widget"];

    const response = await service.post("ada", { widget_url: { widget_type: "pulse_widget" } });

    expect(response.status).toBe(400);
    expect(response.body.errors).toMatchObject([{ pointer: "/widget_url/widget_type" }]);
    expect(service.mx.state.created.users).toBe(1);
  });

  it.each([400, 422])(
    "says 400 where MX refuses an option of the caller's with %i",
    async (status) => {
      await using service = await start({ apis: "v3" });
      await service.post("ada");
      service.mx.failNext({ kind: "status", status }, { operation: "sso_v3.request_widget_url" });
      const response = await service.post("ada", { widget_url: { color_scheme: "dark" } });
      expect(response.status).toBe(400);
      expect(response.body.errors).toMatchObject([{ pointer: "/widget_url/color_scheme" }]);
    },
  );

  it("sends the documented options as they are, with the key in a header and nothing in the query", async () => {
    await using service = await start({ apis: "v3" });
    const options = { mode: "verification", include_transactions: false, color_scheme: "dark" };
    await service.post("ada", { widget_url: { widget_type: "connect_widget", ...options } });
    const [call] = service.mx.calls.of("sso_v3.request_widget_url");
    const type = "application/vnd.moneydesktop.sso.v3+json";
    expect(call?.body).toEqual({
      url: { type: "connect_widget", ui_message_version: 4, ...options },
    });
    expect(call?.headers).toMatchObject({ accept: type, "content-type": type });
    expect(call?.query).toEqual({});
  });
});
