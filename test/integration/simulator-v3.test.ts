/**
 * The simulator's SSO API v3 and MDX Real Time, call by call.
 *
 * Source: MX SSO API v3 and MDX Real Time, with the statuses of MX's published client.
 */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Simulator, startSimulator } from "../../packages/simulator/src/simulator.ts";

const SSO = "application/vnd.moneydesktop.sso.v3+json";
const MDX = "application/vnd.moneydesktop.mdx.v5+json";

let mx: Simulator;
beforeEach(async () => {
  mx = await startSimulator();
});
afterEach(() => mx[Symbol.asyncDispose]());

type Options = { body?: object; key?: string; client?: string; accept?: string };

async function call(api: "sso" | "mdx", method: string, path: string, options: Options = {}) {
  const type = api === "sso" ? SSO : MDX;
  const { key = "demo-md-api-key", client = "demo-vendor-client", accept = type, body } = options;
  const response = await fetch(`${api === "sso" ? mx.ssoV3Url : mx.mdxUrl}/${client}${path}`, {
    method,
    headers: { "md-api-key": key, accept, ...(body && { "content-type": type }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
}

const askUrl = (id: string, url: object = { type: "connect_widget" }, options: Options = {}) =>
  call("sso", "POST", `/users/${id}/urls.json`, { body: { url }, ...options });
const createUser = (user: object) => call("mdx", "POST", "/users.json", { body: { user } });

describe("MDX Real Time", () => {
  it("makes a user once, and answers 409 from then on", async () => {
    const made = await createUser({ id: "u-1", first_name: "Ada", gender: "FEMALE" });
    expect(made).toMatchObject({ status: 200, body: { user: { id: "u-1", gender: "FEMALE" } } });
    expect(await createUser({ id: "u-1" })).toMatchObject({ status: 409 });
    expect(mx.state.created.users).toBe(1);
  });

  it.each([
    ["a name of 51 characters", { first_name: "x".repeat(51) }],
    ["an e-mail address of 101 characters", { email: `${"x".repeat(95)}@b.com` }],
    ["bad characters in the id", { id: "a b" }],
    ["a field it does not know", { middle_name: "King" }],
  ])("refuses %s with 422", async (_what, fields) => {
    expect(await createUser({ id: "u-1", ...fields })).toMatchObject({ status: 422 });
    expect(mx.state.created.users).toBe(0);
  });

  it("reads, updates and deletes a user by the partner's id alone", async () => {
    await createUser({ id: "u-1" });
    const { body } = await call("mdx", "GET", "/users/u-1.json");
    const { guid } = body.user;
    expect(guid).toMatch(/^USR-/);
    expect(await call("mdx", "GET", `/users/${guid}.json`)).toMatchObject({ status: 404 });
    const update = { body: { user: { is_disabled: true } } };
    expect(await call("mdx", "PUT", "/users/u-1.json", update)).toMatchObject({
      body: { user: { is_disabled: true } },
    });
    expect(await call("mdx", "DELETE", "/users/u-1.xml")).toMatchObject({ status: 204 });
    expect(await call("mdx", "GET", "/users/u-1.json")).toMatchObject({ status: 404 });
  });

  it("keeps one Member per id among all users", async () => {
    await createUser({ id: "u-1" });
    await createUser({ id: "u-2" });
    const body = { member: { id: "M-u-1", userkey: "key" } };
    const path = (user: string, file = "members") => `/users/${user}/${file}.json`;
    expect(await call("mdx", "GET", path("u-1", "members/M-u-1"))).toMatchObject({ status: 404 });
    expect(await call("mdx", "POST", path("u-1"), { body })).toMatchObject({
      status: 200,
      body: { member: { id: "M-u-1", user_id: "u-1" } },
    });
    expect(await call("mdx", "POST", path("u-2"), { body })).toMatchObject({ status: 409 });
    expect(await call("mdx", "GET", path("u-2", "members/M-u-1"))).toMatchObject({ status: 404 });
    const login = { body: { member: { login: "ada", password: "pw" } } };
    expect(await call("mdx", "PUT", path("u-1", "members/M-u-1"), login)).toMatchObject({
      status: 200,
    });
    expect([...mx.state.members.values()]).toMatchObject([{ timesUpdated: 1 }]);
  });

  it.each([
    ["no credentials", { id: "M-1" }],
    ["a login without a password", { id: "M-1", login: "ada" }],
    ["a userkey and a login", { id: "M-1", userkey: "k", login: "ada", password: "pw" }],
    ["an id of MX's form", { id: "MBR-1", userkey: "k" }],
  ])("refuses a Member with %s", async (_what, member) => {
    await createUser({ id: "u-1" });
    const made = await call("mdx", "POST", "/users/u-1/members.json", { body: { member } });
    expect(made).toMatchObject({ status: 422 });
  });
});

describe("SSO API v3", () => {
  it("makes a URL for one use, with the user's id beside it", async () => {
    await createUser({ id: "u-1" });
    const { status, body } = await askUrl("u-1", { type: "connect_widget", mode: "verification" });
    expect(status).toBe(200);
    expect(body.url).toMatchObject({ type: "connect_widget", user_id: "u-1" });
    expect((await fetch(body.url.url)).status).toBe(200);
    expect((await fetch(body.url.url)).status).toBe(410);
  });

  it.each([
    ["an unknown user", "u-2", {}],
    ["MX's own guid", "guid", {}],
    ["a widget that the client does not have", "u-1", { type: "pulse_widget" }],
  ])("answers 404 for %s", async (_what, id, url) => {
    const { body } = await createUser({ id: "u-1" });
    mx.settings.missingWidgets = ["pulse_widget"];
    const answer = await askUrl(id === "guid" ? body.user.guid : id, {
      type: "connect_widget",
      ...url,
    });
    expect(answer).toMatchObject({ status: 404 });
  });

  it("shows a new user only after a moment", async () => {
    mx.settings.propagationMs = 900;
    await createUser({ id: "u-1" });
    expect(await askUrl("u-1")).toMatchObject({ status: 404 });
    mx.advance(900);
    expect(await askUrl("u-1")).toMatchObject({ status: 200 });
  });

  it.each([
    ["401", "a wrong key", { key: "wrong" }],
    ["404", "another client", { client: "other" }],
    ["406", "another media type", { accept: "application/json" }],
  ])("answers %s to %s", async (status, _what, options) => {
    await createUser({ id: "u-1" });
    expect((await askUrl("u-1", undefined, options)).status).toBe(Number(status));
    const read = await call("mdx", "GET", "/users/u-1.json", options);
    expect(read.status).toBe(Number(status));
  });

  it("refuses a disabled user, and options of the wrong type", async () => {
    await createUser({ id: "u-1" });
    const wrong = { type: "connect_widget", is_mobile_webview: "yes" };
    expect(await askUrl("u-1", wrong)).toMatchObject({ status: 422 });
    await call("mdx", "PUT", "/users/u-1.json", { body: { user: { is_disabled: true } } });
    expect(await askUrl("u-1")).toMatchObject({ status: 403 });
  });
});
