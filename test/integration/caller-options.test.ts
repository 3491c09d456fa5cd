/**
 * What a caller asks for and MX cannot take: it costs MX little, harms no other user, and is told to the caller alone.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { scrape } from "../support/metrics.ts";
import { type Started, start } from "../support/start.ts";

/** Each with a name for the report. */
const HOSTILE = [
  ["NUL", "\0"],
  ["CR LF", "\r\n"],
  ["a tab", "\t"],
  ["an escape", "\u001b[2J"],
  ["DEL", "\u007f"],
  ["NEL, a C1 control", "\u0085"],
  ["half a surrogate pair", "\ud83d"],
  ["the other half", "\udcb6"],
] as const;

describe("a text with a character that MX may fail over", () => {
  let service: Started;
  beforeAll(async () => {
    service = await start();
  });
  afterAll(() => service[Symbol.asyncDispose]());
  beforeEach(() => service.mx.calls.clear());

  const TEXTS = [
    ["current_institution_code", (text: string) => ({ current_institution_code: text })],
    ["current_institution_guid", (text: string) => ({ current_institution_guid: text })],
    ["current_member_guid", (text: string) => ({ current_member_guid: text })],
    ["current_microdeposit_guid", (text: string) => ({ current_microdeposit_guid: text })],
    ["insight_guid", (text: string) => ({ insight_guid: text })],
    ["microwidget_instance_id", (text: string) => ({ microwidget_instance_id: text })],
    ["style/font_name", (text: string) => ({ style: { font_name: text } })],
    [
      "deep_link_params/account_guid",
      (text: string) => ({ deep_link_params: { account_guid: text } }),
    ],
    [
      "client_redirect_url",
      (text: string) => ({ client_redirect_url: `https://a.example/${text}` }),
    ],
    ["locale", (text: string) => ({ locale: text })],
    ["mode", (text: string) => ({ mode: text })],
    ["ui_message_webview_url_scheme", (text: string) => ({ ui_message_webview_url_scheme: text })],
    ["data_request/products/0", (text: string) => ({ data_request: { products: [text] } })],
    ["widget_type", (text: string) => ({ widget_type: text })],
  ] as const;

  it.each(
    TEXTS.flatMap(([place, build]) =>
      HOSTILE.map(([what, text]) => [place, what, build, text] as const),
    ),
  )("is refused in %s: %s", async (place, _what, build, hostile) => {
    const response = await service.post("ada", { widget_url: build(`a${hostile}b`) });

    expect(response.status).toBe(400);
    expect(response.body.errors).toMatchObject([{ pointer: `/widget_url/${place}` }]);
    expect(service.mx.calls.all).toEqual([]);
  });

  it.each([
    ["fr-CA, fr;q=0.9, *;q=0.1", "fr-CA, fr;q=0.9, *;q=0.1"],
    ["fr,\ten", "fr,\ten"],
    ["*", undefined],
    ["fr\tCA", undefined],
    ["fr\u0085CA", undefined],
    [";;;", undefined],
    ["fr;q=9", undefined],
    ["en--US", undefined],
    ["x".repeat(300), undefined],
  ])("Accept-Language: %j reaches MX as %j", async (language, sent) => {
    const test = service.request().set("Authorization", await service.bearer("ada"));
    await service.check(test.set("Accept-Language", language));

    const [call] = service.mx.calls.of("platform.request_widget_url");
    expect(call?.headers["accept-language"]).toBe(sent);
  });
});

describe("a claim with such a character", () => {
  let sso: Started;
  let claimed: Started;
  beforeAll(async () => {
    sso = await start({ apis: "sso" });
    claimed = await start({
      apis: "sso",
      environment: {
        MEMBER_CREDENTIALS: "claim",
        MEMBER_USERKEY_CLAIM: "userkey",
        MEMBER_USERKEY_SECRET: undefined,
      },
    });
  });
  afterAll(() => Promise.all([sso, claimed].map((each) => each[Symbol.asyncDispose]())));

  async function open(service: Started, subject: string, claims: Record<string, unknown>) {
    const token = await service.issuer.issueToken(subject, { claims });
    return service.check(service.request().set("Authorization", `Bearer ${token}`));
  }

  it.each(HOSTILE)("does not reach MX in the profile: %s", async (what, hostile) => {
    const text = `a${hostile}b`;
    const subject = `u-${what.replace(/[^a-z]/gi, "")}`;

    const response = await open(sso, subject, {
      given_name: text,
      family_name: text,
      email: `${text}@example.com`,
      birthdate: `1990-01-0${hostile}1`,
      address: { postal_code: `840${hostile}43` },
    });

    expect(response.status).toBe(200);
    expect(sso.mx.calls.of("sso.create_user").at(-1)?.body).toEqual({
      external_user_guid: subject,
    });
  });

  it.each(HOSTILE)("is no userkey: %s", async (_what, hostile) => {
    const response = await open(claimed, "ada", { userkey: `a${hostile}b` });

    expect(response.status).toBe(403);
    expect(claimed.mx.calls.all).toEqual([]);
  });

  it.each(HOSTILE)("is no user id: %s", async (_what, hostile) => {
    expect((await open(sso, `a${hostile}b`, {})).status).toBe(403);
  });
});

describe("an option that MX refuses", () => {
  const OPERATION = "platform.request_widget_url";
  let service: Started;
  beforeAll(async () => {
    service = await start();
    await service.post("ada");
  });
  afterAll(() => service[Symbol.asyncDispose]());

  async function ask(status: number, widget_url: object) {
    service.mx.failNext({ kind: "status", status }, { operation: OPERATION });
    const response = await service.post("ada", { widget_url });
    return { response, line: JSON.parse(service.log.at(-1) ?? "{}") };
  }

  it.each([
    [400, { color_scheme: "dark" }, "/widget_url/color_scheme"],
    [422, { color_scheme: "dark" }, "/widget_url/color_scheme"],
    [422, { is_mobile_webview: true }, "/widget_url/is_mobile_webview"],
    [422, { mode: "verification" }, "/widget_url/mode"],
    [400, { data_request: { products: ["rewards"] }, use_cases: ["PFM"] }, "/widget_url"],
  ])("is the caller's (%i, %j): 400, and no alarm", async (status, options, pointer) => {
    const before = await scrape(service.operationsUrl);

    const { response, line } = await ask(status, options);

    expect(response.status).toBe(400);
    expect(response.body.detail).toBe("MX refused an option of this request.");
    expect(response.body.errors).toMatchObject([{ pointer }]);
    expect(line).toMatchObject({ level: "info", "upstream.outcome": "option_rejected" });
    const after = await scrape(service.operationsUrl);
    const counted = (outcome: string) =>
      (after.value("mx_upstream_requests_total", { outcome }) ?? 0) -
      (before.value("mx_upstream_requests_total", { outcome }) ?? 0);
    expect([counted("rejected"), counted("option_rejected")]).toEqual([0, 1]);
  });

  it.each([
    [400, {}],
    [422, { widget_type: "accounts_widget" }],
    [422, { ui_message_version: 4 }],
    [400, { ui_message_version: 1 }],
    [422, { is_mobile_webview: false }],
    [400, { widget_type: "connect_widget", ui_message_version: 4, is_mobile_webview: false }],
    [401, { color_scheme: "dark" }],
    [403, { color_scheme: "dark" }],
    [406, { color_scheme: "dark" }],
  ])("is not to blame for %i with %j: 502, and an alarm", async (status, options) => {
    const { response, line } = await ask(status, options);

    expect(response.status).toBe(502);
    expect(line).toMatchObject({ level: "error", "upstream.outcome": "rejected" });
  });

  it.each([
    ["a default", { WIDGET_DEFAULTS: '{"color_scheme":"dark"}' }, {}],
    ["forced", { WIDGET_FORCED: '{"color_scheme":"dark"}' }, {}],
    [
      "forced over the caller's",
      { WIDGET_FORCED: '{"color_scheme":"dark"}' },
      { color_scheme: "light" },
    ],
  ])(
    "is the operator's where it is %s: 502, and an alarm",
    async (_what, environment, widget_url) => {
      await using other = await start({ environment });
      await other.post("ada");
      other.mx.failNext({ kind: "status", status: 422 }, { operation: OPERATION });

      expect((await other.post("ada", { widget_url })).status).toBe(502);
    },
  );
});

describe("an option that names something that MX does not know", () => {
  const REFERENCES = [
    ["/widget_url/current_institution_code", { current_institution_code: "unknown" }],
    ["/widget_url/current_institution_guid", { current_institution_guid: "INS-unknown" }],
    ["/widget_url/current_member_guid", { current_member_guid: "MBR-unknown" }],
    ["/widget_url/insight_guid", { insight_guid: "BET-unknown" }],
  ] as const;
  const DEPLOYMENTS = [
    ["platform", "v20250224"],
    ["platform", "v20111101"],
    ["both", "v20250224"],
    ["both", "v20111101"],
  ] as const;

  describe.each(DEPLOYMENTS)("with the APIs %s, %s", (apis, version) => {
    let service: Started;
    beforeAll(async () => {
      service = await start({ apis, environment: { MX_PLATFORM_VERSION: version } });
      await service.post("ada");
    });
    afterAll(() => service[Symbol.asyncDispose]());

    it.each(REFERENCES)(
      "costs a known user three calls at most, and no create: %s",
      async (pointer, options) => {
        service.mx.failNext({ kind: "absent" }, { operation: OPERATION, times: 4 });
        service.mx.calls.clear();

        const response = await service.post("ada", { widget_url: options });

        expect(response.status).toBe(400);
        expect(response.body.errors).toMatchObject([{ pointer }]);
        expect(service.mx.calls.count).toBeLessThanOrEqual(3);
        expect(service.mx.calls.all.map(({ method, path }) => `${method} ${path}`)).not.toContain(
          "POST /users",
        );
        expect(service.mx.state.created.users).toBe(1);
        service.mx.clearFaults();
      },
    );

    it("does so for a replica that has not seen the user", async () => {
      await using other = await start({
        apis,
        mx: service.mx,
        environment: { MX_PLATFORM_VERSION: version },
      });
      service.mx.failNext({ kind: "absent" }, { operation: OPERATION, times: 4 });
      service.mx.calls.clear();

      const response = await other.post("ada", { widget_url: { insight_guid: "BET-unknown" } });

      expect(response.status).toBe(400);
      expect(service.mx.calls.count).toBeLessThanOrEqual(3);
      service.mx.clearFaults();
    });

    it("does not keep a new user from a session", async () => {
      const response = await service.post("grace", { widget_url: { insight_guid: "BET-1" } });

      expect(response.status).toBe(200);
      expect(service.mx.state.created.users).toBe(2);
    });

    it("does not keep a user whom MX has deleted from a session", async () => {
      service.mx.deleteUser("grace");

      const response = await service.post("grace", { widget_url: { insight_guid: "BET-1" } });

      expect(response.status).toBe(200);
    });
  });

  const OPERATION = "platform.request_widget_url";
});
