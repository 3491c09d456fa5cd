/**
 * embed.js and the messages of a page that is full of frames and windows: only the widget's own count.
 */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MessageMap } from "../../packages/embed/src/index.ts";
import { startBrowser, type TestBrowser } from "../support/browser.ts";
import { type HostVisit, startEmbedHost, visitHost } from "../support/embed-host.ts";
import { isInstalled } from "../support/installed.ts";

const isThere = isInstalled("chromium");
let browser: TestBrowser;
beforeAll(async () => {
  if (isThere) browser = await startBrowser();
});
afterAll(() => browser?.[Symbol.asyncDispose]());

const OPEN = `window.w = openWidget("#place", { getToken: () => "a.b.c", closeOnDone: true }); undefined`;
const DONE = `{ mx: true, type: "mx/connect/connected/primaryAction", metadata: {} }`;

describe.skipIf(!isThere)("a forged message (skipped without chromium)", () => {
  it("is ignored, wherever it comes from", async () => {
    await using host = await startEmbedHost({ framesAnything: true });
    await using elsewhere = await startEmbedHost();
    await using visit = await visitHost(browser, host);
    await visit.run(`{
      window.arrived = 0;
      addEventListener("message", () => { arrived += 1; });
    }`);
    await visit.run(OPEN);
    await visit.until("open");
    const { length } = await visit.events();

    for (const [from, forge] of FORGERIES) {
      const arrived = await visit.run<number>("arrived");
      await forge(visit, host.widgetOrigin, elsewhere.widgetOrigin);
      await visit.waitFor(`arrived > ${arrived}`); // It did arrive at the page.
      const events = await visit.events();
      expect({ from, events: events.slice(length) }).toEqual({ from, events: [] });
      expect(await visit.run("w.state")).toBe("open");
    }
  });

  it("is ignored from the widget itself, where it is not of MX's form", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);
    await visit.run(OPEN);
    await visit.until("open");

    for (const message of MISFITS)
      await visit.page.frames()[1]?.evaluate(`parent.postMessage(${message}, "*")`);
    await visit.page.frames()[1]?.evaluate(`tell("mx/last")`);
    await visit.waitFor(`seen.some(({ type }) => type === "mx/last")`);

    const types = (await visit.events()).map(({ event, type }) => type ?? event);
    expect(types).toEqual(["mx-load", "mx/load", "mx/last"]);
    expect(visit.complaints).toEqual([]);
  });
});

describe.skipIf(!isThere)("a message of the widget (skipped without chromium)", () => {
  it("has MX's spelling, however it comes, and is an event of its own", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);
    await visit.run(OPEN);
    await visit.until("open");
    await visit.run(`
      w.addEventListener("mx/connect/memberConnected", ({ detail }) => { window.connected = detail; });
      undefined`);

    await visit.page
      .frames()[1]
      ?.evaluate(`tell("mx/connect/memberconnected", { member_guid: "MBR-1" })`);
    await visit.waitFor("window.connected");

    expect(await visit.run("connected")).toEqual({ member_guid: "MBR-1" });
    expect((await visit.events()).at(-1)).toEqual({
      event: "mx-message",
      type: "mx/connect/memberConnected",
      metadata: { member_guid: "MBR-1" },
    });
  });

  it("is an event of its own where only the code of MX's Connect has it", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);
    await visit.run(OPEN);
    await visit.until("open");

    for (const type of OF_THE_CODE) {
      await visit.run(
        `w.addEventListener("${type}", () => { window.heard = "${type}"; }); undefined`,
      );
      await visit.page.frames()[1]?.evaluate(`tell("${type.toLowerCase()}")`);
      await visit.waitFor(`window.heard === "${type}"`);
    }
  });

  it("of a type that is not known is passed on, and makes no other event happen", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);
    await visit.run(OPEN);
    await visit.until("open");
    await visit.run(
      `for (const type of ["click", "mx-close"]) w.addEventListener(type, () => { window.isFooled = true; }); undefined`,
    );

    for (const type of ["click", "mx-close", "mx/news"])
      await visit.page.frames()[1]?.evaluate(`tell(${JSON.stringify(type)})`);
    await visit.waitFor(`seen.some(({ type }) => type === "mx/news")`);

    expect(await visit.run("window.isFooled")).toBeUndefined();
  });

  it("keeps the page's own session alive, once a minute at most", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);
    await visit.run(OPEN);
    await visit.until("open");
    const now = await visit.run<number>("performance.now()");
    const ping = async (milliseconds: number) => {
      await visit.run(`performance.now = () => ${now + milliseconds}; undefined`);
      const { length } = await visit.events();
      await visit.page.frames()[1]?.evaluate(`tell("mx/ping")`);
      await visit.waitFor(`seen.length > ${length}`);
    };

    for (const milliseconds of [0, 30_000, 59_999, 60_000, 90_000]) await ping(milliseconds);

    const pings = (await visit.events()).filter(({ event }) => event === "mx-ping");
    expect(pings).toHaveLength(2);
  });

  it("may open the bank's window, which can speak to the widget", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);
    await visit.run(OPEN);
    await visit.until("open");

    const opened = visit.page.waitForEvent("popup");
    await visit.page
      .frameLocator("mx-widget iframe")
      .getByRole("button")
      .evaluate(
        // The button of the widget opens the bank, as Connect does.
        (button, url) => {
          button.addEventListener("click", () => open(url));
          (button as HTMLElement).click();
        },
        `${host.widgetOrigin}/silent/bank`,
      );
    const popup = await opened;
    await popup.waitForLoadState();

    expect(await popup.evaluate("opener !== null")).toBe(true);
    await popup.close();
    expect(await visit.run("w.state")).toBe("open");
    expect(visit.complaints).toEqual([]);
  });
});

/** MX's package of definitions lacks them. Source: connect-widget, calls of onPostMessage. */
const OF_THE_CODE: (keyof MessageMap)[] = [
  "mx/connect/initialDataReady",
  "mx/connect/memberError/primaryAction",
  "mx/connect/backButtonClicked",
  "mx/connect/microdeposits/loaded",
  "mx/connect/microdeposits/detailsSubmitted",
  "mx/connect/microdeposits/verified",
  "mx/connect/microdeposits/verified/primaryAction",
  "mx/connect/microdeposits/error/primaryAction",
  "mx/connect/microdeposits/comeBack/primaryAction",
  "mx/connect/microdeposits/blockedRoutingNumber",
];

/** The last one takes the widget away. */
const FORGERIES: [
  from: string,
  forge: (visit: HostVisit, widgetOrigin: string, elsewhere: string) => Promise<unknown>,
][] = [
  ["from the page itself", async (visit) => visit.run(`postMessage(${DONE}, "*")`)],
  [
    "from the page itself, as an event with the widget's origin and source",
    async (visit) =>
      visit.run(`{
          const frame = w.shadowRoot.querySelector("iframe");
          dispatchEvent(new MessageEvent("message", {
            data: ${DONE}, origin: new URL(frame.src).origin, source: frame.contentWindow,
          }));
        }`),
  ],
  [
    "from another frame of the widget's own origin",
    async (visit, widgetOrigin) => {
      await addFrame(visit, `${widgetOrigin}/silent/other`);
      await visit.page.frames()[2]?.evaluate(`parent.postMessage(${DONE}, "*")`);
    },
  ],
  [
    "from a frame of another origin",
    async (visit, _widgetOrigin, elsewhere) => {
      await addFrame(visit, `${elsewhere}/silent/other`);
      await visit.page.frames()[2]?.evaluate(`parent.postMessage(${DONE}, "*")`);
    },
  ],
  [
    "from a frame within the widget",
    async (visit) => {
      await visit.page.frames()[1]?.evaluate(`{
          const frame = document.createElement("iframe");
          document.body.append(frame);
          frame.contentWindow.eval('top.postMessage(${DONE.replaceAll('"', '\\"')}, "*")');
        }`);
    },
  ],
  [
    "from a window that the widget has opened",
    async (visit) => {
      const popup = visit.page.waitForEvent("popup");
      await visit.page.frames()[1]?.evaluate(`{
          const bank = open("about:blank");
          bank.eval('opener.parent.postMessage(${DONE.replaceAll('"', '\\"')}, "*")');
        }`);
      await popup;
    },
  ],
  [
    "from the widget's frame once it shows another origin",
    async (visit, _widgetOrigin, elsewhere) => {
      const frame = visit.page.frames()[1];
      await frame?.goto(`${elsewhere}/silent/other`);
      await frame?.evaluate(`parent.postMessage(${DONE}, "*")`);
    },
  ],
];

const MISFITS = [
  `JSON.stringify(${DONE})`, // a text, as in older versions
  `{ type: "mx/connect/connected/primaryAction" }`, // not of MX
  `{ mx: "true", type: "mx/connect/connected/primaryAction" }`, // only nearly of MX
  `{ moneyDesktop: true, type: "mx/connect/connected/primaryAction" }`, // of the old name
  `{ mx: true }`, // without a type
  `{ mx: true, type: ["mx/load"] }`, // of a type that is no text
  "null", // nothing
];

async function addFrame(visit: HostVisit, url: string): Promise<void> {
  await visit.run(`new Promise((resolve) => {
    const frame = document.createElement("iframe");
    frame.onload = () => resolve();
    frame.src = ${JSON.stringify(url)};
    document.body.append(frame);
  })`);
}
