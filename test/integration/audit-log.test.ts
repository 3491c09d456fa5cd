/**
 * The audit log: who, what, when, from where, with which outcome; and nothing that says more than that.
 */

import request from "supertest";
import { describe, expect, it } from "vitest";
import { startSimulator } from "../../packages/simulator/src/simulator.ts";
import { holdPlace } from "../support/hold.ts";
import { type Started, start } from "../support/start.ts";

type Line = Record<string, unknown>;

const lines = ({ log }: Started): Line[] => log.map((line) => JSON.parse(line));
const events = (service: Started) => lines(service).map((line) => line["event.name"]);

describe("the audit log", () => {
  it("says who opened a session, from where, and what was made for it", async () => {
    await using service = await start({ apis: "both" });

    const response = await service.post("ada", { widget_url: { widget_type: "connect_widget" } });

    expect(events(service)).toEqual(["mx.user.created", "mx.member.created", "session.opened"]);
    const [created, , opened] = lines(service);
    const who = {
      "event.outcome": "success",
      request_id: response.headers["x-request-id"],
      tenant: "default",
      "user.hash": expect.stringMatching(/^[\w-]{22}$/),
      "client.address": "127.0.0.1",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    };
    expect(created).toEqual({
      level: "info",
      msg: "change",
      "event.name": "mx.user.created",
      ...who,
    });
    expect(opened).toMatchObject({ ...who, "mx.widget_type": "connect_widget", msg: "request" });
  });

  it("names the same user the same, in all replicas and apart from others", async () => {
    await using one = await start();
    await using two = await start({ mx: one.mx, issuer: one.issuer });
    await one.post("ada");
    await two.post("ada");
    await two.post("bob");

    const who = (service: Started) =>
      lines(service)
        .filter((line) => line["event.name"] === "session.opened")
        .map((line) => line["user.hash"]);
    expect(who(two)[0]).toBe(who(one)[0]);
    expect(who(two)[1]).not.toBe(who(one)[0]);
  });

  it("names the same user the same after MX's keys were rotated", async () => {
    const environment = { INSTANCE_SECRET: undefined };
    await using before = await start({ apis: "both", environment });
    await using mx = await startSimulator({
      credentials: { ...before.mx.credentials, apiKey: "another-key-1", ssoKey: "another-key-2" },
    });
    await using after = await start({ apis: "both", mx, issuer: before.issuer, environment });
    await before.post("ada");
    await after.post("ada");

    const [one] = lines(before);
    const [two] = lines(after);
    expect(one?.["user.hash"]).toEqual(expect.any(String));
    expect(two?.["user.hash"]).toBe(one?.["user.hash"]);
  });

  it("says what was refused, and why", async () => {
    await using service = await start({ environment: { RATE_LIMIT_USER: "3/1m" } });
    await service.check(service.request());
    await service.post("ada", { widget_url: { nonsense: 1 } });
    service.mx.failNext({ kind: "status", status: 401 });
    await service.post("ada");
    await service.post("ada");
    await service.post("ada");
    await request(service.url).get("/openapi.yaml");

    const found = lines(service).filter(({ msg }) => msg === "request");
    expect(found.map((line) => [line["event.name"], line["event.outcome"]])).toEqual([
      ["authentication.failed", "failure"],
      ["session.refused", "failure"],
      ["session.failed", "failure"],
      ["session.opened", "success"],
      ["rate_limit.exceeded", "failure"],
      [undefined, undefined],
    ]);
    expect(found[0]).not.toHaveProperty(["user.hash"]);
    expect(found[0]).toMatchObject({
      "error.reason": "no_credential",
      "client.address": "127.0.0.1",
    });
    expect(found[4]).toMatchObject({ "user.hash": expect.any(String) });
    expect(found[5]).not.toHaveProperty(["client.address"]);
  });

  it("says from where a request came that was refused for want of room", async () => {
    const environment = { MAX_IN_FLIGHT: "1", REQUEST_DEADLINE: "60s" };
    await using service = await start({ environment });
    using _held = await holdPlace(service);

    expect((await service.check(service.request())).status).toBe(503);

    expect(lines(service)[0]).toMatchObject({
      "event.name": "session.failed",
      "event.outcome": "failure",
      "error.type": "overloaded",
      "client.address": "127.0.0.1",
    });
  });

  it("says that a half-made user was completed, and that a Member was updated", async () => {
    const environment = {
      MEMBER_CREDENTIALS: "claim",
      MEMBER_USERKEY_CLAIM: "sub",
      MEMBER_USERKEY_EXPIRES: "true",
      MEMBER_USERKEY_SECRET: "",
    };
    await using service = await start({ apis: "sso", environment });
    service.mx.failNext({ kind: "status", status: 422 }, { operation: "sso.create_member" });
    await service.post("ada");
    await service.post("ada");
    await service.post("ada");

    expect(events(service)).toEqual([
      "mx.user.created",
      "session.failed",
      "mx.member.created",
      "mx.user.healed",
      "session.opened",
      "mx.member.updated",
      "session.opened",
    ]);
  });

  it("has a change at MX also where the request then fails", async () => {
    await using service = await start();
    service.mx.failNext({ kind: "absent" }, { operation: "platform.request_widget_url" });
    service.mx.failNext(
      { kind: "status", status: 403 },
      { operation: "platform.request_widget_url", times: 5 },
    );
    await service.post("ada");
    expect(events(service)).toEqual(["mx.user.created", "session.failed"]);
  });

  it("takes the address from a trusted proxy only, and only where it is one", async () => {
    const address = async (environment: Record<string, string>, forwarded: string) => {
      await using service = await start({ environment });
      await service.check(service.request().set("X-Forwarded-For", forwarded));
      return lines(service)[0]?.["client.address"];
    };
    const trusting = { TRUSTED_PROXIES: "1" };

    expect(await address({}, "203.0.113.7")).toBe("127.0.0.1");
    expect(await address(trusting, "203.0.113.7")).toBe("203.0.113.7");
    expect(await address(trusting, "2001:db8::1")).toBe("2001:db8::1");
    expect(await address(trusting, "::ffff:203.0.113.7")).toBe("203.0.113.7");
    expect(await address(trusting, 'canary" {}')).toBe("127.0.0.1");
  });

  it("has no id of a user, no token and no URL", async () => {
    await using service = await start({ apis: "both" });
    const subject = "canary-subject-4711";
    const { body } = await service.post(subject);
    const token = (await service.bearer(subject)).slice(7);

    const log = service.log.join("");
    for (const secret of [subject, token.split(".")[1], token.split(".")[2], body.widget_url.url]) {
      expect(log).not.toContain(secret);
    }
    expect(log).not.toMatch(/USR-|M-canary|eyJ/);
  });
});
