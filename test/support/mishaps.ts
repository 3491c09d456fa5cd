/**
 * The mishaps of a page with a widget, as a user and a browser make them. After each the widget works, with at most one
 * press of the user and two URLs, without a reload by the page, and has the focus where it had it.
 */

import { expect } from "vitest";
import type { EmbedHost, HostOptions } from "./embed-host.ts";
import type { Engine, EngineName, Tab } from "./engines.ts";

export type Mishap = {
  name: string;
  /** Engines that can have it in a test; default: all. */
  engines?: readonly EngineName[];
  host?: HostOptions;
  /** Ends when the widget works again. */
  run(scene: Scene): Promise<void>;
  /** How many widget URLs it costs. Default 1. */
  urls?: number;
  /** Whether the browser itself loads the page again. Default false. */
  isReloaded?: boolean;
  /** Whether the widget had the focus. Default true. */
  hasFocus?: boolean;
};

export type Scene = ReturnType<typeof createScene>;

const RETRY_AFTER = { "Content-Type": "application/problem+json", "Retry-After": "7" };
const MINUTE = 60_000;
/** In the page that the browser loads. */
const ELEMENT = `<mx-widget widget-type="connect_widget" focus-on-load></mx-widget>`;

export function createScene(engine: Engine, tab: Tab, host: EmbedHost) {
  const { run, waitFor } = tab;
  return {
    engine,
    tab,
    host,
    run,
    waitFor,
    /** Opened by a button of the page, as most are. */
    open: (settings = "") =>
      run(`
        stopClock();
        document.querySelector("#opener").focus();
        window.w = openWidget("#place", { getToken: () => "a.b.c", focusOnLoad: true, ${settings} });`),
    until: (state: string) => waitFor(`window.w?.state === "${state}"`),
    move: (ms: number) => run(`await moveClock(${ms})`),
    /** The widget's own message. */
    say: (type: string, metadata: object = {}) =>
      run(`
        const { length } = seen;
        w.shadowRoot.querySelector("iframe[part]").contentWindow.postMessage({ say: "${type}", metadata: ${JSON.stringify(metadata)} }, "*");
        while (seen.length === length) await new Promise((resolve) => setTimeout(resolve, 5));`),
    /** The words and buttons that can be seen. */
    words: () =>
      run<string>(
        `return [...w.shadowRoot.querySelectorAll("p, button")].filter((part) => part.checkVisibility()).map((part) => part.innerText).join(" ");`,
      ),
    press: () =>
      run(
        `[...w.shadowRoot.querySelectorAll("button")].find((part) => part.checkVisibility()).click();`,
      ),
    /** The browser says that it is offline, and all connections to the service break. */
    async goOffline() {
      await run(`
        Object.defineProperty(Navigator.prototype, "onLine", { get: () => false, configurable: true });
        dispatchEvent(new Event("offline"));`);
      for (const what of ["session", "token"] as const) host.release(what, "cut");
    },
    async goOnline() {
      host.mend();
      await run(`
        Object.defineProperty(Navigator.prototype, "onLine", { get: () => true, configurable: true });
        dispatchEvent(new Event("online"));`);
    },
    requests: () => host.requests.map(({ body }) => body as { widget_url: object }),
    /** In a page that has loaded again by itself. */
    async again() {
      await waitFor("window.openWidget");
      await run(`window.w = document.querySelector("mx-widget");`);
    },
  };
}

export const MISHAPS: Mishap[] = [
  {
    name: "1 offline when it opens, then online",
    async run({ goOffline, goOnline, open, waitFor, words, until }) {
      await goOffline();
      await open();
      await waitFor(`w.shadowRoot.textContent.includes("You are offline")`);
      expect(await words()).toContain("You are offline. This continues by itself.");
      await goOnline();
      await until("open");
    },
  },
  {
    name: "1 offline while getToken runs, then online",
    async run({ host, open, goOffline, goOnline, waitFor, until }) {
      host.hold("token");
      await open(`getToken: async () => (await fetch("/token")).text()`);
      await goOffline();
      await waitFor(`w.shadowRoot.textContent.includes("You are offline")`);
      await goOnline();
      await until("open");
    },
  },
  {
    name: "1 offline, which the browser notices late",
    async run({ host, open, goOffline, goOnline, until, run }) {
      host.release("session", "cut");
      await open();
      await until("error");
      await run("w.focus()");
      await goOffline();
      await goOnline();
      await until("open");
    },
  },
  {
    name: "1 offline while the widget's page loads, then online",
    urls: 2,
    async run({ host, open, goOffline, goOnline, until }) {
      host.hold("widget");
      await open();
      await expect.poll(() => host.opened.length, { timeout: 10_000 }).toBe(1);
      host.release("widget", "cut");
      await goOffline();
      await goOnline();
      await until("open");
    },
  },
  {
    name: "2 offline for a minute while it is open",
    async run({ open, until, goOffline, goOnline, move, say }) {
      await open();
      await until("open");
      await goOffline();
      await move(MINUTE);
      await goOnline();
      await say("mx/ping");
    },
  },
  {
    name: "3 sleep while it is open",
    async run({ open, until, run, move, say }) {
      await open();
      await until("open");
      await say("mx/ping");
      await run("sleepClock(660_000)");
      await move(1000);
      await say("mx/ping");
    },
  },
  {
    name: "3 sleep past the URL's ten minutes while it loads",
    urls: 2,
    async run({ host, open, run, move, until }) {
      host.answer("silent", "widget");
      await open();
      await expect.poll(() => host.opened.length, { timeout: 10_000 }).toBe(1);
      await run("sleepClock(660_000)");
      await move(20_000);
      await until("open");
    },
  },
  {
    name: "3 sleep while a prepared URL waits for its button",
    urls: 2,
    async run({ open, waitFor, run, until, host }) {
      await open(`trigger: "opener", prefetch: "hover"`);
      await run(`await w.prepare(); sleepClock(560_000);`);
      await waitFor("w.state === 'idle'");
      expect(host.urls).toBe(1);
      await run(`document.querySelector("#opener").click();`);
      await until("open");
      expect(host.opened.filter((path) => path.startsWith("/widget"))).toEqual(["/widget/2"]);
    },
  },
  {
    name: "4 the back/forward cache, with the widget alive",
    async run({ tab, host, open, until, run, waitFor }) {
      await open();
      await until("open");
      await run(`
        window.kept = w.shadowRoot.querySelector("iframe").contentWindow;
        addEventListener("pageshow", ({ persisted }) => { window.cameBack = persisted; });`);
      await tab.goto(`${host.url}/elsewhere`);
      await tab.back();
      await waitFor("window.cameBack");
      expect(await run("return kept === w.shadowRoot.querySelector('iframe').contentWindow")).toBe(
        true,
      );
    },
  },
  {
    name: "5 a tab that was discarded",
    host: { html: ELEMENT },
    urls: 2,
    isReloaded: true,
    async run({ tab, host, until, again }) {
      await again();
      await until("open");
      await tab.goto(host.url); // What the browser does when the user comes back.
      await again();
      await until("open");
    },
  },
  {
    name: "6 a phone's tab that was evicted while the bank's page was open",
    host: { html: ELEMENT },
    urls: 2,
    isReloaded: true,
    async run({ tab, host, again, until, say, requests, run }) {
      await again();
      await until("open");
      await say("mx/connect/oauthRequested", { member_guid: "MBR-1", url: "https://bank.example" });
      await tab.goto(host.url);
      await again();
      await until("open");
      expect(requests().at(-1)?.widget_url).toEqual({
        widget_type: "connect_widget",
        current_member_guid: "MBR-1",
      });
      await say("mx/connect/memberConnected", { member_guid: "MBR-1" });
      expect(await run("return sessionStorage.length")).toBe(0);
    },
  },
  {
    name: "7 a login that ended: a fresh token is enough",
    async run({ host, open, until, run }) {
      host.answer({ status: 401 }, "widget");
      await open(
        `getToken: ({ isRefresh }) => { (window.asked ??= []).push(isRefresh); return "a.b.c"; }`,
      );
      await until("open");
      expect(await run("return asked")).toEqual([false, true]);
    },
  },
  {
    name: "7 a login that ended: an event, and the user logs in again",
    async run({ host, open, until, run, words, press }) {
      host.answer({ status: 401 }, { status: 401 }, "widget");
      await open();
      await until("error");
      expect(host.requests).toHaveLength(2);
      expect(await run("return seen.map(({ event, status }) => [event, status])")).toEqual([
        ["mx-error", 401],
      ]);
      expect(await words()).toContain("Try again");
      await run("w.focus()");
      await press();
      await until("open");
    },
  },
  ...([429, 503] as const).map(
    (status): Mishap => ({
      name: `${status === 429 ? 8 : 9} ${status} with Retry-After: an early press is remembered`,
      async run({ host, open, until, run, press, move }) {
        host.answer({ status, headers: RETRY_AFTER }, "widget");
        await open();
        await until("error");
        await run("w.focus()");
        await move(3000);
        await press();
        await move(3900);
        expect(host.requests).toHaveLength(1);
        await move(200);
        await until("open");
        expect(host.requests).toHaveLength(2);
      },
    }),
  ),
  {
    name: "10 no ping for 90 s: a button, which the next message takes away",
    async run({ open, until, say, move, words, run }) {
      await open();
      await until("open");
      await say("mx/ping");
      await move(89_000);
      expect(await words()).toBe("");
      await move(1000);
      expect(await words()).toContain("Does this still respond? Try again");
      expect(await run("return seen.at(-1).event")).toBe("mx-stalled");
      await say("mx/connect/stepChange");
      expect(await words()).toBe("");
    },
  },
  {
    name: "10 no ping for 90 s: the button opens a new one",
    urls: 2,
    async run({ open, until, say, move, press, run, waitFor }) {
      await open();
      await until("open");
      await say("mx/ping");
      await move(90_000);
      await run("seen.length = 0;");
      await press();
      await waitFor(`seen.some(({ event }) => event === "mx-load")`);
    },
  },
  {
    name: "11 a load that never comes",
    urls: 2,
    async run({ host, open, move, until }) {
      host.answer("silent", "widget");
      await open();
      await expect.poll(() => host.opened.length, { timeout: 10_000 }).toBe(1);
      await move(20_000);
      await until("open");
    },
  },
  ...([-600_000, 600_000] as const).map(
    (skew): Mishap => ({
      name: `12 a clock that is ten minutes ${skew < 0 ? "slow" : "fast"}`,
      async run({ open, until, run, move, say }) {
        await run(`sleepClock(${skew})`);
        await open();
        await until("open");
        await say("mx/ping");
        await move(MINUTE);
        await say("mx/ping");
      },
    }),
  ),
  {
    name: "13 React's StrictMode, which mounts twice",
    async run({ run, until }) {
      await run(`
        stopClock();
        document.querySelector("#opener").focus();
        const mount = () => {
          const closing = new AbortController();
          window.w = openWidget("#place", { getToken: () => "a.b.c", focusOnLoad: true, signal: closing.signal });
          return () => closing.abort();
        };
        mount()();
        mount();`);
      await until("open");
      expect(await run("return document.querySelectorAll('mx-widget').length")).toBe(1);
    },
  },
  {
    name: "13 React's StrictMode, with the element itself",
    async run({ run, until }) {
      await run(`
        stopClock();
        document.querySelector("#opener").focus();
        window.w = document.createElement("mx-widget");
        Object.assign(w, { getToken: () => "a.b.c", focusOnLoad: true });
        place.append(w);
        w.remove();
        place.append(w);`);
      await until("open");
    },
  },
  {
    name: "14 an element that is moved in the document",
    urls: 2,
    async run({ open, until, run, waitFor }) {
      await open();
      await until("open");
      await waitFor("document.activeElement === w");
      await run(`seen.length = 0; document.querySelector("#other-place").append(w);`);
      await waitFor(`seen.some(({ event }) => event === "mx-load")`);
    },
  },
  {
    name: "15 two tabs",
    engines: ["chromium", "firefox"],
    urls: 2,
    async run({ engine, host, open, until, say, run }) {
      await open();
      await until("open");
      {
        await using other = await engine.openTab();
        await other.goto(host.url);
        await other.waitFor("window.openWidget");
        const second = createScene(engine, other, host);
        await second.open();
        await second.until("open");
        await second.say("mx/connect/oauthRequested", { member_guid: "MBR-1" });
        await second.run("w.close();");
      }
      await say("mx/ping");
      expect(await run("return seen.map(({ event, type }) => type ?? event)")).toEqual([
        "mx-load",
        "mx/load",
        "mx/ping",
        "mx-ping",
      ]);
    },
  },
  {
    name: "16 slow 3G: a load that goes on keeps its URL",
    async run({ host, open, move, until, words }) {
      host.hold("session");
      host.hold("widget");
      await open();
      await move(6000);
      expect(await words()).toBe("Waiting for the server …");
      host.release("session");
      await expect.poll(() => host.opened.length, { timeout: 10_000 }).toBe(1);
      await move(45_000);
      host.release("widget");
      await until("open");
    },
  },
];
