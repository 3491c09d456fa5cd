/**
 * What people see of embed.js: a skeleton, problems in their own language, and nothing that a screen reader or a page cannot use.
 */

import type { BrowserContextOptions } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findAxeViolations } from "../support/axe.ts";
import { startBrowser, type TestBrowser } from "../support/browser.ts";
import {
  type Answer,
  type EmbedHost,
  type HostVisit,
  startEmbedHost,
  visitHost,
} from "../support/embed-host.ts";
import { isInstalled } from "../support/installed.ts";

const isThere = isInstalled("chromium");
let browser: TestBrowser;
beforeAll(async () => {
  if (isThere) browser = await startBrowser();
});
afterAll(() => browser?.[Symbol.asyncDispose]());

const RATE_LIMITED: Answer = {
  status: 429,
  headers: { "Content-Type": "application/problem+json", "Retry-After": "7" },
  body: JSON.stringify({ type: "/problems/rate-limited", status: 429, request_id: "request-1" }),
};

const OPEN = `
  stopClock();
  window.w = openWidget("#place", { getToken: () => "a.b.c" });
  undefined`;

describe.skipIf(!isThere)("the element (skipped without chromium)", () => {
  it("shows a skeleton, and says after three seconds what it waits for", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);
    host.hold("token");
    host.hold("session");

    await visit.run(`${OPEN}; w.getToken = async () => (await fetch("/token")).text(); w.open();`);
    expect(await words(visit)).toBe("Loading …");
    expect(await visit.page.locator("mx-widget").getAttribute("aria-busy")).toBe("true");
    await visit.run("moveClock(2900)");
    expect(await words(visit)).toBe("Loading …");
    await visit.run("moveClock(200)");
    expect(await words(visit)).toBe("Waiting for your login …");
    host.release("token");
    await visit.page.getByText("Waiting for the server …").waitFor();
  });

  it.each(["block", "flex", "grid", "inline-block"])(
    "fills its place where the page's own style says display: %s",
    async (display) => {
      await using host = await startEmbedHost();
      await using visit = await visitHost(browser, host);

      const style = `mx-widget { display: ${display}; inline-size: 400px; block-size: 600px }`;
      await visit.run(`{
        const sheet = new CSSStyleSheet();
        sheet.replaceSync("${style}");
        document.adoptedStyleSheets = [sheet];
      }`);
      await visit.run(OPEN);
      await visit.until("open");
      expect(await visit.page.locator("mx-widget iframe").boundingBox()).toMatchObject({
        width: 400,
        height: 600,
      });
    },
  );

  it.each([
    ["en-GB", "This could not be opened.", "Try again"],
    ["es-MX", "No se pudo abrir.", "Intentar de nuevo"],
    ["fr-CA", "L’ouverture a échoué.", "Réessayer"],
    ["de", "This could not be opened.", "Try again"],
  ])("speaks the language of the page: %s", async (lang, title, button) => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);
    host.answer(RATE_LIMITED);

    await visit.run(`document.documentElement.lang = "${lang}"; ${OPEN}`);
    await visit.until("error");
    expect(await words(visit)).toMatch(new RegExp(`^${title} .* request-1 ${button}$`));
    expect(await visit.run(`w.shadowRoot.querySelector("strong").lang`)).toBe(
      lang === "de" || lang === "en-GB" ? "en" : lang.replace("-MX", ""),
    );
  });

  it("speaks another language than the page where it is told to", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);
    host.answer("hung");

    await visit.run(`${OPEN}; w.language = "es"; undefined`);
    expect(await words(visit)).toBe("Cargando…");
  });

  it.each([
    [401, "unauthenticated", "Your login has ended. Please log in again."],
    [429, "rate-limited", "No connection, or the service is busy. Wait a moment."],
    [503, "overloaded", "No connection, or the service is busy. Wait a moment."],
    [504, "upstream-timeout", "No connection, or the service is busy. Wait a moment."],
    [403, "forbidden", "If this repeats, contact support."],
    [500, "internal-error", "If this repeats, contact support."],
  ])("says what happened in a user's words: %i %s", async (status, name, sentence) => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);
    const body = JSON.stringify({ type: `/problems/${name}`, status });
    host.answer({ status, headers: { "Content-Type": "application/problem+json" }, body });

    await visit.run(OPEN);
    await visit.until("error");
    expect(await words(visit)).toContain(sentence);
  });

  it("says that a link has expired", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);
    host.answer("silent");

    await visit.run(OPEN);
    await expect.poll(() => host.opened.length).toBe(1);
    await visit.run("moveClock(20_000)");
    await expect.poll(() => host.opened.length).toBe(2);
    await visit.run("moveClock(20_000)");
    await visit.until("error");
    expect(await words(visit)).toContain("It took too long, or the link has expired.");
  });

  it("takes colours, corners and font from custom properties", async () => {
    await using host = await startEmbedHost();
    await using visit = await visitHost(browser, host);
    host.answer(RATE_LIMITED);

    await visit.run(`{
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(\`mx-widget {
        --mx-widget-text: rgb(1, 2, 3); --mx-widget-background: rgb(4, 5, 6); --mx-widget-accent: rgb(7, 8, 9);
        --mx-widget-accent-text: rgb(10, 11, 12); --mx-widget-radius: 3px; --mx-widget-font: 20px monospace;
      }\`);
      document.adoptedStyleSheets = [sheet];
    }; ${OPEN}`);
    await visit.until("error");
    expect(
      await visit.run(`(() => {
        const [host, button] = [w, w.shadowRoot.querySelector("[part=retry]")].map((part) => getComputedStyle(part));
        return [host.color, host.backgroundColor, host.fontSize, host.fontFamily, button.color, button.backgroundColor, button.borderRadius];
      })()`),
    ).toEqual([
      "rgb(1, 2, 3)",
      "rgb(4, 5, 6)",
      "20px",
      "monospace",
      "rgb(10, 11, 12)",
      "rgb(7, 8, 9)",
      "3px",
    ]);
  });
});

const STATES: Record<string, (host: EmbedHost, visit: HostVisit) => Promise<void>> = {
  async loading(host, visit) {
    host.answer("hung");
    await visit.run(OPEN);
    await visit.run("moveClock(3000)");
  },
  async "a problem"(host, visit) {
    host.answer(RATE_LIMITED);
    await visit.run(OPEN);
    await visit.until("error");
  },
  async "an open widget that may be dead"(_host, visit) {
    await visit.run(OPEN);
    await visit.until("open");
    await visit.page.frames()[1]?.evaluate(`tell("mx/ping")`);
    await visit.waitFor(`seen.some(({ event }) => event === "mx-ping")`);
    await visit.run("moveClock(90_000)");
    await visit.page.getByText("Does this still respond?").waitFor();
  },
};

const LOOKS: Record<string, { context: BrowserContextOptions; dir?: string }> = {
  light: { context: { colorScheme: "light" } },
  dark: { context: { colorScheme: "dark" } },
  "right to left": { context: { colorScheme: "dark" }, dir: "rtl" },
  "200 % of a phone": { context: { viewport: { width: 195, height: 422 }, deviceScaleFactor: 2 } },
};

describe.skipIf(!isThere).each(Object.entries(LOOKS))(
  "the element, %s (skipped without chromium)",
  (_look, { context, dir = "ltr" }) => {
    it.each(Object.entries(STATES))(
      "is without fault for a screen reader, and not too wide: %s",
      async (_state, reach) => {
        await using host = await startEmbedHost();
        await using visit = await visitHost(browser, host, "", context);
        await visit.run(`document.documentElement.dir = "${dir}"; undefined`);
        await reach(host, visit);

        expect(await findAxeViolations(visit.page)).toEqual([]);
        const overflow = "document.documentElement.scrollWidth - innerWidth";
        expect(await visit.run<number>(overflow)).toBeLessThanOrEqual(0);
      },
    );
  },
);

/** The words and buttons that can be seen. */
function words(visit: HostVisit): Promise<string> {
  return visit.run(
    `[...w.shadowRoot.querySelectorAll("p, strong, button")].filter((part) => part.checkVisibility() && part.innerText).map((part) => part.innerText).join(" ")`,
  );
}
