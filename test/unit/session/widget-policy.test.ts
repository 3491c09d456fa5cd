import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AppError } from "../../../src/errors.ts";
import {
  SSO_WIDGET_TYPES,
  WIDGET_TYPES,
  WidgetOptions,
} from "../../../src/session/widget-options.ts";
import {
  createWidgetRequestParser,
  findUnsupportedOptions,
  type WidgetPolicyOptions,
} from "../../../src/session/widget-policy.ts";
import { runsOf } from "../../support/exhaustive.ts";
import { SEED } from "../fakes.ts";

type Policy = Partial<WidgetPolicyOptions>;

function parserOf(policy: Policy = {}) {
  return createWidgetRequestParser({
    source: "v20250224",
    widgetTypes: WIDGET_TYPES,
    defaults: {},
    forced: {},
    clientRedirectUrls: ["https://app.example.com/done", "myapp://done"],
    webviewSchemes: ["mx", "myapp"],
    ...policy,
  });
}

function ask(options: object, policy?: Policy) {
  return parserOf(policy)({ widget_url: options });
}

/** The places that a refusal names. */
function refusal(act: () => unknown): { pointer: string; detail: string }[] {
  try {
    act();
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "invalid_request") throw error;
    return (error.errors ?? []).flatMap((place) => ("pointer" in place ? [place] : []));
  }
  throw new Error("nothing was refused");
}

function refusedPointers(options: object, policy?: Policy): string[] {
  return refusal(() => ask(options, policy)).map(({ pointer }) => pointer);
}

describe("the widget type", () => {
  it.each([undefined, null, {}, { widget_url: {} }])(
    "is connect_widget for the body %j",
    (body) => {
      expect(parserOf()(body)).toEqual({
        widgetType: "connect_widget",
        options: { widget_type: "connect_widget", ui_message_version: 4 },
        callerOptions: [],
      });
    },
  );

  it.each([undefined, {}, { widget_url: {} }])(
    "is master_widget with the SSO API alone (%j)",
    (body) => {
      expect(parserOf({ source: "sso" })(body).widgetType).toBe("master_widget");
    },
  );

  it.each(WIDGET_TYPES)("can be %s", (widget_type) => {
    expect(ask({ widget_type }).widgetType).toBe(widget_type);
  });

  it.each([["unknown_widget"], ["connect_widget "], ["Connect_Widget"], [""], [7], [null]])(
    "cannot be %j",
    (widget_type) => {
      expect(refusedPointers({ widget_type })).toEqual(["/widget_url/widget_type"]);
    },
  );

  it("must be one of WIDGET_TYPES", () => {
    const policy = { widgetTypes: ["connect_widget", "pulse_widget"] };
    expect(ask({ widget_type: "pulse_widget" }, policy).widgetType).toBe("pulse_widget");
    expect(refusal(() => ask({ widget_type: "master_widget" }, policy))).toEqual([
      { pointer: "/widget_url/widget_type", detail: "must be one of connect_widget, pulse_widget" },
    ]);
  });

  it.each<[Policy, string]>([
    [{ widgetTypes: ["pulse_widget", "master_widget"] }, "pulse_widget"],
    [{ source: "sso", widgetTypes: ["connect_widget", "debts_widget"] }, "debts_widget"],
  ])("is the first that is allowed where the usual one is not (%j)", (policy, type) => {
    expect(ask({}, policy).widgetType).toBe(type);
  });
});

describe("a body", () => {
  it.each([
    ["a list", []],
    ["text", "connect_widget"],
    ["a number", 4],
    ["false", false],
  ])("that is %s is refused as a whole", (_what, body) => {
    expect(refusal(() => parserOf()(body))[0]?.pointer).toBe("");
  });

  it.each([
    ["user_guid", "USR-1"],
    ["user_id", "u-2"],
    ["client_guid", "CLT-1"],
    ["institution_guid", "INS-1"],
    ["name", "x"],
    ["k", "key"],
    ["c", "client"],
    ["external_user_guid", "u-2"],
  ])("that holds %s is refused, and the option is named", (name, value) => {
    expect(refusal(() => ask({ [name]: value }))).toEqual([
      { pointer: `/widget_url/${name}`, detail: "is not an option of MX's widgets" },
    ]);
  });

  it("with an option beside widget_url is refused, and the option is named", () => {
    expect(refusal(() => parserOf()({ widget_type: "connect_widget" }))[0]?.pointer).toBe(
      "/widget_type",
    );
  });

  it.each(["__proto__", "constructor", "prototype"])("with %s in it is refused", (name) => {
    const body: unknown = JSON.parse(`{"widget_url":{"${name}":{"is_mobile_webview":true}}}`);
    expect(refusal(() => parserOf()(body))).toHaveLength(1);
  });

  it("has all its faults told at once", () => {
    expect(
      refusedPointers({ color_scheme: "blue", is_mobile_webview: "yes", iso_country_code: ["DE"] }),
    ).toEqual([
      "/widget_url/color_scheme",
      "/widget_url/is_mobile_webview",
      "/widget_url/iso_country_code/0",
    ]);
  });
});

describe("an option", () => {
  it.each([
    ["color_scheme", "dark"],
    ["color_scheme", null],
    ["current_institution_code", "chase"],
    ["current_institution_guid", "INS-1"],
    ["current_member_guid", null],
    ["current_microdeposit_guid", "MIC-1"],
    ["data_request", { products: ["transactions", "rewards"] }],
    ["deep_link_params", { date_range: { start_date: "2026-01-31" }, widget: "trends" }],
    ["disable_background_agg", true],
    ["disable_institution_search", null],
    ["enable_app2app", false],
    ["insight_guid", "BET-1"],
    ["is_mobile_webview", true],
    ["iso_country_code", ["US", "CA"]],
    ["locale", "fr-CA"],
    ["locale", "zh-Hant-TW"],
    ["microwidget_instance_id", "1"],
    ["oauth_referral_source", "APP"],
    ["style", { font_name: "Open Sans" }],
    ["update_credentials", true],
    ["use_cases", ["PFM"]],
  ])("%s goes on to MX with the value %j", (name, value) => {
    expect(ask({ [name]: value }).options).toMatchObject({ [name]: value });
  });

  it.each([
    ["color_scheme", "blue", "must be one of light, dark, browser"],
    ["is_mobile_webview", "true", "must be true or false"],
    ["is_mobile_webview", 1, "must be true or false"],
    ["ui_message_version", "4", "must be an integer"],
    ["ui_message_version", 4.5, "must be an integer"],
    ["ui_message_version", 5, "must be at most 4"],
    ["ui_message_version", 0, "must be at least 1"],
    ["current_institution_code", "", "must not be empty"],
    ["current_institution_code", "x".repeat(256), "must not be longer than 255"],
    ["current_institution_guid", null, "must be a string"],
    ["data_request", "transactions", "must be an object"],
    ["use_cases", "PFM", "must be an array"],
    ["use_cases", [], "must not be empty"],
    ["locale", "../en", "must be a language tag such as fr-CA"],
  ])("%s cannot be %j", (name, value, detail) => {
    expect(refusal(() => ask({ [name]: value }))).toEqual([
      { pointer: `/widget_url/${name}`, detail },
    ]);
  });

  it.each([
    [{ color_scheme: "dark", use_cases: ["PFM"] }, ["color_scheme", "use_cases"]],
    [{ mode: "verification" }, ["mode"]],
    [{ is_mobile_webview: true }, ["is_mobile_webview"]],
    [{ color_scheme: null }, ["color_scheme"]],
    [{}, []],
    [{ widget_type: "goals_widget", ui_message_version: 2, is_mobile_webview: false }, []],
  ])("of the caller's is known as such: %j", (options, names) => {
    expect(ask(options).callerOptions).toEqual(names);
  });

  it("that the operator forces is not the caller's, and neither is one that MX is not sent", () => {
    const forced: Policy["forced"] = {
      color_scheme: "dark",
      data_request: { products: ["rewards"] },
    };
    const options = { color_scheme: "light", mode: "verification", iso_country_code: ["US"] };
    expect(ask(options, { forced, defaults: { use_cases: ["PFM"] } }).callerOptions).toEqual([
      "iso_country_code",
    ]);
    expect(ask({ color_scheme: null }, { source: "v20111101" }).callerOptions).toEqual([]);
  });

  it.each<[WidgetPolicyOptions["source"], object, string[]]>([
    ["v20250224", { is_mobile_webview: false, enable_app2app: false }, ["enable_app2app"]],
    ["v20250224", { is_mobile_webview: true }, ["is_mobile_webview"]],
    ["v20250224", { color_scheme: null, locale: "fr" }, ["color_scheme", "locale"]],
    ["v20111101", { color_scheme: null, mode: "aggregation" }, ["mode"]],
  ])(
    "counts as the caller's with %s, unless MX's SDKs always send it: %j",
    (source, asked, own) => {
      expect(ask(asked, { source }).callerOptions).toEqual(own);
    },
  );

  it("deep inside is named by its whole path", () => {
    expect(
      refusal(() => ask({ deep_link_params: { date_range: { start_date: "31.1.2026" } } })),
    ).toEqual([
      {
        pointer: "/widget_url/deep_link_params/date_range/start_date",
        detail: "must be a date such as 2026-01-31",
      },
    ]);
  });

  it("is never answered with the caller's own value", () => {
    const canary = "s3cr3t-canary";
    const value = fc.oneof(
      fc.constantFrom<unknown>(
        canary,
        [canary],
        [[canary]],
        { products: [canary] },
        1e6,
        true,
        null,
      ),
      fc.constantFrom<unknown>(
        { [`${canary} <b>`]: canary },
        { date_range: { start_date: canary } },
        { date_range: canary, view: canary },
      ),
      fc.string().map((text) => `${text}${canary}${text}`),
    );
    const name = fc.oneof(
      fc.constantFrom("widget_type", ...Object.keys(WidgetOptions.shape)),
      fc.constantFrom("unknown_option", `${canary} with spaces`, `${canary}/x`, `~${canary}`),
    );
    const source = fc.constantFrom("v20250224", "v20111101", "sso");
    fc.assert(
      fc.property(source, fc.dictionary(name, value, { maxKeys: 6 }), (from, options) => {
        try {
          ask(options, { source: from });
        } catch (error) {
          if (!(error instanceof AppError)) throw error;
          expect(error.code).toBe("invalid_request");
          expect(JSON.stringify([error.message, error.errors])).not.toContain(canary);
        }
      }),
      { seed: SEED, numRuns: runsOf(1500) },
    );
  });
});

describe("ui_message_version", () => {
  it.each([1, 2, 3, 4])("is sent as 4 when the caller says %s", (ui_message_version) => {
    expect(ask({ ui_message_version }).options.ui_message_version).toBe(4);
  });

  it("is sent as 4 whatever the operator says", () => {
    const policy = { defaults: { ui_message_version: 2 }, forced: { ui_message_version: 1 } };
    expect(ask({}, policy).options.ui_message_version).toBe(4);
  });
});

describe("MX's old Connect options", () => {
  const LEGACY = ["mode", "include_transactions", "include_identity", "additional_product_option"];

  it.each([
    [{ mode: "aggregation" }, ["transactions"]],
    [{ mode: "aggregation", include_transactions: true }, ["transactions"]],
    [{ mode: "aggregation", include_transactions: false }, undefined],
    [{ mode: "aggregation", include_identity: true }, ["transactions", "identity_verification"]],
    [{ mode: "aggregation", include_identity: false }, ["transactions"]],
    [
      { mode: "aggregation", additional_product_option: "account_verification" },
      ["transactions", "account_verification"],
    ],
    [{ mode: "verification" }, ["account_verification"]],
    [{ mode: "verification", include_transactions: false }, ["account_verification"]],
    [
      { mode: "verification", include_transactions: true },
      ["account_verification", "transactions"],
    ],
    [
      { mode: "verification", include_identity: true },
      ["account_verification", "identity_verification"],
    ],
    [
      { mode: "verification", additional_product_option: "transactions" },
      ["account_verification", "transactions"],
    ],
    [{ mode: "aggregation,verification" }, ["transactions", "account_verification"]],
    [{ mode: "verification,aggregation" }, ["account_verification", "transactions"]],
    [{ mode: "aggregation,verification", include_transactions: false }, ["account_verification"]],
    [{ mode: "aggregation,aggregation" }, ["transactions"]],
    [{ include_transactions: true }, ["transactions"]],
    [{ include_transactions: false }, undefined],
    [{ include_identity: true }, ["identity_verification"]],
    [{ additional_product_option: "account_verification" }, ["account_verification"]],
    [{ additional_product_option: "transactions" }, ["transactions"]],
    [{ mode: "verification", data_request: { products: ["rewards"] } }, ["rewards"]],
    [{ include_identity: true, data_request: { products: ["statements"] } }, ["statements"]],
  ])("%j become the products %j in v20250224", (legacy, products) => {
    const { options } = ask(legacy);
    expect(options.data_request).toEqual(products && { products });
    for (const name of LEGACY) expect(options).not.toHaveProperty(name);
  });

  it("stay as they are in v20111101", () => {
    const legacy = {
      mode: "verification",
      include_transactions: true,
      include_identity: false,
      additional_product_option: "transactions",
    };
    const { options } = ask(legacy, { source: "v20111101" });
    expect(options).toMatchObject(legacy);
    expect(options).not.toHaveProperty("data_request");
  });

  it("of the caller win over products that the operator set as a default", () => {
    const policy: Policy = { defaults: { data_request: { products: ["rewards"] } } };
    expect(ask({ mode: "verification" }, policy).options.data_request).toEqual({
      products: ["account_verification"],
    });
  });

  it("of the caller complete those that the operator set as a default", () => {
    const policy: Policy = { defaults: { mode: "aggregation" } };
    expect(ask({ include_identity: true }, policy).options.data_request).toEqual({
      products: ["transactions", "identity_verification"],
    });
  });

  it("that the operator set give way to the caller's products, unless they are forced", () => {
    const data_request = { products: ["rewards" as const] };
    const legacy = { mode: "verification" };
    expect(ask({ data_request }, { defaults: legacy }).options.data_request).toEqual(data_request);
    expect(ask({ data_request }, { forced: legacy }).options.data_request).toEqual({
      products: ["account_verification"],
    });
    expect(ask(legacy, { forced: { data_request } }).options.data_request).toEqual(data_request);
  });

  it("give way to products beside them in the operator's own values", () => {
    const products = ["rewards" as const];
    const defaults = { mode: "verification", data_request: { products } };
    expect(ask({}, { defaults }).options.data_request).toEqual({ products });
  });

  it("can stand in the operator's own values", () => {
    expect(ask({}, { defaults: { mode: "verification" } }).options.data_request).toEqual({
      products: ["account_verification"],
    });
    expect(
      ask({ mode: "aggregation" }, { forced: { mode: "verification" } }).options.data_request,
    ).toEqual({ products: ["account_verification"] });
  });

  it.each(["verify", "aggregation,", ",", "aggregation;verification", "aggregation, verification"])(
    "refuse the mode %j",
    (mode) => {
      expect(refusedPointers({ mode })).toEqual(["/widget_url/mode"]);
    },
  );
});

describe("what the operator set", () => {
  it("fills what the caller left open", () => {
    const policy: Policy = { defaults: { widget_type: "pulse_widget", color_scheme: "dark" } };
    expect(ask({}, policy)).toMatchObject({
      widgetType: "pulse_widget",
      options: { widget_type: "pulse_widget", color_scheme: "dark" },
    });
  });

  it("gives way to the caller where it is a default", () => {
    expect(
      ask({ color_scheme: "light" }, { defaults: { color_scheme: "dark" } }).options.color_scheme,
    ).toBe("light");
  });

  it("gives way even to the caller's null", () => {
    expect(
      ask({ color_scheme: null }, { defaults: { color_scheme: "dark" } }).options.color_scheme,
    ).toBeNull();
  });

  it("is not sent as null to v20111101, which knows no null", () => {
    const { options } = ask({ color_scheme: null }, { source: "v20111101" });
    expect(options).not.toHaveProperty("color_scheme");
  });

  it("wins where it is forced", () => {
    const policy: Policy = { forced: { widget_type: "connect_widget", color_scheme: "dark" } };
    expect(ask({ widget_type: "pulse_widget", color_scheme: "light" }, policy)).toMatchObject({
      widgetType: "connect_widget",
      options: { widget_type: "connect_widget", color_scheme: "dark" },
    });
  });

  it("needs no entry in the lists that bind the caller", () => {
    const forced = {
      client_redirect_url: "HTTPS://Other.example.com",
      color_scheme: "dark" as const,
    };
    expect(ask({}, { forced }).options.client_redirect_url).toBe("https://other.example.com/");
  });
});

describe("with the SSO API alone", () => {
  const source = "sso";

  it.each(SSO_WIDGET_TYPES)("a caller can ask for %s", (widget_type) => {
    expect(ask({ widget_type }, { source }).widgetType).toBe(widget_type);
  });

  it.each(WIDGET_TYPES.filter((type) => !SSO_WIDGET_TYPES.some((known) => known === type)))(
    "a caller cannot ask for %s",
    (widget_type) => {
      expect(refusedPointers({ widget_type }, { source })).toEqual(["/widget_url/widget_type"]);
    },
  );

  it("the two options that MX's SDKs always send are accepted", () => {
    const options = { ui_message_version: 4, is_mobile_webview: false };
    expect(ask(options, { source }).widgetType).toBe("master_widget");
  });

  it.each([
    ["ui_message_version", 3],
    ["is_mobile_webview", true],
    ["color_scheme", "dark"],
    ["mode", "aggregation"],
    ["include_transactions", true],
    ["data_request", { products: ["transactions"] }],
    ["locale", "fr-CA"],
    ["client_redirect_url", "https://app.example.com/done"],
    ["ui_message_webview_url_scheme", "mx"],
  ])("%s: %j is refused", (name, value) => {
    expect(refusedPointers({ [name]: value }, { source })).toEqual([`/widget_url/${name}`]);
  });
});

describe("options of one API version", () => {
  it.each([
    ["connections_use_case_filter", true, "v20111101"],
    ["current_microdeposit_guid", "MIC-1", "v20250224"],
    ["data_request", { products: ["transactions"] }, "v20250224"],
    ["deep_link_params", { widget: "trends" }, "v20250224"],
    ["locale", "fr-CA", "v20250224"],
    ["style", { font_name: "Inter" }, "v20250224"],
  ] as const)("%s: %j goes to %s only", (name, value, version) => {
    const other = version === "v20250224" ? "v20111101" : "v20250224";
    expect(ask({ [name]: value }, { source: version }).options).toMatchObject({ [name]: value });
    expect(refusal(() => ask({ [name]: value }, { source: other }))).toEqual([
      {
        pointer: `/widget_url/${name}`,
        detail: `exists in MX's ${version} only; this deployment uses ${other}`,
      },
    ]);
  });
});

describe("client_redirect_url", () => {
  it.each([
    ["https://app.example.com/done", "https://app.example.com/done"],
    ["HTTPS://APP.example.com/done", "https://app.example.com/done"],
    ["https://app.example.com:443/done", "https://app.example.com/done"],
    ["https://app.example.com/x/../done", "https://app.example.com/done"],
    ["myapp://done", "myapp://done"],
  ])("%s is allowed and sent as %s", (client_redirect_url, sent) => {
    expect(ask({ client_redirect_url }).options.client_redirect_url).toBe(sent);
  });

  it.each([
    ["another host", "https://evil.example/done"],
    ["another path", "https://app.example.com/other"],
    ["a longer path", "https://app.example.com/done/x"],
    ["a query", "https://app.example.com/done?next=https://evil.example"],
    ["a fragment", "https://app.example.com/done#x"],
    ["another port", "https://app.example.com:8443/done"],
    ["plain http", "http://app.example.com/done"],
    ["a user", "https://app.example.com@evil.example/done"],
    ["a user before the right host", "https://user@app.example.com/done"],
    ["a suffix of the host", "https://app.example.com.evil.example/done"],
    ["a prefix of the host", "https://evilapp.example.com/done"],
    ["a dot after the host", "https://app.example.com./done"],
    ["javascript:", "javascript:alert(1)"],
    ["javascript: with the right host", "javascript://app.example.com/done%0aalert(1)"],
    ["data:", "data:text/html,<script>alert(1)</script>"],
    ["no scheme", "//evil.example/done"],
    ["no scheme, right host", "//app.example.com/done"],
    ["a path", "/done"],
    ["a backslash", "https:/\\evil.example/done"],
    ["a backslash, right host", "https:/\\app.example.com/done"],
    ["two backslashes", "\\\\evil.example/done"],
    ["CR and LF", "https://app.example.com/done\r\nX: y"],
    ["a line break at the end", "https://app.example.com/done\n"],
    ["a TAB in the scheme", "java\tscript:alert(1)"],
    ["a TAB in the host", "https://app.exa\tmple.com/done"],
    ["a space before", " https://app.example.com/done"],
    ["NUL", "https://app.example.com/done\0"],
    ["look-alike letters", "https://аpp.example.com/done"],
    ["a scheme that is not listed", "otherapp://done"],
    ["a listed scheme with another host", "myapp://elsewhere"],
    ["nothing", ""],
    ["2049 characters", `https://app.example.com/${"x".repeat(2049)}`],
  ])("%s is refused", (_what, client_redirect_url) => {
    expect(refusedPointers({ client_redirect_url })).toEqual(["/widget_url/client_redirect_url"]);
  });

  it("is refused where the operator listed none", () => {
    expect(
      refusedPointers(
        { client_redirect_url: "https://app.example.com/done" },
        { clientRedirectUrls: [] },
      ),
    ).toEqual(["/widget_url/client_redirect_url"]);
  });
});

describe("ui_message_webview_url_scheme", () => {
  it.each(["mx", "myapp", "MyApp"])("can be %s, which the operator listed", (scheme) => {
    expect(ask({ ui_message_webview_url_scheme: scheme }).options).toMatchObject({
      ui_message_webview_url_scheme: scheme,
    });
  });

  it.each(["javascript", "https", "other", "mx:", "mx://", "m x", "mx\n", "", "1mx"])(
    "cannot be %j",
    (scheme) => {
      expect(refusedPointers({ ui_message_webview_url_scheme: scheme })).toEqual([
        "/widget_url/ui_message_webview_url_scheme",
      ]);
    },
  );
});

describe("a body with very many faults", () => {
  it.each([
    ["unknown options", (n: number) => [`o${n}`, 1]],
    ["options of a wrong type", (n: number) => [Object.keys(WidgetOptions.shape)[n], {}]],
    ["unusable names", (n: number) => [`\u0000${n}`, 1]],
  ])("has at most twenty of its %s named, and the rest counted", (_what, entry) => {
    const options = Object.fromEntries(Array.from({ length: 500 }, (_, n) => entry(n)));

    const places = refusal(() => ask(options));

    expect(places.length).toBeLessThanOrEqual(20);
    expect(JSON.stringify(places).length).toBeLessThan(4000);
    if (places.length === 20) expect(() => ask(options)).toThrow(/ \(and \d{2,3} more\)\.$/);
  });

  it("of the SSO API alone is answered as briefly", () => {
    const asked = Object.keys(WidgetOptions.shape).map((name) => [name, null]);
    const places = refusal(() => ask(Object.fromEntries(asked), { source: "sso" }));
    expect(places.length).toBeLessThanOrEqual(20);
  });
});

describe("an operator's own values", () => {
  it.each([
    [
      "v20250224",
      { connections_use_case_filter: true, locale: "fr" },
      ["connections_use_case_filter"],
    ],
    ["v20111101", { connections_use_case_filter: true, locale: "fr" }, ["locale"]],
    ["sso", { widget_type: "master_widget", color_scheme: "dark" }, ["color_scheme"]],
    ["sso_v3", { connections_use_case_filter: true, locale: "fr" }, []],
  ] as const)("are held against the API %s: %j", (source, values, names) => {
    const pointers = findUnsupportedOptions(source, values).map(({ pointer }) => pointer);
    expect(pointers).toEqual(names.map((name) => `/widget_url/${name}`));
  });
});
