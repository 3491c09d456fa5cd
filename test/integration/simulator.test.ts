/** The simulator over real HTTP: each oddity that MX documents, and each way in which it can be disturbed. */

import { once } from "node:events";
import { connect } from "node:net";
import { createLocalJWKSet, createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { describe, expect, it } from "vitest";
import { startIdentityProvider } from "../../packages/simulator/src/identity-provider.ts";
import { type Simulator, startSimulator } from "../../packages/simulator/src/simulator.ts";
import { startScript } from "../support/child.ts";
import { stopClock } from "../support/clock.ts";

const USERKEY = [{ field_name: "userkey", response: "opaque" }];
const CONNECT = { widget_url: { widget_type: "connect_widget" } };
const TEN_MINUTES = 600_000;

describe("SSO API v2", () => {
  it("answers for a User that does not exist with a 400", async () => {
    await using mx = await startSimulator();
    const answer = await sso(mx, "GET", "/user/u-1");
    expect(answer).toMatchObject({
      status: 400,
      body: { error: "User with guid u-1 not found." },
    });
  });

  it("answers for a Member that does not exist with a 500", async () => {
    await using mx = await startSimulator();
    const read = await sso(mx, "GET", "/member/M-u-1");
    const update = await sso(mx, "PUT", "/member/M-u-1", { credentials: USERKEY });
    expect(read).toMatchObject({ status: 500, body: { error: "Member not found." } });
    expect(update).toMatchObject({ status: 500, body: { error: "Member not found." } });
  });

  it("shows a User in another shape than it was given", async () => {
    await using mx = await startSimulator();
    const created = await sso(mx, "POST", "/user", {
      external_user_guid: "u-1",
      email: "ada@example.com",
      birthdate: "1990-12-10",
      sex: "FEMALE",
      zip_code: "02139",
    });

    expect(created).toMatchObject({ status: 200, type: "application/json; charset=utf-8" });
    expect(created.body).toMatchObject({
      guid: expect.stringMatching(/^USR-/),
      external_guid: "u-1",
      external_user_guid: "u-1",
      client_guid: mx.credentials.clientGuid,
      email: "ada@example.com",
      birthday: "1990-12-10",
      sex: 1,
      zip_code: 2139,
      status: { status: 1, name: "ENABLED", message: "" },
    });
    expect(created.body).not.toHaveProperty("birthdate");
  });

  it("finds a User by guid and by the partner's id", async () => {
    await using mx = await startSimulator();
    const { guid } = mx.state.createUser({ id: "u 1/ü" });
    const byId = await sso(mx, "GET", `/user/${encodeURIComponent("u 1/ü")}`);
    const byGuid = await sso(mx, "GET", `/user/${guid}`);
    expect(byId.body).toMatchObject({ guid });
    expect(byGuid.body).toMatchObject({ external_user_guid: "u 1/ü" });
  });

  it("brings seven fresh URLs and a login token with every read", async () => {
    await using mx = await startSimulator();
    mx.state.createUser({ id: "u-1" });
    const reads = [await sso(mx, "GET", "/user/u-1"), await sso(mx, "GET", "/user/u-1")];
    const urls = reads.flatMap(({ body }) =>
      Object.entries(body).filter(([name]) => name.endsWith("_widget_url")),
    );
    expect(urls).toHaveLength(14);
    expect(new Set(urls.map(([, url]) => url)).size).toBe(14);
    expect(reads[0]?.body.login_token).not.toBe(reads[1]?.body.login_token);
  });

  it.each([
    ["a taken id", "u-1", "User already exists with guid u-1"],
    ["an id of MX's own form", "USR-1", "Invalid format for external user guid."],
    ["no id", undefined, "Invalid format for external user guid."],
  ])("refuses to create a User with %s", async (_case, id, error) => {
    await using mx = await startSimulator();
    mx.state.createUser({ id: "u-1" });
    const answer = await sso(mx, "POST", "/user", { external_user_guid: id });
    expect(answer).toMatchObject({ status: 400, body: { error } });
    expect(mx.state.created.users).toBe(1);
  });

  it("disables a User, and shows an age instead of a birthday", async () => {
    await using mx = await startSimulator({ now: () => Date.parse("2026-12-09") });
    mx.state.createUser({ id: "u-1", profile: { birthdate: "1990-12-10" } });
    const answer = await sso(mx, "PUT", "/user/u-1", { status: "DISABLED" });
    expect(answer).toMatchObject({ status: 200, body: { status: { name: "DISABLED" }, age: 35 } });
    expect(answer.body).not.toHaveProperty("birthday");
    expect(mx.state.findUser("u-1")?.isDisabled).toBe(true);
  });

  it("creates a Member, and takes new credentials for it", async () => {
    await using mx = await startSimulator();
    const user = mx.state.createUser({ id: "u-1" });
    const member = { external_user_guid: "u-1", external_member_guid: "M-u-1" };
    const created = await sso(mx, "POST", "/member", { ...member, credentials: USERKEY });
    const fresh = [
      { field_name: "login", response: "ada" },
      { field_name: "password", response: "pass" },
    ];
    const updated = await sso(mx, "PUT", "/member/M-u-1", { credentials: fresh });

    expect(created).toMatchObject({
      status: 200,
      body: { user_guid: user.guid, external_member_guid: "M-u-1" },
    });
    expect(updated.status).toBe(200);
    expect(mx.state.findMember("M-u-1")).toMatchObject({ credentials: fresh, timesUpdated: 1 });
  });

  it.each([
    ["an unknown owner", { external_user_guid: "u-2" }, "User with guid u-2 not found."],
    [
      "an id of MX's own form",
      { external_member_guid: "MBR-1" },
      "Invalid format for external member guid",
    ],
    ["no credentials", { credentials: [] }, "Create member failed: a field is not valid."],
    [
      "a userkey beside a login",
      { credentials: [...USERKEY, { field_name: "login", response: "ada" }] },
      "Create member failed: a field is not valid.",
    ],
  ])("refuses to create a Member with %s", async (_case, fields, error) => {
    await using mx = await startSimulator();
    mx.state.createUser({ id: "u-1" });
    const member = { external_user_guid: "u-1", external_member_guid: "M-u-1" };
    const answer = await sso(mx, "POST", "/member", { ...member, credentials: USERKEY, ...fields });
    expect(answer).toMatchObject({ status: 400, body: { error } });
    expect(mx.state.created.members).toBe(0);
  });

  it("refuses a second Member of the same id in words that can be set", async () => {
    await using mx = await startSimulator();
    mx.state.createUser({ id: "u-1" });
    const member = {
      external_user_guid: "u-1",
      external_member_guid: "M-u-1",
      credentials: USERKEY,
    };
    await sso(mx, "POST", "/member", member);
    const usual = await sso(mx, "POST", "/member", member);
    mx.settings.memberExists = { status: 409, message: "{id} is taken" };
    const other = await sso(mx, "POST", "/member", member);

    expect(usual).toMatchObject({
      status: 400,
      body: { error: "Member already exists with guid M-u-1" },
    });
    expect(other).toMatchObject({ status: 409, body: { error: "M-u-1 is taken" } });
  });

  it.each([
    ["POST", "/user", "text/plain"],
    ["PUT", "/user/u-1", undefined],
    ["POST", "/member", "application/x-www-form-urlencoded"],
  ])("answers %s %s with Content-Type %s with a bare 404", async (method, path, type) => {
    await using mx = await startSimulator();
    const body = Buffer.from(JSON.stringify({ external_user_guid: "u-1" }));
    const headers = type === undefined ? {} : { "content-type": type };
    const res = await fetch(ssoUrl(mx, path), { method, body, headers });
    expect(res.status).toBe(404);
    expect(await res.text()).toBe("");
    expect(mx.state.created.users).toBe(0);
  });

  it.each(["/users", "/user/", "/user/u-1/x", "/USER/u-1", "/user/%zz"])(
    "answers %s with a bare 404",
    async (path) => {
      await using mx = await startSimulator();
      const res = await fetch(ssoUrl(mx, path));
      expect(res.status).toBe(404);
      expect(await res.text()).toBe("");
      expect(mx.calls.of("unknown")).toHaveLength(1);
    },
  );

  it.each([
    ["a wrong key", { k: "wrong" }],
    ["no key", { k: undefined }],
    ["no client", { c: undefined }],
  ])("never answers %s", async (_case, query) => {
    using clock = stopClock();
    await using mx = await startSimulator();
    const caller = new AbortController();
    const { signal } = caller;
    const waiting = fetch(ssoUrl(mx, "/user/u-1", query), { signal }).catch(() => "no answer");
    await clock.advance(60_000);
    expect(mx.calls.all).toMatchObject([{ operation: "sso.read_user", status: undefined }]);
    caller.abort();
    expect(await waiting).toBe("no answer");
  });

  it("keeps the Users of its client from another", async () => {
    await using mx = await startSimulator();
    mx.state.createUser({ id: "u-1" });
    const create = await fetch(ssoUrl(mx, "/user", { c: "CLT-other" }), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ external_user_guid: "u-2" }),
    });
    const read = await fetch(ssoUrl(mx, "/user/u-1", { c: "CLT-other" }));

    expect(create.status).toBe(500);
    expect(await create.json()).toEqual({
      error: "Create user failed: Client must be associated.",
    });
    expect(read.status).toBe(400);
    expect(mx.state.created.users).toBe(1);
  });
});

describe("Platform API", () => {
  it("creates a User once", async () => {
    await using mx = await startSimulator();
    const created = await platform(mx, "POST", "/users", { user: { id: "u-1" } });
    const again = await platform(mx, "POST", "/users", { user: { id: "u-1" } });

    expect(created).toMatchObject({ status: 200, body: { user: { id: "u-1" } } });
    expect(again).toMatchObject({
      status: 409,
      body: {
        error: {
          message: "an object with the given attributes already exists",
          status: "conflict",
          type: "conflict_error",
        },
      },
    });
    expect(mx.state.created.users).toBe(1);
  });

  it.each([
    ["no body", undefined, 400],
    ["a body without its root", { id: "u-1" }, 400],
    ["an empty User", { user: {} }, 400],
    ["an id that a path cannot hold", { user: { id: "u/1" } }, 422],
    ["an address with two dots", { user: { email: "ada@example..com" } }, 422],
    ["an address without a local part", { user: { email: "@example.com" } }, 422],
    ["a label that ends with a hyphen", { user: { email: "ada@example-.com" } }, 422],
    ["a boolean as text", { user: { is_disabled: "true" } }, 422],
  ])("refuses to create a User with %s", async (_case, body, status) => {
    await using mx = await startSimulator();
    const answer = await platform(mx, "POST", "/users", body);
    expect(answer).toMatchObject({ status, body: { error: { message: expect.any(String) } } });
    expect(mx.state.created.users).toBe(0);
  });

  it("refuses a body that is not announced as JSON", async () => {
    await using mx = await startSimulator();
    const headers = { "content-type": "text/plain" };
    const answer = await platform(mx, "POST", "/users", { user: { id: "u-1" } }, headers);
    expect(answer.status).toBe(400);
  });

  it("reads, updates, renames and deletes a User", async () => {
    await using mx = await startSimulator();
    await platform(mx, "POST", "/users", { user: { id: "u-1" } });
    await platform(mx, "POST", "/users", { user: { id: "u-2" } });
    const updated = await platform(mx, "PUT", "/users/u-1", { user: { is_disabled: true } });
    const taken = await platform(mx, "PUT", "/users/u-1", { user: { id: "u-2" } });
    const renamed = await platform(mx, "PUT", "/users/u-1", { user: { id: "u-3" } });
    const read = await platform(mx, "GET", "/users/u-3");
    const gone = await platform(mx, "GET", "/users/u-1");
    const deleted = await platform(mx, "DELETE", "/users/u-3");

    expect(updated.body).toMatchObject({ user: { id: "u-1", is_disabled: true } });
    expect(taken.status).toBe(409);
    expect(renamed.body).toMatchObject({ user: { id: "u-3" } });
    expect(read.body).toEqual(renamed.body);
    expect(gone.status).toBe(404);
    expect(deleted).toMatchObject({ status: 204, type: null });
    expect([...mx.state.users.values()].map(({ id }) => id)).toEqual(["u-2"]);
  });

  it("lists by id, address and state, in pages", async () => {
    await using mx = await startSimulator();
    for (let n = 1; n <= 30; n += 1) {
      mx.state.createUser({ id: `u-${n}`, email: `u${n % 2}@example.com`, isDisabled: n > 28 });
    }
    const list = async (query: string) => (await platform(mx, "GET", `/users?${query}`)).body;

    expect(await list("id=u-7")).toMatchObject({ users: [{ id: "u-7" }] });
    expect(await list("id=nobody")).toMatchObject({ users: [], pagination: { total_entries: 0 } });
    expect((await list("email=u1@example.com")).users).toHaveLength(15);
    expect((await list("is_disabled=true")).users).toHaveLength(2);
    expect(await list("page=2&records_per_page=12")).toMatchObject({
      users: { length: 12, 0: { id: "u-13" } },
      pagination: { current_page: 2, per_page: 12, total_entries: 30, total_pages: 3 },
    });
    expect(await list("records_per_page=5000")).toMatchObject({ pagination: { per_page: 25 } });
  });

  it("asks for the right credentials", async () => {
    await using mx = await startSimulator({ credentials: { apiKey: "with:colon & é" } });
    const wrong = await platform(mx, "GET", "/users", undefined, { authorization: "Basic eDp5" });
    const right = await platform(mx, "GET", "/users");
    expect(wrong).toMatchObject({ status: 401, body: { error: { type: "unauthorized_error" } } });
    expect(right.status).toBe(200);
  });

  it.each([
    ["no version", {}],
    ["an unknown version", { "accept-version": "v20990101" }],
    ["the old media type alone", { accept: "application/vnd.mx.api.v1+json" }],
  ])("answers %s with a 406", async (_case, headers) => {
    await using mx = await startSimulator();
    const authorization = basic(mx);
    const res = await fetch(`${mx.platformUrl}/users`, { headers: { authorization, ...headers } });
    expect(res.status).toBe(406);
  });

  it("takes only MX's guid in the paths of v20111101, and answers in its media type", async () => {
    await using mx = await startSimulator();
    const { guid } = mx.state.createUser({ id: "u-1" });
    const old = { "accept-version": "v20111101" };
    const byId = await platform(mx, "POST", "/users/u-1/widget_urls", CONNECT, old);
    const byGuid = await platform(mx, "POST", `/users/${guid}/widget_urls`, CONNECT, old);

    expect(byId.status).toBe(404);
    expect(byGuid).toMatchObject({ status: 200, type: expect.stringMatching(/vnd.mx.api.v1/) });
  });

  it("does not see a new User for a moment, but knows that the id is taken", async () => {
    await using mx = await startSimulator({ propagationMs: 60_000 });
    const { body } = await platform(mx, "POST", "/users", { user: { id: "u-1" } });
    const path = `/users/${body.user.guid}`;
    const early = [
      await platform(mx, "GET", path),
      await platform(mx, "POST", "/users/u-1/widget_urls", CONNECT),
      await platform(mx, "POST", "/users", { user: { id: "u-1" } }),
    ];
    const earlyList = await platform(mx, "GET", "/users?id=u-1");
    mx.advance(60_000);
    const late = await platform(mx, "POST", "/users/u-1/widget_urls", CONNECT);

    expect(early.map(({ status }) => status)).toEqual([404, 404, 409]);
    expect(earlyList.body.users).toEqual([]);
    expect(late.status).toBe(200);
  });

  it("gives a new URL for every request, and takes note of what was asked for", async () => {
    await using mx = await startSimulator();
    mx.state.createUser({ id: "u-1" });
    const body = { widget_url: { ...CONNECT.widget_url, color_scheme: "dark", not_known: 1 } };
    const headers = { "accept-language": "fr-CA", "x-callback-payload": "abc=" };
    const one = await platform(mx, "POST", "/users/u-1/widget_urls", body, headers);
    const two = await platform(mx, "POST", "/users/u-1/widget_urls", body, headers);

    expect(one.body).toEqual({
      widget_url: { type: "connect_widget", url: expect.any(String), user_id: "u-1" },
    });
    expect(one.body.widget_url.url).toMatch(`${mx.widgetUrl}/md/connect/`);
    expect(one.body.widget_url.url).not.toBe(two.body.widget_url.url);
    expect([...mx.state.widgetTickets.values()]).toMatchObject([
      { options: { widget_type: "connect_widget", color_scheme: "dark" }, acceptLanguage: "fr-CA" },
      {},
    ]);
    expect(mx.calls.all[0]).toMatchObject({
      operation: "platform.request_widget_url",
      path: "/users/u-1/widget_urls",
      headers: { "accept-language": "fr-CA", "x-callback-payload": "abc=" },
      body,
      status: 200,
    });
  });

  it.each([
    ["no root", {}, 400],
    ["no widget type", { widget_url: { color_scheme: "dark" } }, 400],
    ["an unknown widget type", { widget_url: { widget_type: "toast_widget" } }, 422],
    ["a version as text", { widget_url: { ...CONNECT.widget_url, ui_message_version: "4" } }, 422],
  ])("refuses a widget URL for %s", async (_case, body, status) => {
    await using mx = await startSimulator();
    mx.state.createUser({ id: "u-1" });
    const answer = await platform(mx, "POST", "/users/u-1/widget_urls", body);
    expect(answer).toMatchObject({ status, body: { error: { message: expect.any(String) } } });
  });

  it("limits the requests of a second", async () => {
    await using mx = await startSimulator({ now: () => 0 });
    mx.settings.requestsPerSecond = 2;
    const answers = [];
    for (let n = 0; n < 3; n += 1) answers.push(await platform(mx, "GET", "/users"));
    mx.advance(1000);
    answers.push(await platform(mx, "GET", "/users"));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429, 200]);
  });
});

describe("both APIs", () => {
  it("work on the same Users", async () => {
    await using mx = await startSimulator();
    const created = await sso(mx, "POST", "/user", { external_user_guid: "u-1" });
    const read = await platform(mx, "GET", "/users/u-1");
    expect(read.body.user.guid).toBe(created.body.guid);
  });

  it("lose a User that MX deletes on its own, with the Members and open URLs", async () => {
    await using mx = await startSimulator();
    const { guid } = mx.state.createUser({ id: "u-1" });
    mx.state.createMember({ id: "M-u-1", userGuid: guid, credentials: USERKEY });
    const { body } = await sso(mx, "GET", "/user/u-1");
    mx.deleteUser("u-1");

    expect((await sso(mx, "GET", "/user/u-1")).status).toBe(400);
    expect((await sso(mx, "GET", "/member/M-u-1")).status).toBe(500);
    expect((await platform(mx, "GET", `/users/${guid}`)).status).toBe(404);
    expect((await fetch(body.master_widget_url)).status).toBe(410);
    expect((await sso(mx, "POST", "/user", { external_user_guid: "u-1" })).status).toBe(200);
  });

  it("are not shared between two simulators", async () => {
    await using one = await startSimulator();
    await using other = await startSimulator();
    one.state.createUser({ id: "u-1" });
    one.failNext({ kind: "status", status: 502 });
    expect((await sso(other, "GET", "/user/u-1")).status).toBe(400);
    expect(one.calls.count).toBe(0);
  });
});

describe("a widget URL", () => {
  it("opens a page that any origin may embed, once", async () => {
    await using mx = await startSimulator();
    const url = await requestUrl(mx);
    const first = await fetch(url);
    const second = await fetch(url);

    expect(first.status).toBe(200);
    expect(first.headers.get("x-frame-options")).toBeNull();
    expect(first.headers.get("content-security-policy")).toMatch(
      /^default-src 'none'; script-src 'self'; style-src 'self';/,
    );
    expect(first.headers.get("content-security-policy")).not.toMatch(/frame-ancestors|unsafe/);
    expect(await first.text()).toContain("This is a simulated MX widget");
    expect(second.status).toBe(410);
    expect(await second.text()).toContain("This link has expired");
  });

  it("expires after ten minutes", async () => {
    await using mx = await startSimulator();
    const [early, late] = [await requestUrl(mx), await requestUrl(mx)];
    mx.advance(TEN_MINUTES - 10_000);
    expect((await fetch(early)).status).toBe(200);
    mx.advance(10_000);
    expect((await fetch(late)).status).toBe(410);
  });

  it("is not used up by HEAD", async () => {
    await using mx = await startSimulator();
    const url = await requestUrl(mx);
    await fetch(url, { method: "HEAD" });
    expect((await fetch(url)).status).toBe(200);
  });

  it("opens only the widget that it was made for", async () => {
    await using mx = await startSimulator();
    const url = await requestUrl(mx);
    expect((await fetch(url.replace("/md/connect/", "/raja/master/"))).status).toBe(410);
    expect((await fetch(url)).status).toBe(200);
  });

  it("of one SSO read opens each of seven widgets once", async () => {
    await using mx = await startSimulator();
    mx.state.createUser({ id: "u-1" });
    const { body } = await sso(mx, "GET", "/user/u-1");
    expect((await fetch(body.master_widget_url)).status).toBe(200);
    expect((await fetch(body.budgets_widget_url)).status).toBe(200);
    expect((await fetch(body.master_widget_url)).status).toBe(410);
  });

  it("shows what was asked for, as text", async () => {
    await using mx = await startSimulator();
    const html = await (
      await fetch(await requestUrl(mx, { color_scheme: "dark", mode: "<script>alert(1)</script>" }))
    ).text();
    expect(html).toContain('data-color-scheme="dark"');
    expect(html).not.toContain("<script>alert");
  });

  it.each([
    ["connect_widget", "fr-CA,fr;q=0.9", undefined, "fr"],
    ["connect_widget", "de,es;q=0.5", "fr-CA", "es"],
    ["budgets_widget", "es", "fr-CA", "fr"],
    ["budgets_widget", "de", undefined, "en"],
  ])(
    "speaks the language: %s, Accept-Language %s, locale %s",
    async (type, asked, locale, lang) => {
      await using mx = await startSimulator();
      mx.state.createUser({ id: "u-1" });
      const body = { widget_url: { widget_type: type, locale } };
      const headers = { "accept-language": asked };
      const answer = await platform(mx, "POST", "/users/u-1/widget_urls", body, headers);
      const html = await (await fetch(answer.body.widget_url.url)).text();
      expect(html).toContain(`<html lang="${lang}"`);
    },
  );
});

describe("latency and depth", () => {
  it("counts the round trips that had to be waited for, not the calls", async () => {
    await using mx = await startSimulator({ latencyMs: 30 });
    await Promise.all([sso(mx, "GET", "/user/u-1"), sso(mx, "GET", "/member/M-u-1")]);
    expect(mx.calls.depth()).toBe(1);
    await sso(mx, "POST", "/user", { external_user_guid: "u-1" });
    await Promise.all([
      sso(mx, "POST", "/member", {
        external_user_guid: "u-1",
        external_member_guid: "M-u-1",
        credentials: USERKEY,
      }),
      platform(mx, "POST", "/users/u-1/widget_urls", CONNECT),
    ]);
    expect(mx.calls.depth()).toBe(3);
    expect(mx.calls.count).toBe(5);
    mx.calls.clear();
    expect(mx.calls.depth()).toBe(0);
  });

  it("takes as long as it is told", async () => {
    using clock = stopClock();
    await using mx = await startSimulator();
    mx.settings.latencyMs = 100;
    expect((await clock.run(sso(mx, "GET", "/user/u-1"))).ms).toBe(100);
  });

  it("lets one of two creates win, at any latency", async () => {
    for (const latencyMs of [0, 20]) {
      await using mx = await startSimulator({ latencyMs });
      const create = () => sso(mx, "POST", "/user", { external_user_guid: "u-1" });
      const answers = await Promise.all([create(), create()]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 400]);
      expect(mx.state.created.users).toBe(1);
    }
  });

  it("records keys byte for byte", async () => {
    const credentials = { ssoKey: "a&b+c%d#e f=é", clientGuid: "CLT-&=%2B" };
    await using mx = await startSimulator({ credentials });
    expect((await sso(mx, "GET", "/user/u-1")).status).toBe(400);
    expect(mx.calls.all[0]?.query).toEqual({ k: credentials.ssoKey, c: credentials.clientGuid });
  });
});

describe("a hook", () => {
  it("runs once, just before the call that it waits for is applied", async () => {
    await using mx = await startSimulator();
    mx.before("sso.create_user", () => void mx.state.createUser({ id: "u-1" }));
    await sso(mx, "GET", "/user/u-1");
    const lost = await sso(mx, "POST", "/user", { external_user_guid: "u-1" });
    mx.deleteUser("u-1");
    const won = await sso(mx, "POST", "/user", { external_user_guid: "u-1" });
    expect([lost.status, won.status]).toEqual([400, 200]);
  });
});

describe("a fault", () => {
  it("hits the calls it was meant for, as often as was said", async () => {
    await using mx = await startSimulator();
    mx.failNext({ kind: "status", status: 503 }, { operation: "sso.read_user", times: 2 });
    const paths = ["/member/M-1", "/user/u-1", "/user/u-1", "/user/u-1"];
    const statuses = [];
    for (const path of paths) statuses.push((await sso(mx, "GET", path)).status);
    expect(statuses).toEqual([500, 503, 503, 400]);
  });

  it("can last until it is cleared", async () => {
    await using mx = await startSimulator();
    mx.failNext({ kind: "status", status: 502 }, { times: Number.POSITIVE_INFINITY });
    for (let n = 0; n < 5; n += 1) expect((await sso(mx, "GET", "/user/u")).status).toBe(502);
    mx.clearFaults();
    expect((await sso(mx, "GET", "/user/u")).status).toBe(400);
  });

  it("of a status speaks as the API does, or as it is told", async () => {
    await using mx = await startSimulator();
    const headers = { "Retry-After": "1" };
    mx.failNext({ kind: "status", status: 429, headers }, { operation: "platform.list_users" });
    mx.failNext({ kind: "status", status: 502 }, { operation: "sso.read_user" });
    mx.failNext({ kind: "status", status: 503 }, { operation: "sso.read_user" });
    mx.failNext({ kind: "status", status: 500, body: { error: "x" } });

    const limited = await platform(mx, "GET", "/users");
    expect(limited).toMatchObject({
      status: 429,
      body: { error: { type: "too_many_requests_error" } },
    });
    expect(limited.headers.get("retry-after")).toBe("1");
    expect(await sso(mx, "GET", "/user/u")).toMatchObject({ status: 502, text: "" });
    expect((await sso(mx, "GET", "/user/u")).body).toEqual({
      error: "Service Temporarily Unavailable.",
    });
    expect((await sso(mx, "GET", "/user/u")).body).toEqual({ error: "x" });
  });

  it.each([true, false])("of a status can strike after the work was done: %s", async (applied) => {
    await using mx = await startSimulator();
    mx.failNext({ kind: "status", status: 502, applied });
    const answer = await sso(mx, "POST", "/user", { external_user_guid: "u-1" });
    expect(answer.status).toBe(502);
    expect(mx.state.created.users).toBe(applied ? 1 : 0);
  });

  it.each([
    ["before", 0],
    ["after", 1],
  ] as const)("resets the connection %s the work", async (when, users) => {
    await using mx = await startSimulator();
    mx.failNext({ kind: "reset", when });
    const call = sso(mx, "POST", "/user", { external_user_guid: "u-1" });
    await expect(call).rejects.toMatchObject({ cause: { code: "ECONNRESET" } });
    expect(mx.state.created.users).toBe(users);
    expect(mx.calls.all).toMatchObject([{ status: undefined, endedAt: expect.any(Number) }]);
  });

  it.each([true, false])("keeps silent, work done: %s", async (applied) => {
    await using mx = await startSimulator();
    mx.failNext({ kind: "silence", applied });
    const res = fetch(ssoUrl(mx, "/user"), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ external_user_guid: "u-1" }),
      signal: AbortSignal.timeout(200),
    });
    await expect(res).rejects.toThrow(/timeout/);
    expect(mx.state.created.users).toBe(applied ? 1 : 0);
  });

  it("delays the work, or the answer to it", async () => {
    await using mx = await startSimulator();
    for (const applied of [false, true]) {
      mx.calls.clear();
      mx.failNext({ kind: "delay", ms: 100, applied });
      const before = mx.state.created.users;
      const call = sso(mx, "POST", "/user", { external_user_guid: `u-${applied}` });
      while (mx.calls.count === 0) await new Promise(setImmediate);
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(mx.state.created.users - before).toBe(applied ? 1 : 0);
      expect((await call).status).toBe(200);
    }
  });

  it("sends any text instead of an answer", async () => {
    await using mx = await startSimulator();
    mx.failNext({ kind: "raw", body: "<h1>Maintenance</h1>", contentType: "text/html" });
    mx.failNext({ kind: "raw", body: "[]", status: 201 });
    const html = await fetch(ssoUrl(mx, "/user/u-1"));
    const list = await fetch(ssoUrl(mx, "/user/u-1"));
    expect([html.status, html.headers.get("content-type")]).toEqual([200, "text/html"]);
    expect([list.status, await list.json()]).toEqual([201, []]);
  });

  it("breaks an answer off in the middle, with the work done", async () => {
    await using mx = await startSimulator();
    mx.failNext({ kind: "truncate" });
    const res = await fetch(ssoUrl(mx, "/user"), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ external_user_guid: "u-1" }),
    });
    expect(res.status).toBe(200);
    await expect(res.text()).rejects.toThrow();
    expect(mx.state.created.users).toBe(1);
  });

  it("makes a thing absent, in the words of each call", async () => {
    await using mx = await startSimulator();
    const { guid } = mx.state.createUser({ id: "u-1" });
    mx.state.createMember({ id: "M-u-1", userGuid: guid, credentials: USERKEY });
    mx.failNext({ kind: "absent" }, { times: 4 });
    expect((await sso(mx, "GET", "/user/u-1")).body.error).toBe("User with guid u-1 not found.");
    expect((await sso(mx, "GET", "/member/M-u-1")).body.error).toBe("Member not found.");
    expect((await platform(mx, "GET", "/users/u-1")).status).toBe(404);
    expect((await platform(mx, "GET", "/users?id=u-1")).body.users).toEqual([]);
    expect((await platform(mx, "GET", "/users?id=u-1")).body.users).toHaveLength(1);
  });

  it("speaks of somebody else", async () => {
    await using mx = await startSimulator();
    const { guid } = mx.state.createUser({ id: "u-1" });
    mx.failNext({ kind: "wrongUser" }, { times: 3 });
    const user = await sso(mx, "GET", "/user/u-1");
    const platformUser = await platform(mx, "GET", "/users/u-1");
    const url = await platform(mx, "POST", "/users/u-1/widget_urls", CONNECT);
    expect(user.body.guid).not.toBe(guid);
    expect(user.body.external_user_guid).not.toBe("u-1");
    expect(platformUser.body.user.id).not.toBe("u-1");
    expect(url.body.widget_url.user_id).not.toBe("u-1");
    expect(url.body.widget_url.url).toContain(mx.widgetUrl);
  });
});

describe("control by hand", () => {
  it("sets faults, the clock and the settings, and deletes Users", async () => {
    await using mx = await startSimulator();
    mx.state.createUser({ id: "u-1" });
    const url = await requestUrl(mx);
    const send = (method: string, path: string, body?: object) =>
      fetch(mx.controlUrl + path, {
        method,
        headers: { "content-type": "application/json" },
        ...(body && { body: JSON.stringify(body) }),
      });

    const fault = { kind: "status", status: 503, operation: "sso.read_user", times: "always" };
    expect((await send("POST", "/faults", fault)).status).toBe(204);
    expect((await sso(mx, "GET", "/user/u-1")).status).toBe(503);
    expect((await send("DELETE", "/faults")).status).toBe(204);
    expect((await sso(mx, "GET", "/user/u-1")).status).toBe(200);

    await send("POST", "/clock", { advanceMs: TEN_MINUTES });
    expect((await fetch(url)).status).toBe(410);
    await send("POST", "/settings", { propagationMs: 700_000 });
    expect((await platform(mx, "GET", "/users/u-1")).status).toBe(404);
    expect((await send("DELETE", "/users/u-1")).status).toBe(204);
    expect((await send("DELETE", "/users/u-1")).status).toBe(404);
  });

  it("shows what there is, and no credentials", async () => {
    await using mx = await startSimulator();
    mx.state.createUser({ id: "u-1" });
    mx.failNext({ kind: "absent" }, { times: Number.POSITIVE_INFINITY });
    const text = await (await fetch(mx.controlUrl)).text();
    expect(JSON.parse(text)).toMatchObject({
      users: [{ id: "u-1", members: [] }],
      created: { users: 1 },
      calls: { all: 0 },
      faults: [{ fault: { kind: "absent" }, timesLeft: "always" }],
      settings: { latencyMs: 0 },
    });
    for (const secret of Object.values(mx.credentials)) expect(text).not.toContain(secret);
  });

  it.each([
    ["/faults", '{"kind":"flood"}', /kind/],
    ["/faults", '{"kind":"status"}', /status/],
    ["/faults", '{"kind":"absent","operation":"sso.fly"}', /operation/],
    ["/faults", '{"kind":"absent","tiems":2}', /tiems/],
    ["/clock", '{"advanceMs":-1}', /advanceMs/],
    ["/clock", "", /./],
    ["/settings", '{"latency":1}', /latency/],
    ["/settings", "{", /not JSON/],
  ])("explains what is wrong with POST %s %s", async (path, body, reason) => {
    await using mx = await startSimulator();
    const headers = { "content-type": "application/json" };
    const res = await fetch(mx.controlUrl + path, { method: "POST", headers, body });
    const { error } = (await res.json()) as { error: string };
    expect(res.status).toBe(400);
    expect(error).toMatch(reason);
  });

  it("may be used by any page", async () => {
    await using mx = await startSimulator();
    const res = await fetch(`${mx.controlUrl}/faults`, { method: "OPTIONS" });
    expect(res.status).toBe(204);
    expect(res.headers.get("access-control-allow-origin")).toBe("*");
  });
});

describe("the simulator as a whole", () => {
  it("closes at once, with whatever hangs on it", async () => {
    const mx = await startSimulator();
    mx.failNext({ kind: "silence" });
    mx.failNext({ kind: "delay", ms: 60_000 });
    const hanging = [sso(mx, "GET", "/user/a"), sso(mx, "GET", "/user/b")].map((call) =>
      call.then(
        () => "answered",
        () => "closed",
      ),
    );
    const idle = connect(Number(new URL(mx.ssoUrl).port), "127.0.0.1");
    await once(idle, "connect");
    while (mx.calls.count < 2) await new Promise(setImmediate);

    await mx[Symbol.asyncDispose]();
    expect(await Promise.all(hanging)).toEqual(["closed", "closed"]);
    await mx[Symbol.asyncDispose]();
  });

  it("leaves nothing behind when a port is taken", async () => {
    await using mx = await startSimulator();
    const ssoPort = Number(new URL(mx.ssoUrl).port);
    await expect(startSimulator({ ssoPort })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });

  it("stands fifty pairs of simultaneous first logins", async () => {
    await using mx = await startSimulator({ latencyMs: 5 });
    const login = async (id: string) => {
      const member = { external_user_guid: id, external_member_guid: `M-${id}` };
      await sso(mx, "GET", `/user/${id}`);
      await sso(mx, "POST", "/user", { external_user_guid: id });
      await sso(mx, "POST", "/member", { ...member, credentials: USERKEY });
      return (await sso(mx, "GET", `/user/${id}`)).body.master_widget_url;
    };
    const ids = Array.from({ length: 50 }, (_, n) => `u-${n}`);
    const urls = await Promise.all([...ids, ...ids].map(login));

    expect(new Set(urls).size).toBe(100);
    expect(mx.state.created).toMatchObject({ users: 50, members: 50 });
    expect(mx.calls.count).toBe(400);
  });
});

describe("the identity provider", () => {
  it.each(["RS256", "PS256", "ES256", "EdDSA"] as const)("signs with %s", async (algorithm) => {
    await using issuer = await startIdentityProvider({ algorithm });
    const token = await issuer.issueToken("ada");
    const keys = createRemoteJWKSet(new URL(issuer.jwksUrl));
    const expected = { issuer: issuer.issuer, audience: "mx-session-bff" };
    const { payload, protectedHeader } = await jwtVerify(token, keys, expected);
    expect(protectedHeader).toMatchObject({ alg: algorithm, typ: "JWT" });
    expect(payload).toMatchObject({ sub: "ada", given_name: "Ada" });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(300);
    expect(issuer.requests).toMatchObject({ discovery: 0, jwks: 1 });
  });

  it("describes itself", async () => {
    await using issuer = await startIdentityProvider();
    const res = await fetch(`${issuer.issuer}/.well-known/openid-configuration`);
    expect(await res.json()).toMatchObject({ issuer: issuer.issuer, jwks_uri: issuer.jwksUrl });
    expect(issuer.requests.discovery).toBe(1);
  });

  it("logs a demo user in, from any page", async () => {
    await using issuer = await startIdentityProvider();
    const login = (user: unknown) =>
      fetch(`${issuer.issuer}/token`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ user }),
      });
    const known = await login("grace");
    expect(known.headers.get("access-control-allow-origin")).toBe("*");
    expect(await known.json()).toMatchObject({ token_type: "Bearer", expires_in: 300 });
    for (const user of ["nobody", "toString", 7]) expect((await login(user)).status).toBe(400);
  });

  it("gives the bare token of a demo user to a shell", async () => {
    await using issuer = await startIdentityProvider();
    const res = await fetch(`${issuer.issuer}/token/grace`);
    expect(res.headers.get("cache-control")).toBe("no-store");
    const keys = createRemoteJWKSet(new URL(issuer.jwksUrl));
    const { payload } = await jwtVerify(await res.text(), keys, { issuer: issuer.issuer });
    expect(payload.sub).toBe("grace");
    for (const user of ["nobody", "toString", "__proto__"])
      expect((await fetch(`${issuer.issuer}/token/${user}`)).status).toBe(404);
  });

  it("is printed by the command with a line that sets TOKEN", async () => {
    const ports = ["platform", "sso", "widget", "login", "sso-v3", "mdx"];
    const bin = new URL("../../packages/simulator/bin/mx-simulator.cjs", import.meta.url).pathname;
    const args = [bin, ...ports.flatMap((name) => [`--${name}-port`, "0"])];
    await using command = await startScript(args, /^ {2}TOKEN=\$\(curl -s (\S+)\)$/);
    const token = await (await fetch(command.found)).text();
    expect(decodeProtectedHeader(token)).toMatchObject({ typ: "JWT" });
  });

  it("changes and leaves out whatever a test wants", async () => {
    await using issuer = await startIdentityProvider({ now: () => 1_000_000 });
    const token = await issuer.issueToken("u-1", {
      claims: { aud: undefined, exp: "soon", org: "a" },
      header: { kid: undefined, typ: "at+jwt", crit: ["x"], x: 1 },
    });
    const payload = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
    expect(payload).toEqual({ iss: issuer.issuer, sub: "u-1", iat: 1000, exp: "soon", org: "a" });
    expect(decodeProtectedHeader(token)).toEqual({
      alg: "RS256",
      typ: "at+jwt",
      crit: ["x"],
      x: 1,
    });
  });

  it("signs with a key that it never published", async () => {
    await using issuer = await startIdentityProvider();
    const token = await issuer.issueToken("ada", { foreignKey: true });
    const keys = createRemoteJWKSet(new URL(issuer.jwksUrl));
    await expect(jwtVerify(token, keys)).rejects.toThrow("signature verification failed");
  });

  it("rotates its keys, and keeps the old one for a while", async () => {
    await using issuer = await startIdentityProvider({ algorithm: "ES256" });
    const old = await issuer.issueToken("ada");
    const publish = async () =>
      createLocalJWKSet((await (await fetch(issuer.jwksUrl)).json()) as never);
    await issuer.rotateKeys();
    await jwtVerify(old, await publish());
    await jwtVerify(await issuer.issueToken("ada"), await publish());
    await issuer.rotateKeys({ keepOld: false });
    await expect(jwtVerify(old, await publish())).rejects.toThrow("no applicable key");
  });

  it("fails in the ways in which issuers fail", async () => {
    await using issuer = await startIdentityProvider();
    const caller = new AbortController();
    const ask = () => fetch(issuer.jwksUrl, { redirect: "manual", signal: caller.signal });
    issuer.fail("500");
    expect((await ask()).status).toBe(500);
    issuer.fail("html");
    expect((await ask()).headers.get("content-type")).toMatch("text/html");
    issuer.fail("redirect");
    expect((await ask()).status).toBe(302);
    expect((await fetch(issuer.jwksUrl)).status).toBe(200);
    issuer.fail("huge");
    expect((await (await fetch(issuer.jwksUrl)).text()).length).toBeGreaterThan(10_000_000);
    issuer.fail("silence");
    const hung = ask().catch(() => "no answer");
    await expect.poll(() => issuer.requests.jwks).toBe(6);
    issuer.fail(undefined);
    expect((await ask()).status).toBe(200);
    caller.abort();
    expect(await hung).toBe("no answer");
    expect(issuer.requests.jwks).toBe(7);
  });
});

type Received = {
  status: number;
  type: string | null;
  headers: Headers;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: the tests look into answers of many shapes.
  body: any;
};

async function receive(res: Response): Promise<Received> {
  const text = await res.text();
  return {
    status: res.status,
    type: res.headers.get("content-type"),
    headers: res.headers,
    text,
    body: text === "" ? undefined : JSON.parse(text),
  };
}

function ssoUrl(
  mx: Simulator,
  path: string,
  query: { k?: string | undefined; c?: string | undefined } = {},
): string {
  const { k, c } = { k: mx.credentials.ssoKey, c: mx.credentials.clientGuid, ...query };
  const given = Object.entries({ k, c }).filter(([, value]) => value !== undefined);
  return `${mx.ssoUrl}${path}?${new URLSearchParams(given as [string, string][])}`;
}

async function sso(mx: Simulator, method: string, path: string, body?: object): Promise<Received> {
  const sent = body && {
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  };
  return receive(await fetch(ssoUrl(mx, path), { method, ...sent }));
}

function basic({ credentials }: Simulator): string {
  const pair = `${credentials.clientId}:${credentials.apiKey}`;
  return `Basic ${Buffer.from(pair).toString("base64")}`;
}

async function platform(
  mx: Simulator,
  method: string,
  path: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<Received> {
  const usual = {
    authorization: basic(mx),
    "accept-version": "v20250224",
    "content-type": "application/json",
  };
  const res = await fetch(mx.platformUrl + path, {
    method,
    headers: { ...usual, ...headers },
    ...(body && { body: JSON.stringify(body) }),
  });
  return receive(res);
}

/** A URL of the Connect widget, for a User who is made on the way. */
async function requestUrl(mx: Simulator, options: object = {}): Promise<string> {
  if (!mx.state.findUser("u-1")) mx.state.createUser({ id: "u-1" });
  const body = { widget_url: { ...CONNECT.widget_url, ...options } };
  const answer = await platform(mx, "POST", "/users/u-1/widget_urls", body);
  return answer.body.widget_url.url;
}
