/**
 * docs/guides/web.md as a newcomer follows it: its files are the tested ones, and they put a widget on a page.
 */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { startBrowser } from "../support/browser.ts";
import { startScript } from "../support/child.ts";
import { freePort } from "../support/free-port.ts";
import { isInstalled } from "../support/installed.ts";
import { startPartnerHost } from "../support/partner-host.ts";
import { start } from "../support/start.ts";

const GUIDES = new URL("../../docs/guides/", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, GUIDES), "utf8");

describe("the guide for web pages", () => {
  it.each([
    ["html", "index.html"],
    ["js", "page.js"],
    ["js", "server.mjs"],
  ])("shows the %s of examples/%s", (language, file) => {
    expect(read("web.md")).toContain(`\`\`\`${language}\n${read(`examples/${file}`)}\`\`\``);
  });

  it.skipIf(!isInstalled("chromium"))(
    "leads from its files to a widget (skipped without chromium)",
    async () => {
      await using service = await start();
      await using login = await startPartnerHost({});
      login.giveToken = () => service.issuer.issueToken("ada");
      await using server = await startServer({
        PORT: String(await freePort()),
        SERVICE: service.url,
        TOKENS: `http://127.0.0.1:${login.port}/token`,
      });
      await using browser = await startBrowser();
      await using visit = await browser.openPage();

      await visit.page.goto(server.url);
      await visit.page.getByRole("button", { name: "Link an account" }).press("Enter");
      const state = () => visit.page.evaluate("document.querySelector('mx-widget')?.state");
      await expect.poll(state).toBe("open");
      const tell = (type: string) =>
        visit.page.frames()[1]?.evaluate(`parent.postMessage({
          mx: true, type: "${type}", metadata: { member_guid: "MBR-1" },
        }, new URL(document.referrer).origin)`);
      await tell("mx/connect/memberConnected");
      await visit.page.getByText("Linked: MBR-1").waitFor();
      await tell("mx/connect/connected/primaryAction");
      await visit.page.locator("mx-widget").waitFor({ state: "detached" });

      expect(await visit.page.evaluate("document.activeElement.id")).toBe("link");
      expect(visit.complaints).toEqual([]);
    },
  );
});

async function startServer(environment: Record<string, string>) {
  const args = [new URL("examples/server.mjs", GUIDES).pathname];
  const server = await startScript(args, /(http:\S+)/, { env: { ...process.env, ...environment } });
  return { ...server, url: server.found.replace("localhost", "127.0.0.1") };
}
