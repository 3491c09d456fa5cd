import { describe, expect, it } from "vitest";
import { AppError } from "../../../src/errors.ts";
import { WIDGET_TYPES } from "../../../src/session/widget-options.ts";
import { createWidgetRequestParser } from "../../../src/session/widget-policy.ts";

/** The refusal of a body, where these types can be asked for. */
function refusalOf(body: unknown, widgetTypes: readonly string[] = WIDGET_TYPES) {
  const parse = createWidgetRequestParser({
    source: "v20250224",
    widgetTypes,
    defaults: {},
    forced: {},
    clientRedirectUrls: [],
    webviewSchemes: [],
  });
  try {
    parse(body);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { code, message, errors } = error;
    return { code, message, errors };
  }
  throw new Error("nothing was refused");
}

describe("a body that is refused", () => {
  it.each([
    [[], "The body must be an object."],
    ["connect_widget", "The body must be an object."],
    [{ widget_url: null }, "widget_url must be an object."],
    [{ widget_url: { style: { font_name: "" } } }, "widget_url.style.font_name must not be empty."],
    [
      { widget_url: { color_scheme: 7, style: 7, locale: 7 } },
      "widget_url.color_scheme must be one of light, dark, browser (and 2 more).",
    ],
  ])("has its first fault in the message, and the others counted: %j", (body, message) => {
    expect(refusalOf(body)).toMatchObject({ code: "invalid_request", message });
  });

  it("has one fault a place, in the order of the options", () => {
    const { errors } = refusalOf({
      widget_url: { iso_country_code: "longer than three", style: { font_name: "", x: 1 } },
    });
    expect(errors).toEqual([
      { pointer: "/widget_url/iso_country_code", detail: "must be an array" },
      { pointer: "/widget_url/style/font_name", detail: "must not be empty" },
      { pointer: "/widget_url/style/x", detail: "is not an option of MX's widgets" },
    ]);
  });
});

describe("a value that is refused", () => {
  it.each<[string, unknown, string]>([
    ["enable_app2app", "yes", "must be true or false"],
    ["ui_message_version", "4", "must be an integer"],
    ["ui_message_version", 1.5, "must be an integer"],
    ["ui_message_version", 0, "must be at least 1"],
    ["ui_message_version", 5, "must be at most 4"],
    ["use_cases", "PFM", "must be an array"],
    ["use_cases", [], "must not be empty"],
    ["use_cases", ["PFM", "PFM", "PFM"], "must not be longer than 2"],
    ["style", 1, "must be an object"],
    ["insight_guid", 7, "must be a string"],
    ["insight_guid", "", "must not be empty"],
    ["insight_guid", "x".repeat(256), "must not be longer than 255"],
    ["insight_guid", "a\0", "must not hold control characters or incomplete characters"],
    ["locale", "x_y", "must be a language tag such as fr-CA"],
    ["locale", "fr_CA", "must be a language tag such as fr-CA"],
    ["locale", "fr-CA!", "must be a language tag such as fr-CA"],
    ["color_scheme", "blue", "must be one of light, dark, browser"],
    ["color_scheme", 7, "must be one of light, dark, browser"],
    ["color_scheme", "drak", "is not a value that this option has; the nearest one is dark"],
  ])("is told what it must be: %s %j", (name, value, detail) => {
    const { errors } = refusalOf({ widget_url: { [name]: value } });
    expect(errors).toEqual([{ pointer: `/widget_url/${name}`, detail }]);
  });

  it("is told how a date is written", () => {
    const date_range = { start_date: "2026-13-01" };
    expect(refusalOf({ widget_url: { deep_link_params: { date_range } } }).errors).toEqual([
      {
        pointer: "/widget_url/deep_link_params/date_range/start_date",
        detail: "must be a date such as 2026-01-31",
      },
    ]);
  });

  it.each([
    [15, "budget", /^must be one of accounts_widget, .*; the nearest one is budgets_widget$/],
    [15, "zzzzzzzz", /^must be one of accounts_widget, .*, mini_cash_flow_widget$/],
    [16, "budget", /^is not a widget type .*; the nearest one is budgets_widget$/],
    [16, "zzzzzzzz", /^must be a widget type .*, such as connect_widget$/],
  ])("of %i widget types is told the list only while it is short: %s", (count, type, detail) => {
    const types = WIDGET_TYPES.slice(0, count);
    const { errors } = refusalOf({ widget_url: { widget_type: type } }, types);
    const pointer = "/widget_url/widget_type";
    expect(errors).toEqual([{ pointer, detail: expect.stringMatching(detail) }]);
  });
});

describe("an unknown name", () => {
  const UNUSABLE = "has an option with an unusable name";
  const UNKNOWN = "is not an option of MX's widgets";

  it.each([
    ["a-b_1", "/a-b_1", UNKNOWN],
    ["_a", "/_a", UNKNOWN],
    ["a".repeat(64), `/${"a".repeat(64)}`, UNKNOWN],
    ["a".repeat(65), "", UNUSABLE],
    ["", "", UNUSABLE],
    ["9a", "", UNUSABLE],
    ["-a", "", UNUSABLE],
    ["a b", "", UNUSABLE],
    ["a/b", "", UNUSABLE],
    ["<a>", "", UNUSABLE],
  ])("is repeated only where it looks like one: %j", (name, place, detail) => {
    const { errors } = refusalOf({ widget_url: { [name]: 1 } });
    expect(errors).toEqual([{ pointer: `/widget_url${place}`, detail }]);
  });

  it.each([
    [
      { widget_type: "connect_widget" },
      "/widget_type",
      'belongs inside widget_url, as in {"widget_url":{"widget_type":"connect_widget"}}',
    ],
    [{ color_scheme: "dark" }, "/color_scheme", /^belongs inside widget_url/],
    [{ widgetUrl: {} }, "/widgetUrl", /the nearest one is widget_url$/],
    [{ widget: { widget_type: "x" } }, "/widget", /the nearest one is widget_url$/],
    [{ colour_scheme: 1 }, "/colour_scheme", UNKNOWN],
    [
      { widget_url: { colour_scheme: "dark" } },
      "/widget_url/colour_scheme",
      `${UNKNOWN}; the nearest one is color_scheme`,
    ],
    [
      { widget_url: { colorScheme: "dark" } },
      "/widget_url/colorScheme",
      /the nearest one is color_scheme$/,
    ],
    [
      { widget_url: { widgetType: "x" } },
      "/widget_url/widgetType",
      /the nearest one is widget_type$/,
    ],
    [{ widget_url: { widget: "x" } }, "/widget_url/widget", /the nearest one is widget_type$/],
    [{ widget_url: { user_guid: "USR-1" } }, "/widget_url/user_guid", UNKNOWN],
    [{ widget_url: { current: 1 } }, "/widget_url/current", UNKNOWN], // The first word of four.
    [
      { widget_url: { deep_link_params: { locale: "fr" } } },
      "/widget_url/deep_link_params/locale",
      UNKNOWN,
    ],
    [
      { widget_url: { deep_link_params: { vew: "accounts" } } },
      "/widget_url/deep_link_params/vew",
      /; the nearest one is view$/,
    ],
    [
      { widget_url: { data_request: { products: ["transactions"], product: [] } } },
      "/widget_url/data_request/product",
      /; the nearest one is products$/,
    ],
    [{ widget_url: { style: { font: "x" } } }, "/widget_url/style/font", UNKNOWN],
  ])("is told where it belongs, or what was probably meant: %j", (body, pointer, detail) => {
    const expected = typeof detail === "string" ? detail : expect.stringMatching(detail);
    expect(refusalOf(body).errors).toContainEqual({ pointer, detail: expected });
  });
});

describe("a value that was probably meant", () => {
  it.each([
    [{ deep_link_params: { widget: "budget" } }, "/deep_link_params/widget", "budgets"],
    [{ data_request: { products: ["transaction"] } }, "/data_request/products/0", "transactions"],
    [{ widget_type: "conect_widget" }, "/widget_type", "connect_widget"],
    [{ widget_type: "connect" }, "/widget_type", "connect_widget"],
    [{ widget_type: "connectWidget" }, "/widget_type", "connect_widget"],
    [{ widget_type: "CONNECT_WIDGET" }, "/widget_type", "connect_widget"],
    [{ widget_type: "budget_widget" }, "/widget_type", "budgets_widget"],
  ])("is named: %j", (widgetUrl, place, nearest) => {
    const { errors } = refusalOf({ widget_url: widgetUrl });
    const detail = expect.stringMatching(`; the nearest one is ${nearest}$`);
    expect(errors).toEqual([{ pointer: `/widget_url${place}`, detail }]);
  });

  it.each(["nonsense", "", "widget", "widget_connect", 7, null])(
    "is none for the type %j",
    (type) => {
      const { errors } = refusalOf({ widget_url: { widget_type: type } });
      const detail = "must be a widget type that is offered here, such as connect_widget";
      expect(errors).toEqual([{ pointer: "/widget_url/widget_type", detail }]);
    },
  );
});
