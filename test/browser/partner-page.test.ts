/**
 * The partner's page of `npm run demo`, in a real browser.
 */

import { describe, expect, it } from "vitest";
import { startBrowser } from "../support/browser.ts";
import { startDemo } from "../support/demo.ts";
import { isInstalled } from "../support/installed.ts";

describe.skipIf(!isInstalled("chromium"))("the partner's page (skipped without chromium)", () => {
  it("opens without a complaint", async () => {
    await using demo = await startDemo("both");
    await using browser = await startBrowser();
    await using visit = await browser.openPage();

    await visit.page.goto(demo.pageUrl);
    expect(await visit.page.title()).toContain("Example Bank");
    expect(visit.complaints).toEqual([]);
  });
});
