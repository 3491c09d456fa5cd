/**
 * embed.js on a partner's page: opens, closes, and leaves nothing behind.
 */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startBrowser, type TestBrowser } from "../support/browser.ts";
import { startEmbedHost, visitHost } from "../support/embed-host.ts";
import { isInstalled } from "../support/installed.ts";

const isThere = isInstalled("chromium");
let browser: TestBrowser;
beforeAll(async () => {
  if (isThere) browser = await startBrowser();
});
afterAll(() => browser?.[Symbol.asyncDispose]());

/** The smallest opening, as `w`. */
const OPEN = `window.w = openWidget("#place", { getToken: () => "a.b.c" }); undefined`;

describe.skipIf(!isThere)("a widget (skipped without chromium)", () => {
  it("opens as an element that is written into the page", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);

    await visit.run(`
      window.w = document.createElement("mx-widget");
      w.setAttribute("widget-type", "connect_widget");
      w.setAttribute("options", '{"color_scheme":"dark"}');
      w.setAttribute("language", "fr-CA");
      place.append(w);
      undefined`);
    expect(await visit.run("[w.state, w.ariaBusy]")).toEqual(["loading", "true"]);
    await visit.run(`w.getToken = async () => "a.b.c"; undefined`);
    await visit.until("open");

    expect(host.requests).toMatchObject([
      {
        headers: { authorization: "Bearer a.b.c", "accept-language": "fr-CA" },
        body: { widget_url: { widget_type: "connect_widget", color_scheme: "dark" } },
      },
    ]);
    expect(host.requests[0]?.headers).not.toHaveProperty("x-csrf");
    expect(host.opened).toEqual(["/widget/1"]);
    const frame = visit.page.locator("mx-widget iframe");
    expect(await frame.getAttribute("title")).toBe("MX connect widget");
    expect(await frame.getAttribute("sandbox")).toBeNull(); // A bank's OAuth page opens in a window.
    expect(await visit.run("w.ariaBusy")).toBe("false");
    expect(await frame.boundingBox()).toMatchObject({ height: 550 });
    expect(visit.complaints).toEqual([]);
  });

  it("opens by the function, and tells its callbacks", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);

    await visit.run(`
      window.told = [];
      const tell = (name) => (detail) => told.push([name, detail?.type ?? detail?.reason]);
      window.w = openWidget(document.querySelector("#place"), {
        getToken: ({ isRefresh }) => Promise.resolve("a.b." + isRefresh),
        sessionUrl: new URL("/session", location).href,
        widgetType: "master_widget",
        frameTitle: "Your money",
        closeOnDone: true,
        onLoad: tell("load"), onMessage: tell("message"), onDone: tell("done"), onClose: tell("close"),
      });
      undefined`);
    await visit.until("open");
    const frame = visit.page.frames()[1];
    await frame?.evaluate(`tell("mx/connect/connected/primaryAction")`);
    await visit.until("closed");

    expect(await visit.run("told")).toEqual([
      ["load", undefined],
      ["message", "mx/load"],
      ["message", "mx/connect/connected/primaryAction"],
      ["done", undefined],
      ["close", "done"],
    ]);
    expect(host.requests[0]?.headers.authorization).toBe("Bearer a.b.false");
    expect(await visit.run("place.children.length")).toBe(0);
    expect(visit.page.frames()).toHaveLength(1);
    expect(visit.complaints).toEqual([]);
  });

  it("refuses settings that cannot work, at once", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);
    const attempt = (call: string) =>
      visit.run(`try { ${call}; "no error" } catch (error) { error.name + ": " + error.message }`);

    expect(await attempt(`openWidget("#nowhere", { getToken() {} })`)).toMatch(
      /TypeError: .*#nowhere/,
    );
    expect(await attempt(`openWidget("#place", {})`)).toMatch(/TypeError: Set getToken/);
    expect(await attempt(`openWidget("#place", { getToken() {}, colour: "red" })`)).toMatch(
      /TypeError: .*"colour"/,
    );
    expect(await visit.run("place.children.length")).toBe(0);
  });

  it("logs in by cookie where it is told to, with the header against forgery", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);

    await visit.run(`
      document.cookie = "session=s1";
      window.w = openWidget("#place", { credentials: "same-origin" });
      undefined`);
    await visit.until("open");

    expect(host.requests[0]?.headers).toMatchObject({ "x-csrf": "1", cookie: "session=s1" });
    expect(host.requests[0]?.headers).not.toHaveProperty("authorization");
  });

  it("says so when it is never told how to log in", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);

    await visit.run(`
      window.w = document.createElement("mx-widget");
      w.loadTimeoutMs = 50;
      place.append(w);
      undefined`);
    await visit.until("error");

    expect(await visit.events()).toMatchObject([{ event: "mx-error", code: "no-login" }]);
    expect(host.requests).toEqual([]);
  });

  it("takes what was set before the module had loaded", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);

    await visit.run(`
      const early = document.implementation.createHTMLDocument().createElement("mx-widget");
      Object.assign(early, { getToken: () => "early.b.c", widgetType: "budgets_widget" });
      window.w = early;
      place.append(early);
      undefined`);
    await visit.until("open");

    expect(host.requests).toMatchObject([
      {
        headers: { authorization: "Bearer early.b.c" },
        body: { widget_url: { widget_type: "budgets_widget" } },
      },
    ]);
  });

  it("is heard on a page that sends no referrer", async () => {
    await using host = await startEmbedHost({ headers: { "Referrer-Policy": "no-referrer" } });
    await using visit = await visitHost(browser, host);

    await visit.run(OPEN);
    await visit.until("open");
  });

  it("asks the widget to go back", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);

    expect(await visit.run(`${OPEN}; w.back()`)).toBe(false); // Nothing has loaded yet.
    await visit.until("open");
    expect(await visit.run("Promise.all([w.back(), w.back()])")).toEqual([true, false]);
    expect(await visit.run("(() => { const asked = w.back(); w.close(); return asked; })()")).toBe(
      false,
    );
  });

  it("puts neither token nor URL anywhere but into the frame", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);
    const logged: string[] = [];
    visit.page.on("console", (message) => logged.push(message.text()));

    await visit.run(OPEN);
    await visit.until("open");

    const html = await visit.run<string>(
      "document.documentElement.outerHTML + w.shadowRoot.innerHTML + JSON.stringify({ ...w, ...localStorage, ...sessionStorage })",
    );
    expect(html).not.toContain("a.b.c");
    expect(html.split(host.widgetOrigin)).toHaveLength(2); // Once: the frame's src.
    expect(JSON.stringify(await visit.events())).not.toMatch(/a\.b\.c|widget\/1/);
    expect(logged).toEqual([]);
  });
});
