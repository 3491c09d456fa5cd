/** The page for phones in each engine, from the question to the app: Android opens Chromium or Firefox, iOS WebKit. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EmbedHost, startEmbedHost } from "../support/embed-host.ts";
import { ENGINES, type Engine, hasEngine, startEngine, type Tab } from "../support/engines.ts";
import { type HostedWorld, startHosted } from "../support/hosted.ts";

/** Once it may be pressed: on a slow machine the window gets the focus late, and "Yes" rests for half a second after that. */
const press = (words: string) => `
  const button = [...document.querySelectorAll("button")].find((each) => each.innerText.startsWith("${words}"));
  const click = () => (button.ariaDisabled === "true" ? setTimeout(click, 100) : button.click());
  setTimeout(click, 100);`; // After the script's own end, since a page that goes away takes its answer with it.
const say = (type: string, metadata = {}) => `
  const { contentWindow } = document.querySelector("mx-widget").shadowRoot.querySelector("iframe[part]");
  contentWindow.postMessage({ say: "${type}", metadata: ${JSON.stringify(metadata)} }, "*");`;
const shown = (words: string) => `document.body.innerText.includes("${words}")`;
const isOpen = `document.querySelector("mx-widget")?.state === "open"`;
/** Long timers run out at once. */
const HURRY = `
  const later = window.setTimeout;
  window.setTimeout = (run, ms, ...rest) => later(run, ms > 1000 ? 300 : ms, ...rest);`;

type Row = {
  what: string;
  /** From the question to the end. */
  act(tab: Tab): Promise<unknown>;
  /** What the app is told. */
  end: string;
};

async function confirm(tab: Tab): Promise<void> {
  await tab.run(press("Yes"));
  await tab.waitFor(isOpen);
}

const ROWS: Row[] = [
  {
    what: "a connected account",
    async act(tab) {
      await confirm(tab);
      await tab.run(say("mx/connect/memberConnected", { member_guid: "MBR-1" }));
      await tab.waitFor(shown("Done"));
      await tab.run(say("mx/connect/connected/primaryAction"));
    },
    end: "status=connected&member_guid=MBR-1",
  },
  {
    what: "a connected account, and the page's own button",
    async act(tab) {
      await confirm(tab);
      await tab.run(say("mx/connect/memberConnected", { member_guid: "MBR-2" }));
      await tab.waitFor(shown("Done"));
      await tab.run(press("Done"));
    },
    end: "status=connected&member_guid=MBR-2",
  },
  {
    what: "a user who closes it",
    async act(tab) {
      await confirm(tab);
      await tab.run(press("Close"));
    },
    end: "status=closed",
  },
  {
    what: "a user who has not started this",
    act: (tab) => tab.run(press("No")),
    end: "status=closed",
  },
  {
    what: "a widget that never loads",
    async act(tab) {
      await tab.run(`${HURRY} ${press("Yes")}`);
    },
    end: "status=error",
  },
  {
    what: "a phone that was offline meanwhile",
    async act(tab) {
      const set = (isOnline: boolean) => `
        Object.defineProperty(Navigator.prototype, "onLine", { get: () => ${isOnline}, configurable: true });
        dispatchEvent(new Event("${isOnline ? "online" : "offline"}"));`;
      await tab.run(`${set(false)} ${press("Yes")}`);
      await tab.waitFor(
        `document.querySelector("mx-widget")?.shadowRoot.textContent.includes("You are offline")`,
      );
      await tab.run(set(true));
      await tab.waitFor(isOpen);
      await tab.run(press("Close"));
    },
    end: "status=closed",
  },
];

describe.each(ENGINES)("in %s, the page for phones", (name) => {
  let engine: Engine;
  let host: EmbedHost;
  let world: HostedWorld;
  let urls = 0;
  beforeAll(async () => {
    if (!hasEngine(name)) return;
    engine = await startEngine(name);
    host = await startEmbedHost();
    world = await startHosted(undefined, { WIDGET_URL_ORIGINS: host.widgetOrigin });
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await host?.[Symbol.asyncDispose]();
    await engine?.[Symbol.asyncDispose]();
  });

  async function openPage(kind = "widget"): Promise<Tab> {
    urls += 1;
    const tab = await engine.openTab();
    const url = `${host.widgetOrigin}/${kind}/${urls}`;
    await tab.goto(world.toAddress({ url, redirect: world.appLink, language: "en" }));
    await tab.waitFor(`document.querySelector("button")?.getAttribute("aria-disabled") !== "true"`);
    await tab.waitFor(shown("Did you just start this"));
    return tab;
  }

  it.skipIf(!hasEngine(name)).each(ROWS)("tells the app of $what", async ({ act, end, what }) => {
    await using tab = await openPage(what.includes("never") ? "silent" : "widget");
    const before = world.returns.length;
    await act(tab);
    await expect.poll(() => world.returns.slice(before)).toContain(`/done?from=widget&${end}`);
  });

  it.skipIf(!hasEngine(name))("keeps the URL nowhere, and cannot be reloaded", async () => {
    await using tab = await openPage();
    await confirm(tab);
    const kept = await tab.run<string>(
      "return JSON.stringify([location.href, history.state, { ...localStorage }, { ...sessionStorage }, document.cookie]);",
    );
    expect(kept).not.toContain(`widget/${urls}`);
    await tab.goto(await tab.run<string>("return location.href"));
    await tab.waitFor(shown("Please start in"));
  });

  it.skipIf(!hasEngine(name))("refuses a widget of somebody else", async () => {
    await using tab = await engine.openTab();
    const url = "https://widgets.example/md/connect/x";
    await tab.goto(world.toAddress({ url, redirect: world.appLink, language: "en" }));
    await tab.waitFor(shown("This link does not work."));
    expect(await tab.run("return document.querySelectorAll('iframe, mx-widget').length")).toBe(0);
  });
});
