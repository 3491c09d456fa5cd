/**
 * Bad input: a clear 4xx that names the field, and MX is not called.
 */

import request from "supertest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sendRaw } from "../support/raw.ts";
import { fetchChecked, type Started, start } from "../support/start.ts";

describe("POST /session with bad input", () => {
  let service: Started;

  beforeAll(async () => {
    service = await start();
  });
  afterAll(async () => service[Symbol.asyncDispose]());

  /** Sends the text as it is. */
  async function send(body: string, headers: Record<string, string> = {}) {
    const test = service.request().set("Authorization", await service.bearer("ada"));
    test.set("Content-Type", "application/json");
    for (const [name, value] of Object.entries(headers)) test.set(name, value);
    service.mx.calls.clear();
    const response = await service.check(test.serialize((text) => String(text)).send(body));
    expect(service.mx.calls.count).toBe(0);
    return response;
  }

  it.each([
    ["an unknown option", { colour_scheme: "dark" }, "/widget_url/colour_scheme"],
    ["a wrong type", { is_mobile_webview: "true" }, "/widget_url/is_mobile_webview"],
    [
      "a number for a string",
      { current_institution_code: 7 },
      "/widget_url/current_institution_code",
    ],
    ["an unknown widget type", { widget_type: "nonexistent_widget" }, "/widget_url/widget_type"],
    ["an unknown value", { color_scheme: "blue" }, "/widget_url/color_scheme"],
    ["a user", { user_guid: "USR-1" }, "/widget_url/user_guid"],
    ["an institution", { institution_guid: "INS-1" }, "/widget_url/institution_guid"],
    [
      "a faulty product",
      { data_request: { products: ["all"] } },
      "/widget_url/data_request/products/0",
    ],
    [
      "a faulty date",
      { deep_link_params: { date_range: { start_date: "2026-02-30" } } },
      "/widget_url/deep_link_params/date_range/start_date",
    ],
    [
      "an unlisted redirect",
      { client_redirect_url: "https://evil.example/" },
      "/widget_url/client_redirect_url",
    ],
    [
      "an unlisted scheme",
      { ui_message_webview_url_scheme: "evil" },
      "/widget_url/ui_message_webview_url_scheme",
    ],
    [
      "an option of the old version",
      { connections_use_case_filter: true },
      "/widget_url/connections_use_case_filter",
    ],
  ])("names the field of %s", async (_name, widgetUrl, pointer) => {
    const response = await send(JSON.stringify({ widget_url: widgetUrl }));

    expect(response.status).toBe(400);
    expect(response.body).toMatchObject({
      type: "/problems/invalid-request",
      errors: [{ pointer }],
    });
  });

  it("names every faulty field at once", async () => {
    const response = await send(
      JSON.stringify({ widget_url: { color_scheme: 1, mode: "all", nonsense: true } }),
    );

    expect(
      response.body.errors.map((error: { pointer: string }) => error.pointer).toSorted(),
    ).toEqual(["/widget_url/color_scheme", "/widget_url/mode", "/widget_url/nonsense"]);
  });

  it.each([
    ["an open brace", "{", 400],
    ["an array", "[]", 400],
    ["a string", '"connect_widget"', 400],
    ["null inside", '{"widget_url":null}', 400],
    ["a field beside", '{"widget_url":{},"user":"grace"}', 400],
    ["__proto__", '{"__proto__":{"widget_url":{}}}', 400],
    ["__proto__ inside", '{"widget_url":{"__proto__":{"color_scheme":"dark"}}}', 400],
    ["a thousand levels", `{"widget_url":${'{"a":'.repeat(1000)}1${"}".repeat(1000)}}`, 400],
    ["17 kB", JSON.stringify({ widget_url: { locale: "x".repeat(17_000) } }), 413],
  ])("refuses a body that is %s", async (_name, body, status) => {
    expect((await send(body)).status).toBe(status);
  });

  it("shows nothing of a body that is not JSON", async () => {
    const response = await send('{"password": "correct horse battery staple"');

    expect(response.status).toBe(400);
    expect(response.text + service.log.join("")).not.toContain("correct horse");
  });

  it.each([
    ["a form", "application/x-www-form-urlencoded"],
    ["text", "text/plain"],
    ["UTF-16", "application/json; charset=utf-16"],
    ["another JSON", "application/merge-patch+json"],
  ])("refuses %s as 415", async (_name, type) => {
    const response = await send("{}", { "Content-Type": type });

    expect(response.status).toBe(415);
    expect(response.body.type).toBe("/problems/unsupported-media-type");
  });

  it.each([
    ["Content-Length: 0 of any type", "Content-Length: 0\r\nContent-Type: text/plain\r\n\r\n"],
    [
      "Content-Length: 0 of a form",
      "Content-Length: 0\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n",
    ],
    ["Content-Length: 0 without a type", "Content-Length: 0\r\n\r\n"],
    ["Content-Length: 00", "Content-Length: 00\r\nContent-Type: text/plain\r\n\r\n"],
    ["nothing, and a type", "Content-Type: application/octet-stream\r\n\r\n"],
    ["nothing, compressed", "Content-Length: 0\r\nContent-Encoding: gzip\r\n\r\n"],
    ["no chunk but the last", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    [
      "no chunk, of any type",
      "Transfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n0\r\n\r\n",
    ],
    ["null", "Content-Length: 4\r\nContent-Type: application/json\r\n\r\nnull"],
    ["null in white space", "Content-Length: 6\r\nContent-Type: application/json\r\n\r\n null\n"],
    [
      "utf8 by that name",
      "Content-Length: 2\r\nContent-Type: application/json; charset=utf8\r\n\r\n{}",
    ],
    [
      "utf8 in capitals and quotes",
      'Content-Length: 2\r\nContent-Type: application/json;charset="UTF8"\r\n\r\n{}',
    ],
  ])("takes %s for no options", async (_what, rest) => {
    const token = await service.bearer("ada");
    const answer = await sendRaw(
      service.url,
      `POST /session HTTP/1.1\r\nHost: a\r\nAuthorization: ${token}\r\n${rest}`,
    );

    expect(answer.statuses).toEqual([200]);
    expect(answer.text).toContain('"type":"connect_widget"');
  });

  it.each([
    [
      "chunks of text",
      "Transfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n2\r\n{}\r\n",
      415,
    ],
    ["chunks without a type", "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", 415],
    ["a text of some length", "Content-Length: 2\r\nContent-Type: text/plain\r\n\r\n", 415],
    [
      "two charsets",
      "Content-Length: 2\r\nContent-Type: application/json;charset=utf8;charset=utf-16\r\n\r\n{}",
      415,
    ],
    [
      "half a quote",
      'Content-Length: 2\r\nContent-Type: application/json;charset="utf8\r\n\r\n{}',
      415,
    ],
  ])("refuses %s before all of it is there", async (_what, rest, status) => {
    const answer = await sendRaw(service.url, `POST /session HTTP/1.1\r\nHost: a\r\n${rest}`);

    expect(answer.statuses).toEqual([status]);
  });

  it("says what was probably meant", async () => {
    const response = await send('{"widget_url":{"colour_scheme":"dark"}}');

    const place = "/widget_url/colour_scheme";
    const detail = "is not an option of MX's widgets; the nearest one is color_scheme";
    expect(response.body).toMatchObject({
      detail: `${place.slice(1).replace("/", ".")} ${detail}.`,
      errors: [{ pointer: place, detail }],
    });
  });

  it("shows the wrapper on the problem's page, too", async () => {
    const page = await service.check(request(service.url).get("/problems/invalid-request"));

    expect(page.text).toContain('{"widget_url":{"widget_type":"connect_widget"}}');
  });

  it.each(["/session/", "/user/widget_urls/"])("answers %s as without the slash", async (path) => {
    const opened = await service.check(
      service
        .request(path)
        .set("Authorization", await service.bearer("ada"))
        .send({}),
    );
    expect(opened.status).toBe(200);
    const refused = await service.check(request(service.url).get(path));
    expect([refused.status, refused.headers.allow]).toEqual([405, "POST, OPTIONS"]);
    const routes = service.log.slice(-2).map((line) => JSON.parse(line)["http.route"]);
    expect(routes).toEqual([path.slice(0, -1), path.slice(0, -1)]);
  });

  it("refuses a compressed body as 415", async () => {
    expect((await send("{}", { "Content-Encoding": "gzip" })).status).toBe(415);
  });

  it("refuses a body without a type as 415", async () => {
    const response = await fetchChecked(`${service.url}/session`, {
      method: "POST",
      headers: { Authorization: await service.bearer("ada") },
      body: new Blob(["{}"]),
    });

    expect(response.status).toBe(415);
  });

  it("accepts JSON with its charset named, and ignores Accept", async () => {
    const response = await service.check(
      service
        .request()
        .set("Authorization", await service.bearer("ada"))
        .set("Content-Type", 'application/json; charset="UTF-8"')
        .set("Accept", "application/vnd.mx.api.v1+json")
        .send('{"widget_url":{}}'),
    );

    expect(response.status).toBe(200);
  });

  it.each(["get", "head", "put", "delete", "patch"] as const)(
    "refuses %s with the methods that work",
    async (method) => {
      const response = await service.check(request(service.url)[method]("/session"));

      expect(response.status).toBe(405);
      expect(response.headers.allow).toBe("POST, OPTIONS");
    },
  );

  it.each(["/Session", "//session", "/session/x", "/%73ession%00", "/users/USR-1/widget_urls"])(
    "answers 404 as a problem at %s",
    async (path) => {
      const response = await service.check(request(service.url).post(path));

      expect(response.status).toBe(404);
      expect(response.body.type).toBe("/problems/not-found");
    },
  );

  it.each(["\xa0", "\x85", "\x0b", "\x0c"])(
    "takes no white space but space and tab for white space in the type: %j",
    async (space) => {
      const send = (type: string) =>
        sendRaw(
          service.url,
          `POST /session HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Type: ${type}\r\n\r\n{}`,
        );
      for (const type of [
        `${space}application/json`,
        `application/json${space}; charset=utf-8`,
        `application/json;${space}charset=utf-8`,
      ])
        expect((await send(type)).statuses, JSON.stringify(type)).not.toEqual([401]);
      expect((await send("application/json\t ; \tcharset=utf-8")).statuses).toEqual([401]);
    },
  );

  const PAGE = "https://app.example.com";

  /** In processor time, so that a busy machine changes little: what is slow takes seconds, and anything else milliseconds. */
  it.each<[string, string, Record<string, string>]>([
    ["Content-Type", `application/json${"; ".repeat(26)}"`, {}],
    ["Content-Type", `application/json${" ".repeat(31_000)}"`, {}],
    ["Access-Control-Request-Headers", `a${" ".repeat(31_000)}b`, { Origin: PAGE }],
    ["X-Forwarded-For", `a${" ".repeat(31_000)}b`, {}],
    ["X-Request-Id", "g".repeat(31_000), {}],
    ["X-Request-Id", `${"g".repeat(31)}.`.repeat(900), {}],
    ["X-Amzn-Trace-Id", "g-".repeat(15_500), {}],
    ["Cookie", `session=${" ".repeat(31_000)}x`, {}],
    ["Authorization", `Bearer ${"a".repeat(31_000)}!`, {}],
    ["Accept-Language", "a-".repeat(15_500), {}],
    ["traceparent", "0".repeat(31_000), {}],
    ["Accept-Encoding", "gzip;".repeat(6_000), {}],
  ])("reads %s in no time, however it is made: %#", async (name, value, others) => {
    await using slow = await start({ environment: { CORS_ORIGINS: PAGE, TRUSTED_PROXIES: "1" } });
    const head = Object.entries({ Host: "a", "Content-Length": "2", ...others, [name]: value });
    const lines = head.map(([field, text]) => `${field}: ${text}\r\n`).join("");
    const before = process.cpuUsage();

    for (const method of ["POST", "OPTIONS"])
      await sendRaw(slow.url, `${method} /session HTTP/1.1\r\n${lines}\r\n{}`);

    expect(process.cpuUsage(before).user / 1000).toBeLessThan(1000);
  });

  it.each(["", "no base64!", "aGVsbG8", "a".repeat(1028)])(
    "refuses X-Callback-Payload %j where it is allowed",
    async (payload) => {
      await using allowing = await start({ environment: { ALLOW_CALLBACK_PAYLOAD: "true" } });

      const response = await allowing.check(
        allowing
          .request()
          .set("Authorization", await allowing.bearer("ada"))
          .set("X-Callback-Payload", payload),
      );

      expect(response.status).toBe(400);
      expect(response.body.errors).toEqual([
        { header: "X-Callback-Payload", detail: expect.any(String) },
      ]);
      expect(allowing.mx.calls.count).toBe(0);
    },
  );
});

describe("POST /session with bad input where only the SSO API is configured", () => {
  it.each([
    ["an option", { color_scheme: "dark" }, "/widget_url/color_scheme"],
    ["a WebView", { is_mobile_webview: true }, "/widget_url/is_mobile_webview"],
    ["an old message version", { ui_message_version: 3 }, "/widget_url/ui_message_version"],
    ["a widget of the Platform API", { widget_type: "connect_widget" }, "/widget_url/widget_type"],
  ])("refuses %s", async (_name, widgetUrl, pointer) => {
    await using service = await start({ apis: "sso" });

    const response = await service.post("ada", { widget_url: widgetUrl });

    expect(response.status).toBe(400);
    expect(response.body.errors).toMatchObject([{ pointer }]);
    expect(service.mx.calls.count).toBe(0);
  });

  it("accepts what MX's SDKs always send", async () => {
    await using service = await start({ apis: "sso" });

    const body = {
      widget_url: { widget_type: "master_widget", ui_message_version: 4, is_mobile_webview: false },
    };

    expect((await service.post("ada", body)).status).toBe(200);
  });

  it("takes no body for master_widget", async () => {
    await using service = await start({ apis: "sso" });

    expect((await service.post("ada")).body.widget_url.type).toBe("master_widget");
  });
});
