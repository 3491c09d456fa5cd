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
  urls?: number | readonly number[];
  /** Whether the browser itself loads the page again. Default false. */
  isReloaded?: boolean;
  /** Whether the widget had the focus. Default true. */
  hasFocus?: boolean;
};

export type Scene = ReturnType<typeof createScene>;

const PROBLEM = { "Content-Type": "application/problem+json" };
/** Seven seconds by the server's clock, whatever the page's says. */
const BY_DATE = {
  Date: "Sun, 06 Nov 1994 08:49:30 GMT",
  "Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT",
};
/** A `getToken` that never settles, then one that does. */
const HANGS_FIRST = `({ signal }) => (window.calls ??= []).push(signal) === 1 ? new Promise(() => {}) : "a.b.c"`;
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
    /** The browser says that it is offline, and all connections to the service break, or hang for ever. */
    async goOffline(how: "cut" | "hung" = "cut") {
      await run(`
        Object.defineProperty(Navigator.prototype, "onLine", { get: () => false, configurable: true });
        dispatchEvent(new Event("offline"));`);
      if (how === "cut") for (const what of ["session", "token"] as const) host.release(what, how);
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
    urls: [1, 2], // WebKit repeats a cut GET by itself, so the session may be asked for just before "online" comes.
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
      await expect.poll(() => host.opened.length).toBe(1);
      host.release("widget", "cut");
      await goOffline();
      await goOnline();
      await until("open");
    },
  },
  {
    name: "1 offline while a request hangs on the connection that is gone",
    async run({ host, open, move, words, goOffline, goOnline, until }) {
      host.hold("session");
      await open();
      await move(3000);
      expect(await words()).toBe("Waiting for the server …");
      await goOffline("hung");
      expect(await words()).toBe("You are offline. This continues by itself.");
      await goOnline();
      await until("open");
    },
  },
  {
    name: "1 offline while getToken hangs for ever",
    async run({ open, goOffline, goOnline, until, run }) {
      await open(`getToken: ${HANGS_FIRST}`);
      await goOffline("hung");
      await goOnline();
      await until("open");
      expect(await run("return calls.map(({ aborted }) => aborted)")).toEqual([true, true]);
    },
  },
  {
    name: "1 offline at the press, with a URL that was prepared",
    urls: 2,
    async run({ open, run, goOffline, goOnline, waitFor, until }) {
      await open(
        `trigger: "opener", getToken: async () => { if (!navigator.onLine) throw new Error("offline"); return "a.b.c"; }`,
      );
      await run("await w.prepare();");
      await goOffline();
      await run(`document.querySelector("#opener").click();`);
      await waitFor(`w.shadowRoot.textContent.includes("You are offline")`);
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
      await expect.poll(() => host.opened.length).toBe(1);
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
  {
    name: "7 a login that never answers: a button asks for it again",
    async run({ open, move, words, run, press, until }) {
      await open(`getToken: ${HANGS_FIRST}`);
      await move(20_000);
      expect(await words()).toBe("Waiting for your login … Does this still respond? Try again");
      await run("w.focus()");
      await press();
      await until("open");
      expect(await words()).toBe("");
    },
  },
  ...(
    [
      ["8 429 with Retry-After", 429, { "Retry-After": "7" }],
      ["9 503 with Retry-After", 503, { "Retry-After": "7" }],
      ["9 503 with a date in Retry-After, and a clock ten minutes off", 503, BY_DATE],
    ] as const
  ).map(
    ([what, status, headers]): Mishap => ({
      name: `${what}: an early press is remembered`,
      async run({ host, open, until, run, press, move, words }) {
        await run("sleepClock(600_000)");
        host.answer({ status, headers: { ...PROBLEM, ...headers } }, "widget");
        await open();
        await until("error");
        await run("w.focus()");
        await move(3000);
        await press();
        await move(3900);
        expect(await words()).toBe("Waiting for the server …");
        expect(host.requests).toHaveLength(1);
        await move(200);
        await until("open");
        expect(host.requests).toHaveLength(2);
      },
    }),
  ),
  {
    name: "8 429 with Retry-After: the page opens another one too early",
    async run({ host, open, until, move }) {
      host.answer({ status: 429, headers: { ...PROBLEM, "Retry-After": "7" } }, "widget");
      await open();
      await until("error");
      await open(); // A button of the page, as in the guide.
      await move(6900);
      expect(host.requests).toHaveLength(1);
      await move(200);
      await until("open");
    },
  },
  {
    name: "9 503 without Retry-After: the press asks at once",
    async run({ host, open, until, run, press }) {
      host.answer({ status: 503, headers: PROBLEM }, "widget");
      await open();
      await until("error");
      await run("w.focus()");
      await press();
      await until("open");
    },
  },
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
      await expect.poll(() => host.opened.length).toBe(1);
      await move(20_000);
      await until("open");
    },
  },
  {
    name: "11 an answer of the service that never comes",
    async run({ host, open, move, until, run, press }) {
      host.answer("hung", "widget");
      await open();
      await expect.poll(() => host.requests.length).toBe(1);
      await move(65_000);
      await until("error");
      await run("w.focus()");
      await press();
      await until("open");
    },
  },
  {
    name: "11 a getUrl of the page that never answers",
    async run({ host, open, move, until, run, press }) {
      await open(`
        getToken: undefined,
        getUrl: () => (window.calls ??= []).push(1) === 1 ? new Promise(() => {}) : "${host.widgetOrigin}/widget/1"`);
      await move(65_000);
      await until("error");
      await run("w.focus()");
      await press();
      await until("open");
    },
    urls: 0,
  },
  {
    name: "11 a load in a place that is not shown yet",
    hasFocus: false,
    async run({ open, until, run, move }) {
      await run("place.hidden = true;");
      await open();
      await until("open");
      await run("place.hidden = false;");
      await move(MINUTE);
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
    name: "13 React's StrictMode, with a URL that is asked for early",
    async run({ run, until, host }) {
      await run(`
        stopClock();
        const mount = () => {
          const closing = new AbortController();
          window.w = openWidget("#place", {
            getToken: () => "a.b.c", focusOnLoad: true, trigger: "opener", prefetch: "visible", signal: closing.signal,
          });
          window.ready = w.prepare();
          return () => closing.abort();
        };
        mount()();
        mount();
        await ready;`);
      expect(host.urls).toBe(1);
      await run(
        `document.querySelector("#opener").focus(); document.querySelector("#opener").click();`,
      );
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
    name: "14 an element that is moved into a shadow root",
    urls: 2,
    hasFocus: false,
    async run({ open, until, run, waitFor }) {
      await open();
      await until("open");
      await waitFor("document.activeElement === w");
      await run(`
        seen.length = 0;
        window.root = document.querySelector("#other-place").attachShadow({ mode: "open" });
        root.append(w);`);
      await waitFor(`seen.some(({ event }) => event === "mx-load")`);
      await waitFor("root.activeElement === w");
    },
  },
  {
    name: "14 an element in a shadow root, while the user is elsewhere",
    hasFocus: false,
    async run({ host, run, until, move }) {
      host.hold("session");
      await run(`
        stopClock();
        const root = document.querySelector("#place").attachShadow({ mode: "open" });
        window.w = Object.assign(document.createElement("mx-widget"), { getToken: () => "a.b.c" });
        root.append(w);
        w.focus();
        w.open();
        document.querySelector("#opener").focus();`);
      await move(100);
      host.release("session");
      await until("open");
      expect(await run("return document.activeElement.id")).toBe("opener");
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
      await expect.poll(() => host.opened.length).toBe(1);
      await move(45_000);
      host.release("widget");
      await until("open");
    },
  },
];
