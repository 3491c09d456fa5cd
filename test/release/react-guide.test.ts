/**
 * docs/guides/react.md as a newcomer follows it: from the project that Vite makes to a widget, with the guide's files alone.
 */

import { describe, expect, it } from "vitest";
import { startBrowser } from "../support/browser.ts";
import { startScript } from "../support/child.ts";
import { makeViteProject, readGuideFiles } from "../support/guide.ts";
import { isInstalled } from "../support/installed.ts";
import { startPartnerHost } from "../support/partner-host.ts";
import { start } from "../support/start.ts";

describe.skipIf(!isInstalled("chromium"))("the guide for React (skipped without chromium)", () => {
  it("leads from Vite's project to a widget, with one request in StrictMode", async () => {
    await using service = await start();
    await using login = await startPartnerHost({});
    login.giveToken = () => service.issuer.issueToken("ada");
    const files = await readGuideFiles("react.md");
    await using project = await makeViteProject(
      files.map(([name, content]): [string, string] => [
        name,
        content
          .replace("http://127.0.0.1:3000", service.url)
          .replace("http://127.0.0.1:4000", `http://127.0.0.1:${login.port}`)
          .replace("/token/ada", "/token"),
      ]),
    );
    await using vite = await startVite(project.folder);
    await using browser = await startBrowser();
    await using visit = await browser.openPage();

    await visit.page.goto(vite.url);
    await visit.page.getByRole("button", { name: "Link an account" }).click();
    const widget = visit.page.frameLocator("mx-widget iframe");
    await widget.getByRole("button", { name: "MX Bank", exact: true }).click();
    await widget.locator("#user").fill("mxuser");
    await widget.locator("#password").fill("anything");
    await widget.getByRole("button", { name: "Continue" }).click();
    await visit.page.getByText("Linked: MBR-").waitFor();
    await widget.getByRole("button", { name: "Done" }).click();
    await visit.page.locator("mx-widget").waitFor({ state: "detached" });

    expect(service.mx.calls.of("platform.request_widget_url")).toHaveLength(2); // The first user's: not found, then made.
    expect(visit.complaints).toEqual([]);
  });
});

async function startVite(folder: string) {
  const args = ["node_modules/vite/bin/vite.js", "--host", "127.0.0.1", "--port", "0"];
  const env = { ...process.env, NO_COLOR: "1" };
  const vite = await startScript(args, /(http:\/\/127\.0\.0\.1:\d+\/)/, { cwd: folder, env });
  return { ...vite, url: vite.found };
}
