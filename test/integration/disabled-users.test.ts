/**
 * Users that are disabled at MX: refused, and nothing is created for them.
 *
 * Sources: MX SSO API v2, Update user (`status`); MX Platform API, Users (`is_disabled`).
 */

import { describe, expect, it } from "vitest";
import { stopClock } from "../support/clock.ts";
import { type Started, start } from "../support/start.ts";

async function expectRefusal(service: Started, subject = "ada"): Promise<void> {
  const { status, body } = await service.post(subject);
  expect([status, body.type]).toEqual([403, "/problems/user-disabled"]);
  const { users, members, widgetTickets } = service.mx.state.created;
  expect([users, members]).toEqual([1, 0]);
  const urls = service.mx.calls
    .of("platform.request_widget_url")
    .filter((call) => call.status === 200);
  expect(urls).toEqual([]);
  expect(widgetTickets).toBeLessThanOrEqual(service.mx.calls.count); // Those that reads of the SSO API bring.
}

describe("a disabled user", () => {
  it.each(["sso", "both"] as const)("is refused by the read of the SSO API (%s)", async (apis) => {
    await using service = await start({ apis });
    service.mx.state.createUser({ id: "ada", isDisabled: true });

    await expectRefusal(service);

    expect(service.mx.calls.all.map(({ method }) => method)).toEqual(["GET", "GET"]);
  });

  it("is refused by the read of the older Platform API", async () => {
    await using service = await start({ environment: { MX_PLATFORM_VERSION: "v20111101" } });
    service.mx.state.createUser({ id: "ada", isDisabled: true });

    await expectRefusal(service);

    expect(service.mx.calls.all.map(({ operation }) => operation)).toEqual(["platform.list_users"]);
  });

  it.each(["sso", "both"] as const)(
    "is refused by the read after a create that found it existing (%s)",
    async (apis) => {
      await using service = await start({ apis });
      service.mx.before("sso.create_user", () => {
        service.mx.state.createUser({ id: "ada", isDisabled: true });
      });

      await expectRefusal(service);

      expect(service.mx.calls.of("sso.create_member")).toEqual([]);
    },
  );

  it("is refused by that read of the older Platform API, too", async () => {
    await using service = await start({ environment: { MX_PLATFORM_VERSION: "v20111101" } });
    service.mx.before("platform.create_user", () => {
      service.mx.state.createUser({ id: "ada", isDisabled: true });
    });

    await expectRefusal(service);
  });

  it("is refused by the read after a create whose answer was lost", async () => {
    using _clock = stopClock();
    await using service = await start();
    service.mx.failNext({ kind: "reset", when: "before" }, { operation: "platform.create_user" });
    service.mx.before("platform.read_user", () => {
      service.mx.state.createUser({ id: "ada", isDisabled: true });
    });

    await expectRefusal(service);
  });

  it.each([
    ["platform", "refuses a URL", [], 502],
    ["platform", "gives a URL", ["disabled-served"], 200],
    ["v3", "refuses a URL", [], 502],
    ["v3", "gives a URL", ["disabled-served"], 200],
  ] as const)(
    "is left to MX where there is no read (%s): MX %s",
    async (apis, _what, deviations, status) => {
      await using service = await start({ apis });
      service.mx.settings.deviations = deviations;
      service.mx.state.createUser({ id: "ada", isDisabled: true });

      expect((await service.post("ada")).status).toBe(status);

      const operations = service.mx.calls.all.map(({ operation }) => operation.split(".")[1]);
      expect(operations).toEqual(["request_widget_url"]);
    },
  );

  it("is refused where the create of MDX says so", async () => {
    await using service = await start({ apis: "v3-members" });
    service.mx.failNext(
      { kind: "raw", body: '{"user":{"id":"ada","is_disabled":true}}' },
      { operation: "mdx.create_user" },
    );

    const { status, body } = await service.post("ada");

    expect([status, body.type]).toEqual([403, "/problems/user-disabled"]);
    expect(service.mx.calls.of("mdx.create_member")).toEqual([]);
  });

  it("is let in again once enabled", async () => {
    await using service = await start({ apis: "sso" });
    const user = service.mx.state.createUser({ id: "ada", isDisabled: true });
    await expectRefusal(service);

    user.isDisabled = false;

    expect((await service.post("ada")).status).toBe(200);
  });

  it("does not keep others out", async () => {
    await using service = await start({ apis: "both" });
    service.mx.state.createUser({ id: "ada", isDisabled: true });
    await expectRefusal(service);

    expect((await service.post("grace")).status).toBe(200);
  });

  it.each(["ENABLED", "", null, 7, "disabled soon"])(
    "is not one whose status is called %j",
    async (name) => {
      await using service = await start({ apis: "sso" });
      await service.post("ada");
      const guid = service.mx.state.findUser("ada")?.guid;
      const url = "https://widgets.example.com/raja/master";
      service.mx.failNext(
        { kind: "raw", body: JSON.stringify({ guid, status: { name }, master_widget_url: url }) },
        { operation: "sso.read_user" },
      );

      expect((await service.post("ada")).status).toBe(200);
    },
  );

  it("has a page that says what to do", async () => {
    await using service = await start();
    const page = await (await fetch(`${service.url}/problems/user-disabled`)).text();
    expect(page).toContain("disabled at MX");
  });
});
