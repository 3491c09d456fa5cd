/**
 * A widget with a trigger: idle until it is pressed, and ready before that where the page asks early.
 */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startBrowser, type TestBrowser } from "../support/browser.ts";
import { type HostVisit, startEmbedHost, visitHost } from "../support/embed-host.ts";
import { isInstalled } from "../support/installed.ts";

const isThere = isInstalled("chromium");
let browser: TestBrowser;
beforeAll(async () => {
  if (isThere) browser = await startBrowser();
});
afterAll(() => browser?.[Symbol.asyncDispose]());

const add = (prefetch: string, token = `"a.b.c"`) => `
  stopClock();
  window.w = openWidget("#place", { getToken: () => ${token}, trigger: "opener", prefetch: "${prefetch}" });
  undefined`;
const jwt = (claims: object) =>
  `"x.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.y"`;
const settled = (visit: HostVisit) =>
  visit.run("new Promise((resolve) => setTimeout(resolve, 50))");

describe.skipIf(!isThere)("a trigger (skipped without chromium)", () => {
  it("opens the widget when it is pressed, again after it was closed, and not twice", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);
    const trigger = visit.page.locator("#opener");

    await visit.run(add("none"));
    await trigger.hover();
    await settled(visit);
    expect([await visit.run("w.state"), host.urls]).toEqual(["idle", 0]);
    expect(await visit.page.locator("mx-widget").isVisible()).toBe(false);

    await trigger.click();
    await visit.until("open");
    await trigger.click();
    await settled(visit);
    expect(host.urls).toBe(1);

    await visit.run("w.close()");
    await trigger.click();
    await visit.until("open");
    expect(host.urls).toBe(2);
  });

  it("may be replaced by the page, and be named later", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);

    await visit.run(`${add("none")}; w.trigger = "later"; undefined`);
    await visit.run(`{
      const button = document.createElement("button");
      button.id = "later";
      button.append(document.createElement("b"));
      button.firstChild.append("Later");
      document.body.append(button);
    }`);
    await visit.page.getByText("Later").click();
    await visit.until("open");
  });

  it("is not needed: open() does", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);

    await visit.run(`${add("none")}; w.open()`);
    await visit.until("open");
  });

  it("in the element's attributes is enough", async () => {
    const html = `<mx-widget trigger="opener" prefetch="hover"></mx-widget>`;
    await using host = await startEmbedHost({ html });
    await using visit = await visitHost(browser, host);

    await visit.run(`window.w = document.querySelector("mx-widget"); undefined`);
    expect(await visit.run("w.state")).toBe("idle");
    await visit.page.locator("#opener").click();
    await visit.until("open");
    expect(host.urls).toBe(1);
  });
});

describe.skipIf(!isThere)("prefetch (skipped without chromium)", () => {
  it.each([
    [
      "pointer",
      `document.querySelector("#opener").dispatchEvent(new PointerEvent("pointerover", { bubbles: true }))`,
    ],
    ["focus", `document.querySelector("#opener").focus()`],
    [
      "touch",
      `document.querySelector("#opener").dispatchEvent(new TouchEvent("touchstart", { bubbles: true }))`,
    ],
  ])("asks once for the URL, and the press uses it: %s", async (_by, hover) => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);

    await visit.run(add("hover"));
    await visit.run(`${hover}; ${hover}; undefined`);
    await expect.poll(() => host.urls).toBe(1);
    expect(await visit.run("w.state")).toBe("idle");
    await expect.poll(() => host.connections.length).toBe(1);
    await settled(visit);
    await visit.page.locator("#opener").click();
    await visit.until("open");

    expect(host.urls).toBe(1);
    const [warm, widget] = host.connections.map((line) => line.split(" "));
    expect([warm?.[0], widget?.[0]]).toEqual(["/favicon.ico", "/widget/1"]);
    expect(widget?.[1]).toBe(warm?.[1]); // No new connection.
    expect(visit.page.frames()).toHaveLength(2);
  });

  it("asks when the trigger comes into view", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);

    await visit.run(`document.querySelector("#opener").before(Object.assign(document.createElement("div"), { id: "tall" }));
      { const sheet = new CSSStyleSheet(); sheet.replaceSync("#tall { height: 3000px }"); document.adoptedStyleSheets = [sheet]; }
      ${add("visible")}`);
    await settled(visit);
    expect(host.urls).toBe(0);
    await visit.run("scrollTo(0, 3000)");
    await expect.poll(() => host.urls).toBe(1);
  });

  it("by hand asks too, and says whether there is a URL", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);

    await visit.run(add("none"));
    expect(await visit.run("w.prepare()")).toBe(true);
    await visit.run("w.open()");
    await visit.until("open");
    expect(host.urls).toBe(1);
    expect(await visit.run("w.prepare()")).toBe(false); // It is open.
  });

  it("throws the URL away after nine minutes", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);

    await visit.run(add("none"));
    await visit.run("w.prepare()");
    expect(visit.page.frames()).toHaveLength(2);
    await visit.run("moveClock(540_000)");
    expect(visit.page.frames()).toHaveLength(1);
    await visit.page.locator("#opener").click();
    await visit.until("open");
    expect(host.opened).toEqual(["/widget/2"]);
  });

  it("throws the URL away when other options are set", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);

    await visit.run(add("none"));
    await visit.run(`w.prepare().then(() => { w.options = { color_scheme: "dark" }; w.open(); })`);
    await visit.until("open");
    expect(host.opened).toEqual(["/widget/2"]);
  });

  it.each([
    ["another user", jwt({ sub: "grace" }), "/widget/2"],
    ["the same user with a fresh token", jwt({ sub: "ada", iat: 2 }), "/widget/1"],
    ["a token that names nobody", `"opaque"`, "/widget/2"],
  ])("keeps the URL of one user from another: %s", async (_who, later, opened) => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);

    await visit.run(add("none", `window.token`));
    await visit.run(`token = ${jwt({ sub: "ada", iat: 1 })}; w.prepare()`);
    await visit.run(`token = ${later}; w.open()`);
    await visit.until("open");
    expect(host.opened).toEqual([opened]);
  });

  it("is silent when it fails, and lets an early press wait for Retry-After", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);
    host.answer({ status: 429, headers: { "Retry-After": "7" } }, "widget");

    await visit.run(add("hover"));
    expect(await visit.run("w.prepare()")).toBe(false);
    expect(await visit.run("w.prepare()")).toBe(false);
    await visit.page.locator("#opener").click();
    await visit.run("moveClock(6900)");
    expect(host.requests).toHaveLength(1);
    await visit.run("moveClock(200)");
    await visit.until("open");
    expect(await visit.events()).not.toContainEqual(expect.objectContaining({ event: "mx-error" }));
  });

  it("ends with the element", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);

    await visit.run(add("none"));
    await visit.run("w.prepare()");
    await visit.run("w.remove()");
    expect(visit.page.frames()).toHaveLength(1);
    await visit.run("place.append(w); w.open()");
    await visit.until("open");
    expect(host.opened).toEqual(["/widget/2"]);
  });
});
