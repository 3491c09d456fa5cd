/** What people see of the page for phones: nothing that a screen reader, a small screen or another language breaks. */

import type { BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findAxeViolations } from "../support/axe.ts";
import { startBrowser, type TestBrowser } from "../support/browser.ts";
import { type HostedWorld, NAME, startHosted } from "../support/hosted.ts";
import { isInstalled } from "../support/installed.ts";

const REDIRECT = "mybank://widget/done";
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

async function ask(page: Page): Promise<void> {
  await page.goto("about:blank");
  const url = await world.issueUrl({ current_institution_code: "mxbank" });
  await page.goto(world.toAddress({ url, redirect: REDIRECT }));
  const yes = page.getByRole("button", { name: "Yes, continue" });
  await expect.poll(() => yes.getAttribute("aria-disabled")).toBe("false");
}

/** Whatever asks for the widget. */
let held = Promise.withResolvers<void>();

/** Each leads the page of the state before on. */
const STATES: Record<string, (page: Page) => Promise<unknown>> = {
  question: ask,
  async loading(page) {
    held = Promise.withResolvers();
    await page.route("**/md/**", (route) => held.promise.then(() => route.continue()));
    await page.getByRole("button", { name: "Yes, continue" }).click();
    await page.getByText("Loading …").waitFor();
  },
  async widget(page) {
    held.resolve();
    await page.frameLocator("iframe").getByRole("heading").first().waitFor();
    await expect.poll(() => page.evaluate("document.activeElement.localName")).toBe("mx-widget");
    expect(await page.evaluate("scrollY")).toBe(0); // The button that closes it can be seen.
  },
  async connected(page) {
    const widget = page.frameLocator("iframe");
    await widget.getByLabel(/user/i).fill("mxuser");
    await widget.getByLabel(/password/i).fill("good");
    await widget.getByLabel(/password/i).press("Enter");
    await page.getByRole("banner").getByRole("button", { name: "Done" }).waitFor();
  },
  async "the end of a connection"(page) {
    await page.getByRole("banner").getByRole("button", { name: "Done" }).click();
    await page.getByText("Your account is connected.").waitFor();
  },
  async "no link"(page) {
    await page.reload();
    await page.getByText("Please start in").waitFor();
  },
  async closed(page) {
    await ask(page);
    await page.getByRole("button", { name: "No, go back" }).click();
    await page.getByText("Nothing is open here any more.").waitFor();
  },
  async error(page) {
    await ask(page);
    await page.getByRole("button", { name: "Yes, continue" }).click();
    await page.locator("mx-widget").evaluate((widget) => {
      widget.dispatchEvent(new CustomEvent("mx-error"));
    });
    await page.getByText("This could not be opened.").waitFor();
  },
  async "bad link"(page) {
    await page.goto("about:blank");
    await page.goto(world.toAddress({ redirect: REDIRECT }));
    await page.getByText("This link does not work.").waitFor();
  },
};

const LOOKS: Record<string, { context: BrowserContextOptions; dir?: string }> = {
  light: { context: { colorScheme: "light", viewport: { width: 390, height: 844 } } },
  dark: { context: { colorScheme: "dark", viewport: { width: 390, height: 844 } } },
  "320 px wide, right to left": {
    context: { colorScheme: "dark", viewport: { width: 320, height: 568 } },
    dir: "rtl",
  },
  "200 % of a phone": { context: { viewport: { width: 195, height: 422 }, deviceScaleFactor: 2 } },
};

describe.skipIf(!isThere)("the page for phones (skipped without chromium)", () => {
  it.each(Object.entries(LOOKS))(
    "is without fault for a screen reader, and not too wide: %s",
    async (_look, { context, dir = "ltr" }) => {
      await using visit = await browser.openPage(context);
      const { page } = visit;
      for (const [state, reach] of Object.entries(STATES)) {
        await reach(page);
        await page.evaluate(`document.documentElement.dir = "${dir}"`);
        expect({ state, violations: await findAxeViolations(page) }).toEqual({
          state,
          violations: [],
        });
        const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
        expect({ state, overflow }).toEqual({ state, overflow: 0 });
      }
    },
  );

  it.each([
    ["en-GB", "en", `Did you just start this in the ${NAME} app?`],
    ["es-MX", "es", `¿Acaba de iniciar esto en la aplicación de ${NAME}?`],
    ["fr", "fr-CA", `Venez-vous de commencer ceci dans l’application ${NAME}?`],
    ["de", "en", `Did you just start this in the ${NAME} app?`],
  ])("speaks the phone's language: %s", async (locale, lang, question) => {
    await using visit = await world.visit({ url: await world.issueUrl() }, { locale });
    expect(await visit.page.getByRole("heading").innerText()).toBe(question);
    expect(await visit.page.evaluate("document.documentElement.lang")).toBe(lang);
  });

  it("speaks the language and has the colours that the app asks for", async () => {
    const asked = { url: await world.issueUrl(), language: "es", color_scheme: "dark" };
    await using visit = await world.visit(asked, { locale: "en-US", colorScheme: "light" });
    await visit.page.getByText("¿Acaba de iniciar esto").waitFor();
    expect(await visit.page.evaluate("getComputedStyle(document.body).color")).toBe(
      "rgb(255, 255, 255)",
    );
  });

  it("gives the widget the focus, and the last words too", async () => {
    await using visit = await world.visit({ url: await world.issueUrl(), redirect: REDIRECT });
    const { page } = visit;
    const focused = () => page.evaluate("document.activeElement.localName");
    const yes = page.getByRole("button", { name: "Yes, continue" });
    await expect.poll(() => yes.getAttribute("aria-disabled")).toBe("false");
    await yes.press("Enter");
    await expect.poll(focused).toBe("mx-widget");
    await page.getByRole("button", { name: "Close" }).press("Enter");
    expect(await focused()).toBe("h1");
  });
});
