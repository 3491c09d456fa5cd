/**
 * MXconnect with the Platform API alone, in both versions of it.
 *
 * Source: MX Platform API, Create user, List users, Request widget URL.
 */

import { describe, expect, it } from "vitest";
import type { Simulator } from "../../packages/simulator/src/simulator.ts";
import { SECRETS } from "../support/canaries.ts";
import { stopClock } from "../support/clock.ts";
import { start } from "../support/start.ts";

function operations(mx: Simulator): string[] {
  return mx.calls.all.map((call) => call.operation.replace("platform.", ""));
}

/** What each version needs for a user that this replica has not seen, and for one that it has. */
const VERSIONS = [
  {
    version: "v20250224",
    first: ["request_widget_url", "create_user", "request_widget_url"],
    known: ["request_widget_url"],
    again: ["request_widget_url"],
    afterDelete: ["request_widget_url", "read_user", "create_user", "request_widget_url"],
  },
  {
    version: "v20111101",
    first: ["list_users", "create_user", "request_widget_url"],
    known: ["list_users", "request_widget_url"],
    again: ["request_widget_url"],
    afterDelete: ["request_widget_url", "list_users", "create_user", "request_widget_url"],
  },
];

describe.each(VERSIONS)(
  "POST /session with the Platform API $version",
  ({ version, first, known, again, afterDelete }) => {
    const startVersion = () => start({ environment: { MX_PLATFORM_VERSION: version } });

    it("creates the User of a new user and hands out its URL", async () => {
      await using service = await startVersion();

      const response = await service.post("ada");

      expect(response.status).toBe(200);
      expect(operations(service.mx)).toEqual(first);
      expect((await fetch(response.body.widget_url.url)).status).toBe(200);
    });

    it("sends MX what its reference has: id, e-mail, is_disabled, metadata", async () => {
      await using service = await startVersion();

      await service.post("ada");

      const { given_name, family_name, email } = service.issuer.users.ada as Record<string, string>;
      const call = service.mx.calls.of("platform.create_user")[0];
      expect(call?.body).toEqual({
        user: {
          id: "ada",
          email,
          is_disabled: false,
          metadata: JSON.stringify({ first_name: given_name, last_name: family_name }),
        },
      });
      expect(call?.headers).toMatchObject({
        "accept-version": version,
        "content-type": "application/json",
        authorization: `Basic ${btoa(`${SECRETS.clientId}:${SECRETS.apiKey}`)}`,
      });
    });

    it("asks for the URL of a known user", async () => {
      await using service = await startVersion();
      service.mx.state.createUser({ id: "ada" });

      expect((await service.post("ada")).status).toBe(200);
      expect(operations(service.mx)).toEqual(known);

      service.mx.calls.clear();
      expect((await service.post("ada")).status).toBe(200);
      expect(operations(service.mx)).toEqual(again);
      expect(service.mx.state.created.users).toBe(1);
    });

    it("makes a User again that was deleted meanwhile", async () => {
      await using service = await startVersion();
      await service.post("ada");
      service.mx.deleteUser("ada");
      service.mx.calls.clear();

      expect((await service.post("ada")).status).toBe(200);

      expect(operations(service.mx)).toEqual(afterDelete);
      expect(service.mx.state.findUser("ada")).toBeDefined();
    });

    it("finds a User anew that was deleted, and made again by another replica", async () => {
      await using service = await startVersion();
      await service.post("ada"); // With the old version its guid is remembered.
      service.mx.deleteUser("ada");
      service.mx.state.createUser({ id: "ada" });

      const response = await service.post("ada");

      expect(response.status).toBe(200);
      expect((await fetch(response.body.widget_url.url)).status).toBe(200);
    });

    it("waits while MX answers 404 for a moment after the create", async () => {
      using _clock = stopClock();
      await using service = await startVersion();
      service.mx.settings.propagationMs = 500;

      const response = await service.post("ada");

      expect(response.status).toBe(200);
      expect(service.mx.state.created.users).toBe(1);
      expect(service.mx.calls.of("platform.create_user")).toHaveLength(1);
    });

    it("goes on when somebody else creates the User meanwhile", async () => {
      await using service = await startVersion();
      service.mx.before(
        "platform.create_user",
        () => void service.mx.state.createUser({ id: "ada" }),
      );

      const response = await service.post("ada");

      expect(response.status).toBe(200);
      expect(service.mx.state.created.users).toBe(1);
    });

    it("blames the option where MX does not know what it names", async () => {
      await using service = await startVersion();
      await service.post("ada");
      service.mx.failNext(
        { kind: "absent" },
        { operation: "platform.request_widget_url", times: Number.POSITIVE_INFINITY },
      );

      const response = await service.post("ada", {
        widget_url: { current_member_guid: "MBR-unknown" },
      });

      expect(response.status).toBe(400);
      expect(response.body.errors).toMatchObject([{ pointer: "/widget_url/current_member_guid" }]);
      expect(service.mx.state.created.users).toBe(1);
    });

    it("finds the User of a create whose answer was lost", async () => {
      using _clock = stopClock();
      await using service = await startVersion();
      service.mx.failNext({ kind: "reset", when: "after" }, { operation: "platform.create_user" });

      const response = await service.post("ada");

      expect(response.status).toBe(200);
      expect(service.mx.state.created.users).toBe(1);
      expect(service.mx.calls.of("platform.create_user")).toHaveLength(1);
    });

    it("creates once more when a create was cut off before MX did it", async () => {
      using _clock = stopClock();
      await using service = await startVersion();
      service.mx.failNext({ kind: "reset", when: "before" }, { operation: "platform.create_user" });

      const response = await service.post("ada");

      expect(response.status).toBe(200);
      expect(service.mx.state.created.users).toBe(1);
      expect(service.mx.calls.of("platform.create_user")).toHaveLength(2);
    });

    it("passes options, language and nothing else on", async () => {
      await using service = await startVersion();
      const response = await service.check(
        service
          .request()
          .set("Authorization", await service.bearer("ada"))
          .set("Accept-Language", "fr-CA")
          .set("X-Callback-Payload", "aGVsbG8=")
          .send({
            widget_url: {
              widget_type: "connect_widget",
              color_scheme: "dark",
              current_institution_code: "mxbank",
            },
          }),
      );

      expect(response.status).toBe(200);
      const call = service.mx.calls.of("platform.request_widget_url").at(-1);
      expect(call?.body).toEqual({
        widget_url: {
          widget_type: "connect_widget",
          color_scheme: "dark",
          current_institution_code: "mxbank",
          ui_message_version: 4,
        },
      });
      expect(call?.headers["accept-language"]).toBe("fr-CA");
      expect(call?.headers).not.toHaveProperty("x-callback-payload");
    });
  },
);

describe("POST /session with the Platform API", () => {
  it("leaves null out for v20111101, which does not know it", async () => {
    await using service = await start({ environment: { MX_PLATFORM_VERSION: "v20111101" } });

    expect((await service.post("ada", { widget_url: { color_scheme: null } })).status).toBe(200);

    const body = service.mx.calls.of("platform.request_widget_url").at(-1)?.body;
    expect(body).toEqual({ widget_url: { widget_type: "connect_widget", ui_message_version: 4 } });
  });

  it("passes the callback payload on where the operator allows it", async () => {
    await using service = await start({ environment: { ALLOW_CALLBACK_PAYLOAD: "true" } });

    await service.check(
      service
        .request()
        .set("Authorization", await service.bearer("ada"))
        .set("X-Callback-Payload", "aGVsbG8="),
    );

    const call = service.mx.calls.of("platform.request_widget_url").at(-1);
    expect(call?.headers["x-callback-payload"]).toBe("aGVsbG8=");
  });

  it("translates what MX's web SDK sends for v20250224", async () => {
    await using service = await start();

    await service.post("ada", {
      widget_url: {
        widget_type: "connect_widget",
        is_mobile_webview: false,
        ui_message_version: 4,
        mode: "verification",
        include_transactions: true,
      },
    });

    expect(service.mx.calls.of("platform.request_widget_url").at(-1)?.body).toEqual({
      widget_url: {
        widget_type: "connect_widget",
        is_mobile_webview: false,
        ui_message_version: 4,
        data_request: { products: ["account_verification", "transactions"] },
      },
    });
  });

  it("answers on the path of MX's SDK examples too", async () => {
    await using service = await start();

    const response = await service.check(
      service.request("/user/widget_urls").set("Authorization", await service.bearer("ada")),
    );

    expect(response.status).toBe(200);
  });

  it.each([undefined, {}, { widget_url: {} }])("takes %j for connect_widget", async (body) => {
    await using service = await start();

    expect((await service.post("ada", body)).body.widget_url.type).toBe("connect_widget");
  });

  it("derives an id that MX accepts from any identifier with USER_ID_MODE=hmac", async () => {
    const environment = {
      USER_ID_MODE: "hmac",
      USER_ID_SECRET: "a-secret-for-tests-only-0123456789",
    };
    await using service = await start({ environment });

    expect((await service.post("auth0|ada@example.com")).status).toBe(200);

    expect(service.mx.calls.of("platform.create_user")[0]?.body).toMatchObject({
      user: { id: expect.stringMatching(/^U-[A-Za-z0-9_-]{43}$/) },
    });
  });
});
