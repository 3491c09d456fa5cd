/**
 * The member whose bank login is under way: who opens Connect at it when the page has loaded again, and who does not.
 */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startBrowser, type TestBrowser } from "../support/browser.ts";
import {
  type EmbedHost,
  type HostVisit,
  startEmbedHost,
  visitHost,
} from "../support/embed-host.ts";
import { isInstalled } from "../support/installed.ts";

const KEY = "mx-widget:member:connect_widget";
const isThere = isInstalled("chromium");
const jwt = (sub: string) => `x.${Buffer.from(JSON.stringify({ sub })).toString("base64url")}.y`;
const kept = (user: string, age = 0) => `JSON.stringify(["MBR-1", "${user}", Date.now() - ${age}])`;

describe.skipIf(!isThere)("a page that has loaded again (skipped without chromium)", () => {
  let browser: TestBrowser;
  let host: EmbedHost;
  let visit: HostVisit;
  beforeAll(async () => {
    if (!isThere) return;
    browser = await startBrowser();
    host = await startEmbedHost();
    visit = await visitHost(browser, host);
  });
  afterAll(async () => {
    await visit?.[Symbol.asyncDispose]();
    await host?.[Symbol.asyncDispose]();
    await browser?.[Symbol.asyncDispose]();
  });

  type Row = {
    what: string;
    /** What is in the storage, as a script. */
    kept: string;
    token?: string;
    settings?: string;
    isResumed?: boolean;
    isForgotten?: boolean;
  };
  const ROWS: Row[] = [
    { what: "the same user", kept: kept("ada"), isResumed: true },
    { what: "the same user, an hour later", kept: kept("ada", 3_600_000), isResumed: true },
    { what: "another user", kept: kept("grace"), isForgotten: true },
    { what: "nobody that a token names", kept: kept(""), token: "opaque", isResumed: true },
    {
      what: "nobody that a token names, eleven minutes later",
      kept: kept("", 660_000),
      token: "opaque",
      isForgotten: true,
    },
    {
      what: "nobody that a token names, after a user",
      kept: kept("ada"),
      token: "opaque",
      isForgotten: true,
    },
    { what: "another widget", kept: kept("ada"), settings: `widgetType: "pulse_widget"` },
    {
      what: "an option of the page",
      kept: kept("ada"),
      settings: `options: { current_institution_code: "mxbank" }`,
    },
    ...["5", "null", "{", `{"0":1}`, `"text"`].map((text) => ({
      what: `a storage that holds ${text}`,
      kept: JSON.stringify(text),
    })),
  ];

  it.each(ROWS)("opens at the member or not: $what", async (row) => {
    const { token = jwt("ada"), settings = "", isResumed = false, isForgotten = false } = row;
    await visit.run(`
      window.w?.close();
      sessionStorage.setItem("${KEY}", ${row.kept});
      window.w = openWidget("#place", { widgetType: "connect_widget", getToken: () => "${token}", ${settings} });
      undefined`);
    await visit.until("open");

    expect(JSON.stringify(host.requests.at(-1)).includes("current_member_guid")).toBe(isResumed);
    if (isForgotten) expect(await visit.run(`sessionStorage.getItem("${KEY}")`)).toBeNull();
  });

  it("opens without a member that the service refuses", async () => {
    host.answer({ status: 400, body: "{}" }, "widget");
    await visit.run(`
      w.close();
      sessionStorage.setItem("${KEY}", ${kept("ada")});
      window.w = openWidget("#place", { widgetType: "connect_widget", getToken: () => "${jwt("ada")}" });
      undefined`);
    await visit.until("open");
    expect(host.requests.at(-1)?.body).toEqual({ widget_url: { widget_type: "connect_widget" } });
    expect(await visit.run(`sessionStorage.getItem("${KEY}")`)).toBeNull();
  });

  it("opens without the member of a user whose login has ended, where another one logs in", async () => {
    host.answer({ status: 401 }, "widget");
    await visit.run(`
      w.close();
      sessionStorage.setItem("${KEY}", ${kept("ada")});
      window.w = openWidget("#place", {
        widgetType: "connect_widget",
        getToken: ({ isRefresh }) => isRefresh ? "${jwt("grace")}" : "${jwt("ada")}",
      });
      undefined`);
    await visit.until("open");
    expect(host.requests.at(-1)?.body).toEqual({ widget_url: { widget_type: "connect_widget" } });
  });

  it("keeps the member while another widget of the page closes, and forgets it at the end", async () => {
    await visit.run(`
      w.close();
      window.other = openWidget("#other-place", { widgetType: "pulse_widget", getToken: () => "${jwt("ada")}" });
      window.w = openWidget("#place", { widgetType: "connect_widget", getToken: () => "${jwt("ada")}" });
      undefined`);
    await visit.until("open");
    const say = (type: string) =>
      visit.run(`
        new Promise((resolve) => {
          w.addEventListener("${type}", resolve, { once: true });
          w.shadowRoot.querySelector("iframe").contentWindow.postMessage({ say: "${type}", metadata: { member_guid: "MBR-2" } }, "*");
        }).then(() => undefined)`);
    const stored = () => visit.run<string | null>(`sessionStorage.getItem("${KEY}")`);
    await say("mx/connect/oauthRequested");
    await visit.run("other.close()");
    expect(await stored()).toContain("MBR-2");
    await say("mx/connect/oauthError");
    expect(await stored()).toBeNull();
  });

  it("needs no storage", async () => {
    await visit.run(`
      w.close();
      Object.defineProperty(window, "sessionStorage", { get() { throw new DOMException("No.", "SecurityError"); } });
      window.w = openWidget("#place", { widgetType: "connect_widget", getToken: () => "${jwt("ada")}" });
      undefined`);
    await visit.until("open");
    await visit.run("w.close()");
    expect(visit.complaints.filter((complaint) => !/status of 40[01]/.test(complaint))).toEqual([]);
  });
});
