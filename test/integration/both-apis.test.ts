/**
 * Both APIs: the SSO workflow provisions, the Platform API makes the URL for the guid that the SSO User has.
 */

import { describe, expect, it } from "vitest";
import { stopClock } from "../support/clock.ts";
import { start } from "../support/start.ts";

describe.each(["v20250224", "v20111101"])(
  "POST /session with the SSO API and the Platform API %s",
  (version) => {
    const startBoth = () => start({ apis: "both", environment: { MX_PLATFORM_VERSION: version } });

    it("provisions by SSO and asks for the URL by MX's guid", async () => {
      await using service = await startBoth();

      const response = await service.post("ada", {
        widget_url: { widget_type: "connect_widget", color_scheme: "dark" },
      });

      expect(response.status).toBe(200);
      const { guid } = service.mx.state.findUser("ada") ?? {};
      expect(service.mx.calls.of("platform.request_widget_url").map((call) => call.path)).toEqual([
        `/users/${guid}/widget_urls`,
      ]);
      expect(service.mx.calls.of("platform.create_user")).toHaveLength(0);
      expect(service.mx.state.findMember("M-ada")).toBeDefined();
    });

    it("heals a User that MX deleted between two logins", async () => {
      await using service = await startBoth();
      await service.post("ada");
      service.mx.deleteUser("ada");

      expect((await service.post("ada")).status).toBe(200);
      expect(service.mx.state.findMember("M-ada")).toBeDefined();
    });

    it("begins again when the User is deleted between its read and the URL request", async () => {
      await using service = await startBoth();
      await service.post("ada");
      service.mx.before("platform.request_widget_url", () => service.mx.deleteUser("ada"));

      expect((await service.post("ada")).status).toBe(200);
      expect(service.mx.state.findMember("M-ada")).toBeDefined();
    });

    it("waits while the Platform API does not know the new User yet", async () => {
      using _clock = stopClock();
      await using service = await startBoth();
      service.mx.settings.propagationMs = 500;

      expect((await service.post("ada")).status).toBe(200);
      expect(service.mx.state.created).toMatchObject({ users: 1, members: 1 });
    });

    it("waits for a User that another replica created a moment ago", async () => {
      using _clock = stopClock();
      await using service = await startBoth();
      service.mx.settings.propagationMs = 500;
      service.mx.state.createUser({ id: "ada" });

      expect((await service.post("ada")).status).toBe(200);
    });

    it("says that MX refuses it where the two APIs belong to different clients", async () => {
      using _clock = stopClock();
      await using service = await startBoth();
      await service.post("ada");
      service.mx.failNext(
        { kind: "absent" },
        { operation: "platform.request_widget_url", times: Number.POSITIVE_INFINITY },
      );

      const response = await service.post("ada");

      expect(response.status).toBe(502);
      expect(response.body.type).toBe("/problems/upstream-rejected");
    });
  },
);
