/**
 * `npm run demo` as a newcomer meets it: it says what to open, and its curl line works as pasted. More of it: test/release/demo.test.ts.
 */

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { startDemo } from "../support/demo.ts";
import { rowsOf } from "../support/exhaustive.ts";
import { fetchChecked } from "../support/start.ts";

describe("npm run demo", () => {
  it.each(
    rowsOf(
      [
        ["both", "connect_widget", "SSO API v2 and Platform API"],
        ["platform", "connect_widget", "Platform API"],
        ["sso", "master_widget", "SSO API v2"],
        ["v3", "connect_widget", "SSO API v3 and MDX Real Time"],
      ],
      1,
    ),
  )(
    "with %s prints a page that opens and a curl line that gives a URL that opens",
    async (apis, type, apiNames) => {
      await using demo = await startDemo(apis);

      const page = await fetch(demo.pageUrl);
      expect(page.status).toBe(200);
      expect(await page.text()).toContain("Example Bank");
      expect(await (await fetch(`${demo.pageUrl}/setup`)).json()).toMatchObject({ apis, apiNames });
      expect(demo.lines).toContainEqual(expect.stringContaining(`MX's APIs   ${apiNames}`));

      const { stdout } = await promisify(execFile)("sh", ["-c", demo.curl]);
      const { widget_url: widgetUrl } = JSON.parse(stdout);
      expect(widgetUrl.type).toBe(type);
      expect((await fetch(widgetUrl.url)).status).toBe(200);
      expect((await fetch(widgetUrl.url)).status).toBe(410);
    },
  );

  it("lets the page call the service from its own origin", async () => {
    await using demo = await startDemo("both");
    const { serviceUrl } = (await (await fetch(`${demo.pageUrl}/setup`)).json()) as {
      serviceUrl: string;
    };
    const token = await (await fetch(`${demo.pageUrl}/token/ada`)).text();

    const response = await fetchChecked(`${serviceUrl}/session`, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, Origin: demo.pageUrl },
    });

    expect(response.status).toBe(200);
    expect(response.headers.get("access-control-allow-origin")).toBe(demo.pageUrl);
  });
});
