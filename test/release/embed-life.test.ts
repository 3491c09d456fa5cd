/** embed.js on a partner's page: a widget that does not load, ends, changes, or is not alone. */

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

describe.skipIf(!isThere)("a widget that does not load (skipped without chromium)", () => {
  const OPEN_BRIEFLY = `window.w = openWidget("#place", { getToken: () => "a.b.c", loadTimeoutMs: 150 }); undefined`;

  it("is asked for once more, and then reported", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);
    host.answer("silent");

    await visit.run(OPEN_BRIEFLY);
    await visit.until("error");

    expect(host.opened).toEqual(["/silent/1", "/silent/2"]);
    expect(await visit.events()).toMatchObject([
      { event: "mx-error", code: "load-timeout", isRetryable: true },
    ]);
    expect(visit.page.frames()).toHaveLength(1);
    await visit.run("new Promise((resolve) => setTimeout(resolve, 400))");
    expect(host.requests).toHaveLength(2); // Nothing more by itself.
  });

  it("is shown when the second one loads", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);
    host.answer("silent", "widget");

    await visit.run(`
      let asked = 0;
      window.w = openWidget("#place", {
        loadTimeoutMs: 150,
        getToken: () => {
          if ((asked += 1) === 2) w.loadTimeoutMs = 10_000; // However slow this machine is.
          return "a.b.c";
        },
      });
      undefined`);
    await visit.until("open");

    expect(host.opened).toEqual(["/silent/1", "/widget/2"]);
    expect((await visit.events()).map(({ event }) => event)).toEqual(["mx-load", "mx-message"]);
  });

  it("is tried again with the button, which does not lose the focus", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);
    host.answer("silent", "silent", "hung");

    await visit.run(OPEN_BRIEFLY);
    await visit.page.getByRole("alert").getByRole("button", { name: "Try again" }).press("Enter");

    expect(await visit.run("w.state")).toBe("loading");
    expect(await visit.run("document.activeElement === w")).toBe(true);
    await visit.page.getByRole("status").getByText("Loading").waitFor();
    expect(await visit.page.getByRole("alert").count()).toBe(0);
  });
});

describe.skipIf(!isThere)("a widget that ends (skipped without chromium)", () => {
  it("gives the focus back to where it was", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);

    await visit.run(`
      document.querySelector("#opener").addEventListener("click", () => {
        window.w = openWidget("#place", { getToken: () => "a.b.c", focusOnLoad: true, closeOnDone: true });
      });
      undefined`);
    await visit.page.locator("#opener").press("Enter");
    await visit.until("open");
    expect(await visit.run("document.activeElement === w")).toBe(true);

    await visit.page.frames()[1]?.evaluate(`tell("mx/connect/connected/primaryAction")`);
    await visit.until("closed");
    expect(await visit.run("document.activeElement.id")).toBe("opener");
    expect(await visit.events()).toContainEqual({ event: "mx-done" });

    await visit.page.locator("#opener").press("Enter");
    await visit.until("open");
    await visit.run("w.remove()"); // As a framework does.
    await visit.waitFor("document.activeElement.id === 'opener'");
  });

  it("does not take the focus from where the user has gone", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);

    await visit.run("document.body.append(document.createElement('input')); undefined");
    await visit.page.locator("#opener").focus();
    await visit.run(OPEN);
    await visit.until("open");
    await visit.page.locator("input").focus();
    await visit.run("w.close()");

    expect(await visit.run("document.activeElement.localName")).toBe("input");
  });

  it.each([
    ["closed", "w.close()"],
    ["removed", "w.remove()"],
    ["aborted", "stop.abort()"],
  ])("%s, leaves no listener, timer, frame or memory", async (_how, end) => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host, COUNT_TIMERS);
    const { page } = visit;
    const devTools = await page.context().newCDPSession(page);
    const listeners = async () => {
      const { result } = await devTools.send("Runtime.evaluate", { expression: "window" });
      const { objectId = "" } = result;
      const found = await devTools.send("DOMDebugger.getEventListeners", { objectId });
      return found.listeners.map(({ type }) => type).sort();
    };
    const before = await listeners();

    await visit.run(`
      window.stop = new AbortController();
      window.w = openWidget("#place", { getToken: () => "a.b.c", signal: stop.signal });
      undefined`);
    await visit.until("open");
    await visit.run("w.back(); w.back(); undefined");
    expect(await listeners()).toContain("message");

    await visit.run(`${end}; window.gone = new WeakRef(w); delete window.w; undefined`);
    expect(await listeners()).toEqual(before);
    expect(await visit.run("[timers.size, place.children.length]")).toEqual([0, 0]);
    expect(page.frames()).toHaveLength(1);
    await expect
      .poll(async () => {
        await devTools.send("HeapProfiler.collectGarbage");
        return visit.run("gone.deref() === undefined");
      })
      .toBe(true);
  });

  it.each([
    ["while the token is awaited", "token"],
    ["while the service is awaited", "answer"],
    ["while the widget is awaited", "widget"],
  ])("%s, asks for nothing any more, and reports no error", async (_when, awaited) => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);
    if (awaited === "answer") host.answer("hung");
    if (awaited === "widget") host.answer("silent");

    await visit.run(`
      window.w = openWidget("#place", {
        getToken: ({ signal }) => {
          window.awaited = signal;
          return ${awaited === "token"} ? new Promise((resolve) => { window.giveToken = resolve; }) : "a.b.c";
        },
      });
      undefined`);
    await visit.waitFor("window.awaited");
    if (awaited !== "token") await expect.poll(() => host.requests.length).toBe(1);
    await visit.run("w.close(); window.giveToken?.('a.b.c'); undefined");
    await visit.run("new Promise((resolve) => setTimeout(resolve, 100))");

    expect(await visit.run("awaited.aborted")).toBe(true);
    expect(host.requests).toHaveLength(awaited === "token" ? 0 : 1);
    expect(await visit.events()).toEqual([{ event: "mx-close", reason: "closed" }]);
    expect(visit.complaints).toEqual([]);
  });

  it("does not open when it is aborted before", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);

    await visit.run(
      `window.w = openWidget("#place", { getToken: () => "a.b.c", signal: AbortSignal.abort() }); undefined`,
    );
    await visit.run("new Promise((resolve) => setTimeout(resolve, 50))");
    expect([await visit.run("place.children.length"), host.requests.length]).toEqual([0, 0]);
  });
});

describe.skipIf(!isThere)("a widget that changes (skipped without chromium)", () => {
  it("asks once for all that is set in one go, and not for what stays the same", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);

    await visit.run(OPEN);
    await visit.until("open");
    await visit.run(`
      Object.assign(w, { getToken: () => "d.e.f", options: {}, widgetType: "" });
      undefined`);
    await visit.run(`
      w.widgetType = "goals_widget";
      w.options = { color_scheme: "dark" };
      w.setAttribute("language", "fr");
      undefined`);
    await visit.waitFor("seen.filter(({ event }) => event === 'mx-load').length === 2");
    await visit.run(
      `w.options = { color_scheme: "dark" }; w.widgetType = "goals_widget"; undefined`,
    );
    await visit.run("new Promise((resolve) => setTimeout(resolve, 50))");

    expect(host.requests).toHaveLength(2);
    expect(host.requests[1]).toMatchObject({
      headers: { authorization: "Bearer d.e.f", "accept-language": "fr" },
      body: { widget_url: { widget_type: "goals_widget", color_scheme: "dark" } },
    });
    expect(visit.page.frames()).toHaveLength(2);
  });

  it("opens anew where it is moved to, and lives on where the move keeps it", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);

    await visit.run(OPEN);
    await visit.until("open");
    await visit.run("document.querySelector('#other-place').append(w); undefined");
    await visit.until("open");
    expect(host.requests).toHaveLength(2);
    expect(visit.page.frames().map((frame) => new URL(frame.url()).pathname)).toEqual([
      "/",
      "/widget/2",
    ]);

    const opened = host.opened.length;
    await visit.run("place.moveBefore(w, null); undefined");
    await visit.run("new Promise((resolve) => setTimeout(resolve, 50))");
    expect(host.opened).toHaveLength(opened);
    expect(await visit.run("w.state")).toBe("open");
    expect(await visit.events()).not.toContainEqual(expect.objectContaining({ event: "mx-close" }));
  });

  it("keeps apart from another one", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);

    await visit.run(`${OPEN}; window.w1 = w; undefined`);
    await visit.until("open");
    await visit.run(OPEN);
    await visit.until("open");
    await visit.run(`
      window.heard = [];
      w1.addEventListener("mx-message", () => heard.push("first"));
      w.addEventListener("mx-message", () => heard.push("second"));
      undefined`);
    await visit.page.frames()[2]?.evaluate(`tell("mx/ping")`);
    await visit.waitFor("heard.length > 0");
    await visit.run("w1.close()");

    expect(await visit.run("heard")).toEqual(["second"]);
    expect(await visit.run("[w1.state, w.state]")).toEqual(["closed", "open"]);
    expect(visit.page.frames()).toHaveLength(2);
    expect(host.opened).toEqual(["/widget/1", "/widget/2"]);
  });

  it("has a new URL after a reload", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);

    await visit.run(OPEN);
    await visit.until("open");
    await visit.page.reload();
    await visit.run(OPEN);
    await visit.until("open");
    expect(host.opened).toEqual(["/widget/1", "/widget/2"]);
  });
});

const COUNT_TIMERS = `
  window.timers = new Set();
  const { setTimeout, clearTimeout } = window;
  window.setTimeout = (run, ...rest) => {
    const timer = setTimeout(() => { timers.delete(timer); run(); }, ...rest);
    timers.add(timer);
    return timer;
  };
  window.clearTimeout = (timer) => { timers.delete(timer); clearTimeout(timer); };
`;
