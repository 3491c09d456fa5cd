/**
 * The pages that the service shows about itself, in a real browser, under their own policy and without a network.
 */

import { describe, expect, it } from "vitest";
import { PROBLEM_TYPES } from "../../src/http/problem-types.ts";
import { findAxeViolations } from "../support/axe.ts";
import { startBrowser } from "../support/browser.ts";
import { isInstalled } from "../support/installed.ts";
import { start } from "../support/start.ts";

describe.skipIf(!isInstalled("chromium"))("the service's pages (skipped without chromium)", () => {
  it("show the contract, from this origin alone, and try a request", async () => {
    await using service = await start();
    await using browser = await startBrowser();
    await using visit = await browser.openPage({ colorScheme: "dark" });
    const { page, complaints } = visit;
    const foreign: string[] = [];
    page.on("request", (request) => {
      if (!/^(data|blob):/.test(request.url()) && new URL(request.url()).origin !== service.url)
        foreign.push(request.url());
    });

    await page.goto(`${service.url}/docs`);
    await page.locator(".opblock").first().waitFor();
    expect(await page.locator(".opblock").count()).toBeGreaterThanOrEqual(4);
    expect(await page.locator("html").getAttribute("class")).toBe("dark-mode");

    await page.locator(".opblock-post .opblock-summary-control").first().click();
    await page.getByRole("button", { name: "Try it out" }).click();
    const answered = page.waitForResponse(`${service.url}/session`);
    await page.getByRole("button", { name: "Execute" }).click();
    expect((await answered).status()).toBe(401); // Asked from the page's own origin, without a token.

    expect(foreign).toEqual([]);
    expect(complaints.filter((text) => !text.includes("401"))).toEqual([]);
  });

  it("lead from the contract to the file itself", async () => {
    await using service = await start();
    await using browser = await startBrowser();
    await using visit = await browser.openPage({ javaScriptEnabled: false });

    await visit.page.goto(`${service.url}/docs`);
    const link = visit.page.getByRole("link", { name: "openapi.yaml" }).first();
    expect(await link.getAttribute("href")).toBe("openapi.yaml");
  });

  it("explain each problem, styled, without a complaint", async () => {
    await using service = await start();
    await using browser = await startBrowser();
    await using visit = await browser.openPage();

    for (const { name, title } of Object.values(PROBLEM_TYPES)) {
      await visit.page.goto(`${service.url}/problems/${name}`);
      expect(await visit.page.locator("h1").textContent()).toBe(title);
    }
    const width = await visit.page.evaluate(() => document.querySelector("main")?.clientWidth ?? 0);
    expect(width).toBeLessThanOrEqual(640 + 64);
    expect(visit.complaints).toEqual([]);
  });

  it("explain problems without a fault for a screen reader, in each look", async () => {
    await using service = await start();
    await using browser = await startBrowser();
    await using visit = await browser.openPage({ viewport: { width: 195, height: 422 } }); // 200 % of a phone.

    for (const { name } of Object.values(PROBLEM_TYPES).slice(0, 3)) {
      await visit.page.goto(`${service.url}/problems/${name}`);
      for (const colorScheme of ["light", "dark"] as const)
        for (const dir of ["ltr", "rtl"]) {
          await visit.page.emulateMedia({ colorScheme });
          await visit.page.evaluate(`document.documentElement.dir = "${dir}"`);
          const violations = await findAxeViolations(visit.page);
          expect({ name, colorScheme, dir, violations }).toMatchObject({ violations: [] });
          const overflow = "document.documentElement.scrollWidth - innerWidth";
          expect(await visit.page.evaluate(overflow)).toBeLessThanOrEqual(0);
        }
    }
  });
});
