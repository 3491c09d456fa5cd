/**
 * MX's web SDK as npm has it, and embed.js as the service has it, in front of the service with its ordinary wiring: on
 * the service's own origin behind a reverse proxy, and from a page of another site with a bearer token.
 */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startBrowser, type TestBrowser } from "../support/browser.ts";
import { isInstalled } from "../support/installed.ts";
import { type Files, startPartnerHost } from "../support/partner-host.ts";
import { start } from "../support/start.ts";

const SDK = createRequire(import.meta.url)
  .resolve("@mxenabled/web-widget-sdk")
  .replace("/cjs/", "/esm/");

const page = (script: string) => `<!doctype html>
<html lang="en">
<title>Bank</title>
<div id="widget"></div>
<script type="module" src="${script}"></script>
</html>`;

/** `proxy`: the address of the session, as the page sees it. */
const throughSdk = (proxy: string) => `
import { ConnectWidget, MasterWidget } from "/sdk.js";
const token = await (await fetch("/token")).text();
window.told = [];
window.widget = new ConnectWidget({
  container: "#widget",
  proxy: "${proxy}",
  colorScheme: "dark",
  mode: "verification",
  language: "fr-CA",
  ssoRequestPreprocess: (request) => {
    request.options.headers.Authorization = "Bearer " + token;
    return request;
  },
  onLoad: () => told.push("load"),
  onConnectedPrimaryAction: () => { told.push("done"); widget.unmount(); },
  onSsoUrlLoadError: (error) => told.push(String(error)),
});`;

const throughEmbed = (script: string, session: string) => `
import { openWidget } from "${script}";
window.told = [];
window.widget = openWidget("#widget", {
  sessionUrl: "${session}",
  widgetType: "connect_widget",
  options: { color_scheme: "dark", mode: "verification" },
  language: "fr-CA",
  closeOnDone: true,
  getToken: async () => (await fetch("/token")).text(),
  onLoad: () => told.push("load"),
  onDone: () => told.push("done"),
  onError: (error) => told.push(error.code),
});`;

const isThere = isInstalled("chromium");
let browser: TestBrowser;
beforeAll(async () => {
  if (isThere) browser = await startBrowser({ resolveTestNames: true });
});
afterAll(() => browser?.[Symbol.asyncDispose]());

describe.skipIf(!isThere).each([
  ["MX's web SDK", throughSdk],
  ["embed.js", (session: string) => throughEmbed(session.replace("session", "embed.js"), session)],
])("%s (skipped without chromium)", (_name, toScript) => {
  it("opens a widget on the service's own origin", async () => {
    const files = toFiles(toScript("/session"));
    await using host = await startPartnerHost(files);
    await using service = await start(); // No origin is listed.
    host.proxied = service.url;
    host.giveToken = () => service.issuer.issueToken("ada");
    await using visit = await browser.openPage();

    await visit.page.goto(`http://127.0.0.1:${host.port}/`); // https, or this machine: else no Sec-Fetch-Site.
    await expectJourney(visit.page);
    expect(visit.complaints).toEqual([]);
    expectAskedFor(service.mx.calls.of("platform.request_widget_url").at(-1));
  });

  it("opens a widget from another site, with a bearer token", async () => {
    const files: Record<string, readonly [string, string]> = {};
    await using host = await startPartnerHost(files);
    const origin = `http://bank.test:${host.port}`;
    await using service = await start({ environment: { CORS_ORIGINS: origin } });
    host.giveToken = () => service.issuer.issueToken("ada");
    const { port } = new URL(service.url);
    Object.assign(files, toFiles(toScript(`http://service.test:${port}/session`)));
    await using visit = await browser.openPage();

    await visit.page.goto(`${origin}/`);
    await expectJourney(visit.page);
    expect(visit.complaints).toEqual([]);
  });

  it("reports it where the page's origin is not listed", async () => {
    const files: Record<string, readonly [string, string]> = {};
    await using host = await startPartnerHost(files);
    await using service = await start();
    host.giveToken = () => service.issuer.issueToken("ada");
    const { port } = new URL(service.url);
    Object.assign(files, toFiles(toScript(`http://service.test:${port}/session`)));
    await using visit = await browser.openPage();

    await visit.page.goto(`http://bank.test:${host.port}/`);
    await expect.poll(() => told(visit.page)).toHaveLength(1);
    expect(await told(visit.page)).toEqual([expect.stringMatching(/^network$|Failed to fetch/)]);
    expect(service.mx.calls.of("platform.request_widget_url")).toHaveLength(0);
  });
});

it.skipIf(!isThere)(
  "embed.js opens a widget for a login by cookie (skipped without chromium)",
  async () => {
    const script = `
    import { openWidget } from "/embed.js";
    document.cookie = "login=" + (await (await fetch("/token")).text());
    window.told = [];
    window.widget = openWidget("#widget", {
      credentials: "same-origin",
      closeOnDone: true,
      onLoad: () => told.push("load"),
      onDone: () => told.push("done"),
      onError: (error) => told.push(error.code),
    });`;
    await using host = await startPartnerHost(toFiles(script));
    await using service = await start({ environment: { AUTH_COOKIE: "login" } });
    host.proxied = service.url;
    host.giveToken = () => service.issuer.issueToken("ada");
    await using visit = await browser.openPage();

    await visit.page.goto(`http://127.0.0.1:${host.port}/`);
    await expectJourney(visit.page);
    expect(visit.complaints).toEqual([]);
  },
);

function toFiles(script: string): Files {
  return {
    "/": ["text/html", page("/page.js")],
    "/page.js": ["text/javascript", script],
    "/sdk.js": ["text/javascript", readFileSync(SDK, "utf8")],
  };
}

/** Loaded, back where there is nothing to go back to, and closed by "Done". */
async function expectJourney(opened: Page): Promise<void> {
  await expect.poll(() => told(opened)).toEqual(["load"]);
  const [, widget] = opened.frames();
  await widget?.evaluate(`parent.postMessage({
    mx: true,
    type: "mx/connect/connected/primaryAction",
    metadata: { user_guid: "USR-1", session_guid: "SES-1" },
  }, new URL(document.referrer).origin)`);
  await expect.poll(() => told(opened)).toEqual(["load", "done"]);
  await expect.poll(() => opened.frames()).toHaveLength(1);
}

function told(opened: Page): Promise<string[]> {
  return opened.evaluate("window.told ?? []");
}

function expectAskedFor(call: { body?: unknown } | undefined): void {
  expect(call?.body).toMatchObject({
    widget_url: {
      widget_type: "connect_widget",
      color_scheme: "dark",
      data_request: { products: ["account_verification"] },
    },
  });
}
