/**
 * The requests of MX's React Native SDK and of its example apps, as they leave the phone: no Origin, an Accept header of
 * MX's own, absent options left out, and the app's token, which `ssoRequestPreprocess` adds.
 *
 * Sources: @mxenabled/react-native-widget-sdk 1.1.1 on npm (`sso/`); its repository, where the request of 3.0.0, which is
 * not on npm, has the same form (`src/sso/`), and the example app for version 4 (`example/src/shared/api.ts`).
 */

import request from "supertest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Started, start } from "../support/start.ts";

const REDIRECT = "exp://192.168.1.20:8081/--/connect";

let service: Started;
beforeAll(async () => {
  service = await start({
    environment: { CLIENT_REDIRECT_URLS: REDIRECT, WEBVIEW_SCHEMES: "mx,mybank" },
  });
});
afterAll(() => service[Symbol.asyncDispose]());

const OF_SDK = {
  Accept: "application/vnd.mx.api.v1+json",
  "Content-Type": "application/json",
  "User-Agent": "okhttp/4.9.2",
};
const OF_EXAMPLE = {
  Accept: "*/*",
  "Accept-Version": "v20250224",
  "Content-Type": "application/json",
  "User-Agent": "Expo/1017756 CFNetwork/1568.200.51 Darwin/24.1.0",
};

const REQUESTS = [
  {
    name: "ConnectWidget of 1.1.1, plain",
    headers: OF_SDK,
    sent: { is_mobile_webview: true, ui_message_version: 4, widget_type: "connect_widget" },
    asked: { is_mobile_webview: true, ui_message_version: 4, widget_type: "connect_widget" },
  },
  {
    name: "ConnectVerificationWidget of 1.1.1, with a scheme of the app's own",
    headers: { ...OF_SDK, "Accept-Language": "es" },
    sent: {
      color_scheme: "dark",
      include_transactions: false,
      is_mobile_webview: true,
      mode: "verification",
      ui_message_version: 4,
      ui_message_webview_url_scheme: "mybank",
      widget_type: "connect_widget",
    },
    asked: {
      data_request: { products: ["account_verification"] },
      ui_message_webview_url_scheme: "mybank",
    },
  },
  {
    name: "PulseWidget of 1.1.1",
    headers: OF_SDK,
    sent: {
      is_mobile_webview: true,
      ui_message_version: 4,
      ui_message_webview_url_scheme: "mx",
      widget_type: "pulse_widget",
    },
    asked: { widget_type: "pulse_widget" },
  },
  {
    name: "ConnectWidget of 3.0.0, with the deep link of an Expo app",
    headers: OF_SDK,
    sent: {
      client_redirect_url: REDIRECT,
      is_mobile_webview: true,
      mode: "aggregation",
      ui_message_version: 4,
      widget_type: "connect_widget",
    },
    asked: { client_redirect_url: REDIRECT, data_request: { products: ["transactions"] } },
  },
  {
    name: "the example app for version 4, Connect",
    headers: OF_EXAMPLE,
    sent: {
      data_request: { products: ["identity_verification"] },
      client_redirect_url: REDIRECT,
      is_mobile_webview: true,
      ui_message_version: 4,
      widget_type: "connect_widget",
    },
    asked: {
      client_redirect_url: REDIRECT,
      data_request: { products: ["identity_verification"] },
      is_mobile_webview: true,
    },
  },
  {
    name: "the example app for version 4, another widget",
    headers: OF_EXAMPLE,
    sent: {
      client_redirect_url: REDIRECT,
      is_mobile_webview: true,
      ui_message_version: 4,
      widget_type: "spending_widget",
    },
    asked: { widget_type: "spending_widget" },
  },
];

describe.each(["/session", "/user/widget_urls"])("POST %s from MX's React Native SDK", (path) => {
  it.each(REQUESTS)("opens $name", async ({ headers, sent, asked }) => {
    const response = await service.check(
      request(service.url)
        .post(path)
        .set({ ...headers, Authorization: await service.bearer("ada") })
        .send(JSON.stringify({ widget_url: sent })),
    );

    expect(response.status).toBe(200);
    expect((await fetch(response.body.widget_url.url)).status).toBe(200);
    expect(service.mx.calls.of("platform.request_widget_url").at(-1)?.body).toMatchObject({
      widget_url: asked,
    });
  });
});

it("names what to list where the app's deep link is not allowed", async () => {
  const response = await service.post("ada", {
    widget_url: { client_redirect_url: "exp://elsewhere/--/connect" },
  });

  expect(response.status).toBe(400);
  expect(response.body.errors).toMatchObject([{ pointer: "/widget_url/client_redirect_url" }]);
});
