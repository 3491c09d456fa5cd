/**
 * The page for phones as an app opens it: what it asks, frames and refuses, where it goes, and what it leaves behind.
 *
 * Threats are listed in docs/threats.md.
 */

import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startBrowser, type TestBrowser } from "../support/browser.ts";
import { expectNoCanary } from "../support/canaries.ts";
import { type HostedWorld, NAME, startHosted, toFragment } from "../support/hosted.ts";
import { isInstalled } from "../support/installed.ts";

const CONNECTED = /^\/done\?from=widget&status=connected&member_guid=MBR-[\w-]+$/;
const QUESTION = `Did you just start this in the ${NAME} app?`;
const MXBANK = { current_institution_code: "mxbank" };

const isThere = isInstalled("chromium");
let browser: TestBrowser;
let world: HostedWorld;
beforeAll(async () => {
  if (!isThere) return;
  browser = await startBrowser();
  world = await startHosted(browser);
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  await browser?.[Symbol.asyncDispose]();
});

describe.skipIf(!isThere)("the page for phones (skipped without chromium)", () => {
  it("asks first, shows the widget, and brings the connected member to the app", async () => {
    await using visit = await world.visit({ url: await world.issueUrl(MXBANK) });
    const { page } = visit;
    expect(await page.title()).toBe(NAME);
    expect(await page.getByRole("heading").innerText()).toBe(QUESTION);
    expect(page.frames()).toHaveLength(1);

    await confirm(page);
    await logIn(page);
    await widgetOf(page).getByRole("button", { name: "Done" }).click();
    await page.waitForURL(/\/done/);
    expect(world.returns.at(-1)).toMatch(CONNECTED);
    expect(visit.complaints).toEqual([]);
  });

  it("goes to an app's own scheme", async () => {
    const url = await world.issueUrl(MXBANK);
    await using visit = await world.visit({ url, redirect: "mybank://widget/done" });
    const asked = nextAsked(visit.page, "mybank:");
    await confirm(visit.page);
    await logIn(visit.page);
    await widgetOf(visit.page).getByRole("button", { name: "Done" }).click();

    expect(await asked).toMatch(
      /^mybank:\/\/widget\/done\?status=connected&member_guid=MBR-[\w-]+$/,
    );
    const link = visit.page.getByRole("link", { name: "Back to the app" });
    expect(await link.getAttribute("href")).toBe(await asked); // For browsers that stay.
    expect(await visit.page.locator("iframe").count()).toBe(0);
  });

  it("has a button that ends it, with what is connected by then", async () => {
    await using visit = await world.visit({ url: await world.issueUrl(MXBANK) });
    await confirm(visit.page);
    await logIn(visit.page);
    await visit.page.getByRole("button", { name: "Done" }).click();
    await visit.page.waitForURL(/\/done/);
    expect(world.returns.at(-1)).toMatch(CONNECTED);
  });

  it("frames nothing, and goes back closed, for a user who did not start it", async () => {
    const url = await world.issueUrl();
    await using visit = await world.visit({ url });
    await visit.page.getByRole("button", { name: "No, go back" }).click();
    await visit.page.waitForURL(/\/done/);
    expect(world.returns.at(-1)).toBe("/done?from=widget&status=closed");
  });

  it("goes back closed when the user closes the widget", async () => {
    await using visit = await world.visit({ url: await world.issueUrl() });
    await confirm(visit.page);
    await widgetOf(visit.page).getByRole("heading").first().waitFor();
    await visit.page.getByRole("button", { name: "Close" }).click();
    await visit.page.waitForURL(/\/done/);
    expect(world.returns.at(-1)).toBe("/done?from=widget&status=closed");
  });

  it("waits half a second for the press that lets a widget in", async () => {
    await using visit = await browser.openPage();
    await visit.page.clock.install();
    await visit.page.goto(
      world.toAddress({ url: await world.issueUrl(), redirect: world.appLink }),
    );
    const yes = visit.page.getByRole("button", { name: "Yes, continue" });
    await yes.dispatchEvent("click");
    expect(visit.page.frames()).toHaveLength(1);
    await visit.page.clock.runFor(500);
    await visit.page.evaluate("dispatchEvent(new Event('focus'))"); // A window over it has closed.
    await yes.dispatchEvent("click");
    expect(visit.page.frames()).toHaveLength(1);
    await visit.page.clock.runFor(500);
    await yes.dispatchEvent("click");
    expect(visit.page.frames()).toHaveLength(2);
  });

  it("lets the widget open the bank's window, and hear from it", async () => {
    const url = await world.issueUrl({ current_institution_code: "mx_bank_oauth" });
    await using visit = await world.visit({ url });
    const { page } = visit;
    await confirm(page);
    const [bank] = await Promise.all([
      page.waitForEvent("popup"),
      widgetOf(page).getByRole("button", { name: /bank/i }).first().click(),
    ]);
    expect(await page.evaluate("sessionStorage.length")).toBe(0); // Not even the member.
    await bank.getByRole("button").first().click();
    await widgetOf(page).getByRole("button", { name: "Done" }).click();
    await page.waitForURL(/\/done/);
    expect(world.returns.at(-1)).toMatch(CONNECTED);
  });

  it("ends with an error where the URL was used before", async () => {
    const url = await world.issueUrl();
    expect((await fetch(url)).status).toBe(200);
    await using visit = await browser.openPage();
    await visit.page.clock.install();
    await visit.page.goto(world.toAddress({ url, redirect: "mybank://widget/done" }));
    const asked = nextAsked(visit.page, "mybank:");
    await visit.page.clock.runFor(500);
    await confirm(visit.page);
    await visit.page.waitForEvent("framenavigated");
    await visit.page.clock.runFor(60_000);

    expect(await asked).toBe("mybank://widget/done?status=error");
    await visit.page.getByText("the link has expired or was used before").waitFor();
  });

  it("waits for the connection where it opens offline, and spends no URL meanwhile", async () => {
    await using visit = await world.visit({ url: await world.issueUrl() });
    await visit.page.context().setOffline(true);
    await confirm(visit.page);
    await visit.page.getByText("You are offline").waitFor();
    expect(visit.page.frames()).toHaveLength(1);
    await visit.page.context().setOffline(false);
    await widgetOf(visit.page).getByRole("heading").first().waitFor();
  });
});

describe.skipIf(!isThere)("a link that nobody should follow (skipped without chromium)", () => {
  const FOREIGN = "https://widgets.example/md/connect/x";

  it.each<[string, string, string | null]>([
    ["a fragment that is none", "url=x", null],
    ["an app that is not listed", toFragment(JSON.stringify({ redirect: "evil://x" })), null],
    [
      "a widget of somebody else",
      toFragment(JSON.stringify({ redirect: "MyBank://widget/done", url: FOREIGN })),
      "mybank://widget/done?status=error",
    ],
  ])("is refused with %s", async (_what, fragment, target) => {
    await using visit = await browser.openPage();
    await visit.page.goto(`${world.service.url}/hosted#${fragment}`);
    await visit.page.getByText("This link does not work.").waitFor();
    expect(visit.page.frames()).toHaveLength(1);
    expect(await visit.page.locator("main").innerText()).not.toMatch(/evil|example\//);
    const links = await visit.page.getByRole("link").all();
    expect(await Promise.all(links.map((link) => link.getAttribute("href")))).toEqual(
      target === null ? [] : [target],
    );
  });

  it("is kept from framing anything else by the browser, too", async () => {
    await using visit = await world.visit({ url: await world.issueUrl() });
    await visit.page.evaluate(`{
      const frame = document.createElement("iframe");
      frame.src = ${JSON.stringify(world.appLink)};
      document.body.append(frame);
    }`);
    await expect.poll(() => visit.complaints.join()).toContain("frame-src");
  });
});

describe.skipIf(!isThere)("what the page leaves behind (skipped without chromium)", () => {
  it("is no URL in a log, a header, the history or a store", async () => {
    const url = await world.issueUrl(MXBANK);
    const token = url.split("/").at(-1) ?? "";
    await using visit = await world.visit({ url });
    const { page } = visit;
    const sent: string[] = [];
    page.on("request", async (request) => {
      if (request.url().startsWith(world.service.url) || request.url().startsWith(world.appLink))
        sent.push(request.url(), JSON.stringify(await request.allHeaders()));
    });
    const kept = () =>
      page.evaluate(
        "JSON.stringify([location.href, history.state, { ...localStorage }, { ...sessionStorage }, document.cookie])",
      );
    const entries = async () => {
      const session = await page.context().newCDPSession(page);
      return JSON.stringify(await session.send("Page.getNavigationHistory"));
    };

    expect(await kept()).not.toContain(token);
    await confirm(page);
    await logIn(page);
    expect(await kept()).not.toContain(token);
    expect(await kept()).toContain("{},{}");
    await page.getByRole("button", { name: "Done" }).click();
    await page.waitForURL(/\/done/);

    const all = [await entries(), ...sent, ...world.service.log, await kept()].join("\n");
    for (const secret of [token, toFragment(token), encodeURIComponent(url)])
      expect(all).not.toContain(secret);
    expectNoCanary("the log", world.service.log.join(""), [token]);
    expect(sent.join()).not.toMatch(/referer/i);
  });

  it("is a page that cannot be reloaded, but leads back", async () => {
    await using visit = await world.visit({ url: await world.issueUrl(), language: "fr" });
    await confirm(visit.page);
    await visit.page.reload();
    await visit.page.getByText("Commencez dans l’application").waitFor();
    expect(visit.page.frames()).toHaveLength(1);
    expect(await visit.page.getByRole("link").getAttribute("href")).toBe(
      `${world.appLink}&status=error`,
    );
  });

  it("is no widget that comes back with the Back button", async () => {
    const url = await world.issueUrl();
    await using visit = await world.visit({ url });
    const { page } = visit;
    await confirm(page);
    await widgetOf(page).getByRole("heading").first().waitFor();
    await page.goto("about:blank");
    await page.goBack();
    await page.getByText("Please start in").waitFor();
    expect(page.frames()).toHaveLength(1);
  });

  it("is nothing of a finished flow: reloaded, it no longer leads anywhere", async () => {
    await using visit = await world.visit({
      url: await world.issueUrl(),
      redirect: "mybank://widget/done",
    });
    await visit.page.getByRole("button", { name: "No, go back" }).click();
    await visit.page.getByText("Nothing is open here any more.").waitFor();
    await visit.page.reload();
    await visit.page.getByText("Please start in").waitFor();
    expect(await visit.page.getByRole("link").count()).toBe(0);
  });

  it("is asked again for another link in the same tab", async () => {
    await using visit = await world.visit({ url: await world.issueUrl() });
    await confirm(visit.page);
    await widgetOf(visit.page).getByRole("heading").first().waitFor();
    await visit.page.goto(
      world.toAddress({ url: await world.issueUrl(), redirect: world.appLink, language: "es" }),
    );
    await visit.page.getByText("¿Acaba de iniciar esto").waitFor();
  });

  it("is no hold for the window that opened it", async () => {
    await using visit = await browser.openPage();
    await visit.page.goto(`${world.appLink}`);
    const address = world.toAddress({ url: await world.issueUrl(), redirect: world.appLink });
    const [hosted] = await Promise.all([
      visit.page.context().waitForEvent("page"),
      visit.page.evaluate(`window.held = window.open(${JSON.stringify(address)}), undefined`),
    ]);
    await hosted.getByText(QUESTION).waitFor();
    expect(await hosted.evaluate("window.opener")).toBeNull();
    await expect.poll(() => visit.page.evaluate("held.closed")).toBe(true);
  });

  it("is no frame in another page", async () => {
    await using visit = await browser.openPage();
    await visit.page.goto(world.appLink);
    await visit.page.evaluate(`{
      const frame = document.createElement("iframe");
      frame.src = "${world.service.url}/hosted";
      document.body.append(frame);
    }`);
    await expect.poll(() => visit.complaints.join()).toContain("frame-ancestors");
  });
});

describe.skipIf(!isThere)("the page for phones below BASE_PATH (skipped without chromium)", () => {
  it("works as without", async () => {
    await using below = await startHosted(browser, { BASE_PATH: "/bank/mx" });
    await using visit = await below.visit({ url: await below.issueUrl(MXBANK) });
    await confirm(visit.page);
    await logIn(visit.page);
    expect(visit.page.url()).toBe(`${below.service.url}/bank/mx/hosted`);
    expect(visit.complaints).toEqual([]);
  });
});

async function confirm(page: Page): Promise<void> {
  await page.getByRole("button", { name: /^(Yes|Sí|Oui),/ }).click();
}

function widgetOf(page: Page) {
  return page.frameLocator("iframe");
}

async function logIn(page: Page): Promise<void> {
  const widget = widgetOf(page);
  await widget.getByLabel(/user/i).fill("mxuser");
  await widget.getByLabel(/password/i).fill("good");
  await widget.getByLabel(/password/i).press("Enter");
  await widget.getByRole("button", { name: "Done" }).waitFor();
}

/** The next address of this scheme that the page goes to. */
function nextAsked(page: Page, scheme: string): Promise<string> {
  return new Promise((resolve) => {
    page.on("request", (request) => request.url().startsWith(scheme) && resolve(request.url()));
  });
}
