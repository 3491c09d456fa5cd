/** What the page for phones takes from its address: nothing that is not listed, and no word of it is shown. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  readFragment,
  type Settings,
  toTarget,
} from "../../../packages/embed/src/hosted/fragment.ts";
import { codePoint } from "../../support/code-point.ts";

const APP = "mybank://widget/done";
const WEB = "https://app.example.com/done?from=widget";
const URL_OF_WIDGET = "https://widgets.moneydesktop.com/md/connect/abc";
const SETTINGS: Settings = {
  name: "Example Bank",
  redirects: [APP, WEB],
  frameOrigins: ["https://widgets.moneydesktop.com", "http://127.0.0.1:4000"],
};

const toFragment = (text: string) => Buffer.from(text).toString("base64url");
const read = (asked: unknown) => readFragment(toFragment(JSON.stringify(asked)), SETTINGS);

describe("the fragment", () => {
  it("holds the widget's URL, where to go, and how it looks", () => {
    const asked = { url: URL_OF_WIDGET, redirect: APP, language: "fr-CA", color_scheme: "dark" };
    expect(read(asked)).toEqual({
      url: URL_OF_WIDGET,
      redirect: APP,
      language: "fr-CA",
      colorScheme: "dark",
      problem: "",
    });
  });

  it("is read with and without padding, in both alphabets of base64", () => {
    for (const padding of ["", " ", "  "]) {
      const text = `{"url":"${URL_OF_WIDGET}?a=~~~","redirect":"${APP}"}${padding}`;
      for (const encoding of ["base64", "base64url"] as const)
        expect(readFragment(Buffer.from(text).toString(encoding), SETTINGS).problem).toBe("");
    }
  });

  it.each([
    ["not base64", "%%%"],
    ["not JSON", toFragment("url=x")],
    ["not UTF-8", Buffer.from([0x22, 0xff, 0x22]).toString("base64url")],
    ["cut", toFragment(JSON.stringify({ url: URL_OF_WIDGET, redirect: APP })).slice(0, -4)],
    ["a list", toFragment("[]")],
    ["null", toFragment("null")],
    ["a text", toFragment('"url"')],
  ])("is refused where it is %s", (_what, fragment) => {
    expect(readFragment(fragment, SETTINGS)).toMatchObject({
      url: "",
      redirect: "",
      problem: "The fragment must be the base64url form of a JSON object.",
    });
  });

  it.each([
    "https://evil.example/done",
    `${APP}/`,
    `${APP}e`,
    `${APP}?next=https://evil.example`,
    `${APP}#x`,
    `${APP}?`,
    "mybank://WIDGET/done",
    "mybank://widget.evil.example/done",
    "mybank://widget@evil.example/done",
    "mybank://user@widget/done",
    "mybank://widget:1/done",
    "mybank:/widget/done",
    "mybank:widget/done",
    "mybankx://widget/done",
    "mybank://widget//done",
    "mybank://widget/%64one",
    "mybank://widget\\done",
    ` ${APP}`,
    `${APP}\n`,
    `${APP}\0`,
    "my\tbank://widget/done",
    `javascript:alert(1)//${APP}`,
    `data:text/html,${APP}`,
    "https://app.example.com/done",
    "https://app.example.com/done?from=widget&from=x",
    "https://app.example.com.evil.example/done?from=widget",
    "https://app.example.com@evil.example/done?from=widget",
    "https://x@app.example.com/done?from=widget",
    "https:\\\\app.example.com/done?from=widget",
    "http://app.example.com/done?from=widget",
    "//app.example.com/done?from=widget",
    "/done?from=widget",
    "",
    undefined,
    null,
    7,
    [APP],
    { href: APP },
  ])("leads nowhere with the redirect %j", (redirect) => {
    expect(read({ url: URL_OF_WIDGET, redirect })).toMatchObject({
      url: "",
      redirect: "",
      problem: "redirect is missing, or not listed in CLIENT_REDIRECT_URLS.",
    });
  });

  it.each([
    ["MyBank://widget/done", APP], // Schemes have no case; hosts of the web neither.
    ["https://APP.example.com:443/x/../done?from=widget", WEB],
  ])("leads to the listed text itself: %s", (redirect, listed) => {
    expect(read({ url: URL_OF_WIDGET, redirect })).toMatchObject({ redirect: listed, problem: "" });
  });

  it.each<[string, unknown]>([
    ["another site", "https://widgets.example/md/connect/x"],
    ["a suffix", "https://widgets.moneydesktop.com.evil.example/x"],
    ["a prefix", "https://evilwidgets.moneydesktop.com/x"],
    ["a subdomain", "https://x.widgets.moneydesktop.com/x"],
    ["a final dot", "https://widgets.moneydesktop.com./x"],
    ["a user name", "https://u@widgets.moneydesktop.com/x"],
    ["the host as user name", "https://widgets.moneydesktop.com@evil.example/x"],
    ["another scheme", "http://widgets.moneydesktop.com/x"],
    ["another port", "https://widgets.moneydesktop.com:8443/x"],
    ["a script", "javascript:alert(1)//https://widgets.moneydesktop.com/"],
    ["a blob", `blob:${URL_OF_WIDGET}`],
    ["a data URL", "data:text/html,x"],
    ["a file system", `filesystem:${URL_OF_WIDGET}`],
    ["the source of a page", `view-source:${URL_OF_WIDGET}`],
    ["white space", `\n${URL_OF_WIDGET}`],
    ["a backslash", "https:\\\\widgets.moneydesktop.com\\x"],
    ["a path", "/md/connect/x"],
    ["nothing", undefined],
    ["null", null],
    ["a list", [URL_OF_WIDGET]],
    ["5,000 characters", URL_OF_WIDGET.padEnd(5000, "x")],
  ])("frames nothing with the url: %s", (_what, url) => {
    const { problem, ...asked } = read({ url, redirect: APP });
    expect(asked).toMatchObject({ url: "", redirect: APP });
    expect(problem).toMatch(/\burl\b/);
  });

  it.each<[string, object]>([
    ["a misspelt option", { langauge: "es" }],
    ["an option of the widget", { widget_type: "connect_widget" }],
    ["a language that is none", { language: "<b>es</b>" }],
    ["no language", { language: null }],
    ["a colour scheme that is none", { color_scheme: "blue" }],
  ])("is refused with %s", (_what, others) => {
    const { url, redirect, problem } = read({ url: URL_OF_WIDGET, redirect: APP, ...others });
    expect({ url, redirect }).toEqual({ url: "", redirect: APP });
    expect(problem).not.toBe("");
  });

  it("never leads to, frames or shows what is not listed", () => {
    const known = fc.constantFrom(APP, WEB, URL_OF_WIDGET);
    const texts = fc.oneof(
      known,
      fc.string({ unit: codePoint, maxLength: 20 }),
      fc.tuple(known, fc.string({ maxLength: 5 })).map((parts) => parts.join("")),
      fc.tuple(fc.string({ maxLength: 5 }), known).map((parts) => parts.join("")),
    );
    const values = fc.record(
      { url: texts, redirect: texts, language: texts, x: texts },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(values, (asked) => {
        const { url, redirect, language, problem } = read(asked);
        expect(["", ...SETTINGS.redirects]).toContain(redirect);
        if (url !== "") expect(SETTINGS.frameOrigins).toContain(new URL(url).origin);
        expect(url === "").toBe(problem !== "");
        expect(language).toMatch(/^[\w-]*$/);
        expect(problem).toMatch(/^[\w ,.:/'-]*$/);
      }),
      { numRuns: 200 },
    );
  });
});

describe("where the page goes", () => {
  it.each([
    [APP, "closed", undefined, "mybank://widget/done?status=closed"],
    [APP, "connected", "MBR-1", "mybank://widget/done?status=connected&member_guid=MBR-1"],
    [WEB, "error", "", "https://app.example.com/done?from=widget&status=error"],
    ["x:/?status=connected&member_guid=MBR-9#y", "closed", "", "x:/?status=closed#y"],
  ])("%s, %s", (redirect, status, guid, target) => {
    expect(toTarget(redirect, status, guid)).toBe(target);
  });
});
