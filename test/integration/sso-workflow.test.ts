/**
 * MX's guide for the SSO workflow, step by step, with the SSO API alone.
 *
 * Source: MX SSO API v2, Guide, "Basic SSO API workflow".
 */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import type { Simulator } from "../../packages/simulator/src/simulator.ts";
import { stopClock } from "../support/clock.ts";
import { type Started, start } from "../support/start.ts";

/** The operations MX was asked for, without those that were only looked at before. */
function operations(mx: Simulator): string[] {
  return mx.calls.all.map((call) => call.operation);
}

async function loggedInOnce(service: Started, subject = "ada"): Promise<void> {
  expect((await service.post(subject)).status).toBe(200);
  service.mx.calls.clear();
}

/** What stands in MX's answer to this call, as far as it is about URLs. */
function urlTokens(mx: Simulator): string[] {
  return [...mx.state.widgetTickets.keys()];
}

describe("POST /session with the SSO API", () => {
  it("creates User and Member for a new user", async () => {
    await using service = await start({ apis: "sso" });

    const response = await service.post("ada");

    expect(response.status).toBe(200);
    expect(operations(service.mx).toSorted()).toEqual([
      "sso.create_member",
      "sso.create_user",
      "sso.read_member",
      "sso.read_user",
    ]);
    const user = service.mx.state.findUser("ada");
    const member = service.mx.state.findMember("M-ada");
    expect(member?.userGuid).toBe(user?.guid);
    expect(member?.credentials).toEqual([
      { field_name: "userkey", response: expect.stringMatching(/^[\w-]{43}$/) },
    ]);
  });

  it("passes the profile of a new user on, in MX's formats", async () => {
    await using service = await start({ apis: "sso" });

    await service.post("ada");

    const claims = service.issuer.users.ada as Record<string, string>;
    expect(service.mx.calls.of("sso.create_user")[0]?.body).toMatchObject({
      external_user_guid: "ada",
      first_name: claims.given_name,
      last_name: claims.family_name,
      email: claims.email,
      phone: expect.stringMatching(/^\d{10}$/),
      birthdate: claims.birthdate,
      sex: "FEMALE",
      zip_code: "84049-4710",
    });
  });

  it("creates the Member for a known user who has none", async () => {
    await using service = await start({ apis: "sso" });
    service.mx.state.createUser({ id: "ada" });

    const response = await service.post("ada");

    expect(response.status).toBe(200);
    expect(operations(service.mx).toSorted()).toEqual([
      "sso.create_member",
      "sso.read_member",
      "sso.read_user",
    ]);
    expect(service.mx.state.findMember("M-ada")).toBeDefined();
  });

  it("only reads for a known user and Member with a permanent userkey", async () => {
    await using service = await start({ apis: "sso" });
    await loggedInOnce(service);

    expect((await service.post("ada")).status).toBe(200);

    expect(operations(service.mx).toSorted()).toEqual(["sso.read_member", "sso.read_user"]);
  });

  it("sends nothing with a Member but its ids and its credentials", async () => {
    const environment = {
      MEMBER_CREDENTIALS: "claim",
      MEMBER_USERKEY_SECRET: undefined,
      MEMBER_USERKEY_CLAIM: "sub",
      MEMBER_USERKEY_EXPIRES: "true",
    };
    await using service = await start({ apis: "sso", environment });
    await service.post("ada");
    await service.post("ada");

    const credentials = [{ field_name: "userkey", response: "ada" }];
    expect(service.mx.calls.of("sso.create_member").map(({ body }) => body)).toEqual([
      { external_user_guid: "ada", external_member_guid: "M-ada", credentials },
    ]);
    expect(service.mx.calls.of("sso.update_member").map(({ body }) => body)).toEqual([
      { credentials },
    ]);
  });

  it("updates an expiring userkey on each login", async () => {
    const environment = {
      MEMBER_CREDENTIALS: "claim",
      MEMBER_USERKEY_CLAIM: "mx_userkey",
      MEMBER_USERKEY_EXPIRES: "true",
    };
    await using service = await start({
      apis: "sso",
      environment: { ...environment, MEMBER_USERKEY_SECRET: undefined },
    });
    const login = async (userkey: string) => {
      const token = await service.issuer.issueToken("ada", { claims: { mx_userkey: userkey } });
      return service.check(service.request().set("Authorization", `Bearer ${token}`));
    };
    await login("first");
    expect(service.mx.state.findMember("M-ada")).toMatchObject({ timesUpdated: 0 });

    for (const userkey of ["second", "third"]) {
      service.mx.calls.clear();
      expect((await login(userkey)).status).toBe(200);
      expect(operations(service.mx).at(-1)).toBe("sso.update_member");
      expect(service.mx.state.findMember("M-ada")?.credentials).toEqual([
        { field_name: "userkey", response: userkey },
      ]);
    }
    expect(service.mx.state.findMember("M-ada")).toMatchObject({ timesUpdated: 2 });
  });

  it("updates login and password on each login", async () => {
    await using lookup = await startLookup({ login: "ada.b", password: "correct horse" });
    await using service = await start({ apis: "sso", environment: lookup.environment });
    await loggedInOnce(service);

    expect((await service.post("ada")).status).toBe(200);

    expect(operations(service.mx).toSorted()).toEqual([
      "sso.read_member",
      "sso.read_user",
      "sso.update_member",
    ]);
    expect(service.mx.state.findMember("M-ada")?.credentials).toEqual([
      { field_name: "login", response: "ada.b" },
      { field_name: "password", response: "correct horse" },
    ]);
    expect(lookup.requests.at(-1)).toEqual({
      authorization: "Bearer lookup-token-for-tests",
      body: { user_id: "ada", issuer: service.issuer.issuer, subject: "ada" },
    });
  });

  it("makes a User again that MX deleted between two logins", async () => {
    await using service = await start({ apis: "sso" });
    await loggedInOnce(service);
    service.mx.deleteUser("ada");

    const response = await service.post("ada");

    expect(response.status).toBe(200);
    expect(service.mx.state.findUser("ada")).toBeDefined();
    expect(service.mx.state.findMember("M-ada")).toBeDefined();
  });

  it("heals a first login that failed between User and Member create, by the next call", async () => {
    await using service = await start({ apis: "sso" });
    service.mx.failNext(
      { kind: "status", status: 400, body: { error: "Invalid credentials" } },
      { operation: "sso.create_member" },
    );

    expect((await service.post("ada")).status).toBe(502);
    expect(service.mx.state.findMember("M-ada")).toBeUndefined();

    expect((await service.post("ada")).status).toBe(200);
    expect(service.mx.state.created).toMatchObject({ users: 1, members: 1 });
    expect(service.mx.state.findMember("M-ada")).toBeDefined();
  });

  it("goes on with a User and a Member that somebody else created meanwhile", async () => {
    await using service = await start({ apis: "sso" });
    service.mx.before("sso.create_user", () => void service.mx.state.createUser({ id: "ada" }));
    service.mx.before("sso.create_member", () => {
      const userGuid = service.mx.state.findUser("ada")?.guid ?? "";
      service.mx.state.createMember({ id: "M-ada", userGuid, credentials: [] });
    });

    const response = await service.post("ada");

    expect(response.status).toBe(200);
    expect(service.mx.state.created).toMatchObject({ users: 1, members: 1 });
  });

  it("begins again when the User is deleted between its read and the Member create", async () => {
    await using service = await start({ apis: "sso" });
    service.mx.state.createUser({ id: "ada" });
    service.mx.before("sso.create_member", () => service.mx.deleteUser("ada"));

    const response = await service.post("ada");

    expect(response.status).toBe(200);
    expect(service.mx.state.findMember("M-ada")).toBeDefined();
  });

  it("creates the Member when it is deleted before its update", async () => {
    await using lookup = await startLookup({ userkey: "k-1", expires: true });
    await using service = await start({ apis: "sso", environment: lookup.environment });
    await loggedInOnce(service);
    const member = service.mx.state.findMember("M-ada");
    service.mx.before(
      "sso.update_member",
      () => void (member && service.mx.state.deleteMember(member)),
    );

    expect((await service.post("ada")).status).toBe(200);

    expect(service.mx.state.findMember("M-ada")).toBeDefined();
  });

  it("touches no Member of somebody else, whose id would be ours", async () => {
    await using lookup = await startLookup({ userkey: "k-1", expires: true });
    await using service = await start({ apis: "sso", environment: lookup.environment });
    const eve = service.mx.state.createUser({ id: "eve" });
    const credentials = [{ field_name: "userkey", response: "eve's" }];
    service.mx.state.createMember({ id: "M-ada", userGuid: eve.guid, credentials });

    const response = await service.post("ada");

    expect(response.body.type).toBe("/problems/upstream-bad-response");
    expect(service.mx.state.findMember("M-ada")?.credentials).toEqual(credentials);
  });

  it("makes a Member again that vanishes while its credentials are updated", async () => {
    await using lookup = await startLookup({ userkey: "k-1", expires: true });
    await using service = await start({ apis: "sso", environment: lookup.environment });
    const { guid: userGuid } = service.mx.state.createUser({ id: "ada" });
    service.mx.before("sso.create_member", () => {
      service.mx.state.createMember({ id: "M-ada", userGuid, credentials: [] });
    });
    service.mx.before("sso.update_member", () => {
      const member = service.mx.state.findMember("M-ada");
      if (member) service.mx.state.deleteMember(member);
    });

    expect((await service.post("ada")).status).toBe(200);
    expect(service.mx.state.findMember("M-ada")).toBeDefined();
  });

  it("hands out a URL of this request's own create, which expires ten minutes after it was sent", async () => {
    await using service = await start({ apis: "sso" });
    const before = Date.now();

    const { body } = await service.post("ada");

    expect(operations(service.mx)).toContain("sso.create_user");
    expectFresh(body.widget_url, before);
    expect(urlTokens(service.mx).some((token) => body.widget_url.url.includes(token))).toBe(true);
  });

  it("hands out a URL of this request's own read, a new one each time", async () => {
    await using service = await start({ apis: "sso" });
    await loggedInOnce(service);
    const known = urlTokens(service.mx);
    const before = Date.now();

    const { body } = await service.post("ada");

    expectFresh(body.widget_url, before);
    expect(known.some((token) => body.widget_url.url.includes(token))).toBe(false);
    expect(urlTokens(service.mx).some((token) => body.widget_url.url.includes(token))).toBe(true);
  });

  it("dates the URL from the read although a slow Member update followed it", async () => {
    using _clock = stopClock();
    await using lookup = await startLookup({ userkey: "k-1", expires: true });
    await using service = await start({ apis: "sso", environment: lookup.environment });
    await loggedInOnce(service);
    service.mx.failNext({ kind: "delay", ms: 1500 }, { operation: "sso.update_member" });
    const before = Date.now();

    const { body } = await service.post("ada");

    expect(Date.now() - before).toBe(1500);
    const lifetimeMs = Date.parse(body.widget_url.expires_at) - before;
    expect(lifetimeMs).toBeLessThanOrEqual(10 * 60_000);
  });

  it.each(["accounts", "budgets", "debts", "master", "net_worth", "spending", "transactions"])(
    "opens the %s widget",
    async (name) => {
      await using service = await start({ apis: "sso" });

      const { body } = await service.post("ada", { widget_url: { widget_type: `${name}_widget` } });

      expect(body.widget_url.type).toBe(`${name}_widget`);
      expect((await fetch(body.widget_url.url)).status).toBe(200);
    },
  );
});

function expectFresh(widgetUrl: { expires_at: string }, before: number): void {
  const expiresAt = Date.parse(widgetUrl.expires_at);
  expect(expiresAt).toBeGreaterThanOrEqual(before + 10 * 60_000 - 1000); // Whole seconds, rounded down.
  expect(expiresAt).toBeLessThanOrEqual(Date.now() + 10 * 60_000);
}

/** The partner's credential endpoint, answering always the same. */
async function startLookup(answer: object) {
  const requests: { authorization: string | undefined; body: unknown }[] = [];
  const server = createServer(async (req, res) => {
    const chunks = await req.toArray();
    requests.push({
      authorization: req.headers.authorization,
      body: JSON.parse(Buffer.concat(chunks).toString()),
    });
    res.setHeader("content-type", "application/json").end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    requests,
    environment: {
      MEMBER_CREDENTIALS: "lookup",
      MEMBER_USERKEY_SECRET: undefined,
      MEMBER_LOOKUP_URL: `http://127.0.0.1:${port}/credentials`,
      MEMBER_LOOKUP_TOKEN: "lookup-token-for-tests",
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}
