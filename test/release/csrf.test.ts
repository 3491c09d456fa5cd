/**
 * Logins by cookie in a real browser: a foreign page obtains no URL, the partner's own pages do.
 *
 * The browser has a good session cookie that it sends whoever asks (`SameSite=None`), so that the service alone stands
 * between. What counts is that neither the partner nor MX was asked, whatever the page itself gets to see.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { startBrowser, type TestBrowser, type WatchedPage } from "../support/browser.ts";
import { isInstalled } from "../support/installed.ts";
import { type PartnerLogin, SESSION_COOKIE, startPartnerLogin } from "../support/partner-login.ts";
import { type Sites, startSites } from "../support/sites.ts";
import { type Started, start } from "../support/start.ts";

const isPossible = isInstalled("chromium") && isInstalled("openssl");

describe.skipIf(!isPossible)("logins by cookie (skipped without chromium or openssl)", () => {
  const parts = new AsyncDisposableStack();
  let sites: Sites;
  let partner: PartnerLogin;
  let service: Started;
  let browser: TestBrowser;

  beforeAll(async () => {
    sites = parts.use(await startSites(`${SESSION_COOKIE}=s-ada`));
    partner = parts.use(await startPartnerLogin());
    partner.sessions.set("s-ada", { sub: "ada" });
    const environment = { ...partner.environment, CORS_ORIGINS: sites.origin("shop.test") };
    service = parts.use(await start({ environment }));
    sites.passOnTo(service.url);
    browser = parts.use(await startBrowser({ resolveTestNames: true, isOrdinary: true }));
    await using login = await browser.openPage();
    await login.page.goto(`${sites.origin("bank.test")}/login`);
  });
  afterAll(() => parts.disposeAsync());

  beforeEach(() => {
    sites.seen.length = 0;
    service.mx.calls.clear();
    partner.clear();
  });

  async function visit(site: string): Promise<WatchedPage> {
    const visited = await browser.openPage();
    await visited.page.goto(`${sites.origin(site)}/`);
    return visited;
  }

  /** `SESSION` stands for the URL of the session endpoint, `SHOP` for the listed site. */
  const fill = (script: string) =>
    script
      .replaceAll("SESSION", `${sites.origin("bank.test")}/session`)
      .replaceAll("SHOP", sites.origin("shop.test"));

  const FETCH_JSON = `fetch("SESSION", { method: "POST", credentials: "include",
    headers: { "X-CSRF": "1", "Content-Type": "application/json" }, body: "{}" })`;

  const postForm = (attributes: string, target = "document") => `(() => {
    const page = ${target};
    page.body.innerHTML = '<form method="post" action="SESSION" ${attributes}>' +
      '<input name=\\'{"widget_url":{},"x":"\\' value=\\'"}\\'></form>';
    page.forms[0].submit();
  })()`;
  const addElement = (html: string) => `void (document.body.innerHTML = '${html}')`;

  const ATTACKS: [name: string, script: string, arrives: string][] = [
    ["fetch, as the partner's own page does it", FETCH_JSON, "OPTIONS 403"],
    [
      "fetch without a static header",
      `fetch("SESSION", { method: "POST", credentials: "include" })`,
      "POST 403 with cookie",
    ],
    [
      "fetch of text",
      `fetch("SESSION", { method: "POST", credentials: "include", body: "{}" })`,
      "POST 403 with cookie",
    ],
    [
      "fetch without credentials",
      `fetch("SESSION", { method: "POST", credentials: "omit" })`,
      "POST 403",
    ],
    [
      "fetch with no-cors",
      `fetch("SESSION", { method: "POST", credentials: "include", mode: "no-cors", body: "{}" })`,
      "POST 403 with cookie",
    ],
    [
      "fetch with no-cors and a static header, which is dropped",
      `fetch("SESSION", { method: "POST", credentials: "include", mode: "no-cors", headers: { "X-CSRF": "1" } })`,
      "POST 403 with cookie",
    ],
    [
      "fetch without a referrer",
      `fetch("SESSION", { method: "POST", credentials: "include", mode: "no-cors", referrerPolicy: "no-referrer" })`,
      "POST 403 with cookie",
    ],
    [
      "fetch through a listed site that redirects",
      `fetch("SHOP/redirect?to=" + encodeURIComponent("SESSION"), { method: "POST", credentials: "include", mode: "no-cors" })`,
      "POST 403 with cookie",
    ],
    [
      "XMLHttpRequest",
      `(() => { const x = new XMLHttpRequest(); x.open("POST", "SESSION"); x.withCredentials = true; x.send("{}"); })()`,
      "POST 403 with cookie",
    ],
    ["a beacon", `void navigator.sendBeacon("SESSION", "{}")`, "POST 403 with cookie"],
    ["a form", postForm(""), "POST 403 with cookie"],
    ["a form of text that reads as JSON", postForm('enctype="text/plain"'), "POST 403 with cookie"],
    ["a form with files", postForm('enctype="multipart/form-data"'), "POST 403 with cookie"],
    ["a form into a new window", postForm('target="_blank"'), "POST 403 with cookie"],
    [
      "a form in a frame",
      `(() => { const frame = document.body.appendChild(document.createElement("iframe")); ${postForm("", "frame.contentDocument")} })()`,
      "POST 403 with cookie",
    ],
    [
      "a form that a listed site redirects",
      postForm("").replace("SESSION", "SHOP/redirect?to=SESSION"),
      "POST 403 with cookie",
    ],
    [
      "a form in a sandbox, whose origin is null",
      addElement(
        `<iframe sandbox="allow-scripts allow-forms" srcdoc="<form method=post action=SESSION></form><script>document.forms[0].submit()</script>"></iframe>`,
      ),
      "POST 403 with cookie",
    ],
    ["an image", addElement("<img src=SESSION>"), "GET 405 with cookie"],
    ["a frame", addElement("<iframe src=SESSION></iframe>"), "GET 405 with cookie"],
    ["a style sheet", addElement("<link rel=stylesheet href=SESSION>"), "GET 405 with cookie"],
    [
      "a script",
      `void document.head.appendChild(Object.assign(document.createElement("script"), { src: "SESSION" }))`,
      "GET 405 with cookie",
    ],
    ["a new window", `void window.open("SESSION")`, "GET 405 with cookie"],
    ["a link", `void (location.href = "SESSION")`, "GET 405 with cookie"],
  ];

  describe.each([
    ["a foreign site", "evil.test"],
    ["a site next door that is not listed", "sub.bank.test"],
  ])("from %s", (_what, site) => {
    it.each(ATTACKS)("%s obtains nothing", async (_name, script, arrives) => {
      await using visited = await visit(site);

      await visited.page.evaluate(fill(script)).catch(() => {}); // fetch rejects; a navigation ends the page.

      await vi.waitFor(() => expect(sites.seen.map(toWords)).toContain(arrives), 3000);
      expect(sites.seen.filter(({ status }) => status < 400)).toEqual([]);
      expect(partner.calls).toEqual([]);
      expect(service.mx.calls.count).toBe(0);
    });
  });

  describe("the partner's own page", () => {
    it.each([
      ["on the service's origin", "bank.test", ["POST 200 with cookie"]],
      ["of a listed origin", "shop.test", ["OPTIONS 204", "POST 200 with cookie"]],
    ])("%s gets a URL, and can read it", async (_what, site, arrived) => {
      await using visited = await visit(site);

      const answer = await visited.page.evaluate(fill(`${FETCH_JSON}.then((res) => res.json())`));

      expect(answer).toEqual({
        widget_url: {
          type: "connect_widget",
          url: expect.stringMatching(/^http/),
          expires_at: expect.any(String),
        },
      });
      expect(sites.seen.map(toWords)).toEqual(arrived);
      expect(partner.calls).toHaveLength(1);
    });

    it.each(["bank.test", "shop.test"])("on %s needs the static header, too", async (site) => {
      await using visited = await visit(site);

      const type = await visited.page.evaluate(
        fill(
          `fetch("SESSION", { method: "POST", credentials: "include" }).then(async (res) => (await res.json()).type)`,
        ),
      );

      expect(type).toBe("/problems/csrf-rejected");
      expect(partner.calls).toEqual([]);
      expect(service.mx.calls.count).toBe(0);
    });
  });
});

function toWords({ method, status, hasCookie }: Sites["seen"][number]): string {
  return `${method} ${status}${hasCookie ? " with cookie" : ""}`;
}
