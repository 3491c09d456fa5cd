/**
 * The simulator's widgets in a real browser: they say and do what MX's do, in the same order.
 *
 * Sources: MX, Widget events; a live run of MX's Connect in its integration environment for the order.
 */

import type { FrameLocator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { findAxeViolations } from "../support/axe.ts";
import { startBrowser, type TestBrowser, type WatchedPage } from "../support/browser.ts";
import { GOOD_CONNECTION } from "../support/good-connection.ts";
import { isInstalled } from "../support/installed.ts";
import { pressAndLeave } from "../support/press-and-leave.ts";
import { type HostMessage, startWidgetHost, type WidgetHost } from "../support/widget-host.ts";

const MEMBER = /^MBR-/;
const PATIENCE = { timeout: 60_000 };

const SIDE_BY_SIDE = { concurrent: true }; // Mostly they wait.

describe.skipIf(!isInstalled("chromium"))(
  "a widget (skipped without chromium)",
  SIDE_BY_SIDE,
  () => {
    let host: WidgetHost;
    let browser: TestBrowser;
    beforeAll(async () => {
      host = await startWidgetHost();
      browser = await startBrowser();
    });
    afterAll(async () => {
      await browser?.[Symbol.asyncDispose]();
      await host?.[Symbol.asyncDispose]();
    });

    it("tells of a good connection in MX's order", async () => {
      await using visit = await open("connect_widget");
      await visit.chooseBank("MX Bank");
      await visit.logIn("mxuser", "anything");
      await visit.press("Done");

      expect(await visit.messages("mx/connect/connected/primaryAction")).toMatchObject(
        [
          { type: "mx/load", metadata: {} },
          { type: "mx/connect/stepChange", metadata: { previous: "", current: "search" } },
          { type: "mx/connect/loaded", metadata: { initial_step: "search" } },
          {
            type: "mx/connect/selectedInstitution",
            metadata: { code: "mxbank", guid: /^INS-/, name: "MX Bank", url: "https://www.mx.com" },
          },
          {
            type: "mx/connect/stepChange",
            metadata: { previous: "search", current: "enterCreds" },
          },
          { type: "mx/connect/enterCredentials", metadata: { institution: { code: "mxbank" } } },
          {
            type: "mx/connect/stepChange",
            metadata: { previous: "enterCreds", current: "connecting" },
          },
          {
            type: "mx/connect/memberStatusUpdate",
            metadata: { member_guid: MEMBER, connection_status: 0 },
          },
          { type: "mx/connect/memberStatusUpdate", metadata: { connection_status: 6 } },
          { type: "mx/connect/memberConnected", metadata: { member_guid: MEMBER } },
          {
            type: "mx/connect/stepChange",
            metadata: { previous: "connecting", current: "connected" },
          },
          {
            type: "mx/connect/connected/primaryAction",
            metadata: { user_guid: /^USR-/, session_guid: /^SES-/ },
          },
        ].map(withPatterns),
      );
      expect(new Set((await visit.allMessages()).map(({ origin }) => origin))).toEqual(
        new Set([host.mx.widgetUrl]),
      );
      expect(visit.complaints).toEqual([]);
    });

    it.each([
      ["INVALID", 2],
      ["LOCKED", 5],
    ])("refuses the test password %s with status %i, and tries again", async (password, status) => {
      await using visit = await open("connect_widget", { current_institution_code: "mxbank" });
      await visit.logIn("mxuser", password);
      const seen = await visit.messages("mx/connect/memberError");
      expect(seen.at(-2)?.metadata).toMatchObject({ connection_status: status });
      expect(seen.at(-1)?.metadata).toMatchObject({
        member: { guid: expect.stringMatching(MEMBER), connection_status: status },
      });

      await visit.press("Try again");
      await visit.logIn("mxuser", "good");
      const all = await visit.messages("mx/connect/memberConnected");
      expect(all.map(({ type }) => type)).toContain("mx/connect/updateCredentials");
    });

    it.each([
      ["challenge", (frame: FrameLocator) => frame.getByLabel("What city").fill("correct")],
      ["options", (frame: FrameLocator) => frame.getByLabel("correct", { exact: true }).check()],
    ])("asks one more question for the password %s", async (password, answer) => {
      await using visit = await open("connect_widget", { current_institution_code: "mxbank" });
      await visit.logIn("mxuser", password);
      await answer(visit.frame);
      await visit.press("Continue");

      const seen = await visit.messages("mx/connect/memberConnected");
      expect(seen.slice(-7).map(({ type, metadata }) => toShort(type, metadata))).toEqual([
        "memberStatusUpdate 0",
        "memberStatusUpdate 3",
        "stepChange mfa",
        "submitMFA",
        "stepChange connecting",
        "memberStatusUpdate 6",
        "memberConnected",
      ]);
    });

    it("rejects a wrong answer", async () => {
      await using visit = await open("connect_widget", { current_institution_code: "mxbank" });
      await visit.logIn("mxuser", "challenge");
      await visit.frame.getByLabel("What city").fill("Lehi");
      await visit.press("Continue");
      const seen = await visit.messages("mx/connect/memberError");
      expect(seen.at(-1)?.metadata).toMatchObject({ member: { connection_status: 4 } });
    });

    it("opens the bank's own window, which may cancel, fail or allow", async () => {
      await using visit = await open("connect_widget");
      await visit.chooseBank("MX Bank (OAuth)");
      const bank = await visit.goToBank();
      expect(await findAxeViolations(bank)).toEqual([]);
      await pressAndLeave(bank.getByText("Cancel"));
      await visit.frame.getByText("You cancelled at the bank.").waitFor();

      await visit.press("Try again");
      await pressAndLeave((await visit.goToBank()).getByText("Simulate an error at the bank"));
      await visit.frame.getByText("The bank reported an error.").waitFor();

      await visit.press("Try again");
      await pressAndLeave((await visit.goToBank()).getByText("Allow"));
      const seen = await visit.messages("mx/connect/memberConnected");
      const types = seen.map(({ type, metadata }) => toShort(type, metadata));
      expect(types.filter((type) => !type.startsWith("stepChange")).slice(2)).toEqual([
        "selectedInstitution",
        "oauthRequested",
        "oauthError",
        "oauthRequested",
        "oauthError",
        "oauthRequested",
        "memberStatusUpdate 0",
        "memberStatusUpdate 6",
        "memberConnected",
      ]);
      expect(visit.complaints).toEqual([]);
    });

    it("stays where it is when the user closes the bank's window", async () => {
      await using visit = await open("connect_widget");
      await visit.chooseBank("MX Bank (OAuth)");
      await (await visit.goToBank()).close();
      await visit.frame.getByText("The bank's window was closed").waitFor();
      await visit.frame.getByRole("button", { name: "Try again" }).waitFor();
    });

    it("leaves the bank to the app with oauth_referral_source APP, and believes only the host", async () => {
      const options = {
        oauth_referral_source: "APP",
        ui_message_webview_url_scheme: "examplebank",
      };
      await using visit = await open("connect_widget", options);
      await visit.chooseBank("MX Bank (OAuth)");
      await visit.press("Go to the bank");
      const seen = await visit.messages("mx/connect/oauthRequested");
      const url = new URL(String(seen.at(-1)?.metadata.url));
      expect(url.searchParams.get("return_to")).toBe("examplebank://oauth_complete");

      const member = { member_guid: "MBR-another" };
      await visit.tell({ mx: true, type: "oauthComplete/success", metadata: member });
      const after = await visit.messages("mx/connect/memberConnected");
      expect(after.at(-2)?.metadata).toMatchObject(member);
    });

    it("answers the back message, and says when there is nothing to go back to", async () => {
      await using visit = await open("connect_widget");
      await visit.chooseBank("MX Bank");
      const back = { type: "mx/navigation", mx: true, payload: { action: "back" } };
      await visit.tell(JSON.stringify(back));
      expect((await visit.messages("mx/navigation")).at(-1)?.metadata.did_go_back).toBe(true);
      await visit.frame.getByText("Select your bank").waitFor();
      await visit.tell(JSON.stringify(back));
      await vi.waitFor(async () => {
        expect((await visit.allMessages()).at(-1)?.metadata.did_go_back).toBe(false);
      }, PATIENCE);
    });

    it("hears the SDK's name and pings, and shows them", async () => {
      await using visit = await open("connect_widget");
      await visit.messages("mx/connect/loaded");
      const sdk = { sdk: "web", version: "0.0.15" };
      await visit.tell(JSON.stringify({ type: "mx/sdk/info", metadata: sdk }));
      await visit.tell(JSON.stringify({ type: "ping" }));
      await visit.frame.getByText("This is a simulated MX widget").click();
      await visit.frame.getByText("web 0.0.15").waitFor();
      await visit.frame.locator("#fact-pings", { hasText: "1" }).waitFor();
    });

    it("pings every half minute", async () => {
      await using visit = await open("connect_widget", {}, { hasFakeClock: true });
      await visit.page.clock.runFor(1000);
      await visit.messages("mx/connect/loaded");
      await visit.page.clock.runFor(61_000);
      const pings = (await visit.allMessages()).filter(({ type }) => type === "mx/ping");
      expect(pings).toHaveLength(2);
      expect(pings[0]?.metadata).toMatchObject({ user_guid: expect.stringMatching(/^USR-/) });
    });

    it("is silent on a page with Referrer-Policy: no-referrer", async () => {
      await using visit = await open("connect_widget", {}, { policy: "no-referrer" });
      await visit.chooseBank("MX Bank");
      await visit.frame.getByText("Log in to MX Bank").waitFor();
      expect(await visit.allMessages()).toEqual([]);
      expect(visit.complaints).toEqual([]);
    });

    it("keeps to the bank that the host has chosen", async () => {
      const options = { current_institution_code: "mxbank", disable_institution_search: true };
      await using visit = await open("connect_widget", options);
      await visit.press("Back");
      const seen = await visit.messages("mx/connect/backToSearch");
      expect(seen.at(-2)?.type).toBe("mx/connect/backButtonClicked");
      await visit.frame.getByText("Log in to MX Bank").waitFor();
    });

    it("repairs the connection that the host names", async () => {
      await using visit = await open("connect_widget", { current_member_guid: "MBR-1" });
      await visit.frame.getByText("Reconnect MX Bank").waitFor();
      await visit.logIn("mxuser", "new");
      const seen = await visit.messages("mx/connect/memberConnected");
      expect(seen.at(-2)?.metadata.member_guid).toBe("MBR-1");
      expect(seen.map(({ type }) => type)).toContain("mx/connect/updateCredentials");
    });

    it("links an account by its numbers, and tells each step", async () => {
      await using visit = await open("connect_widget");
      await visit.press("My bank is not here");
      await visit.frame.getByLabel("Routing number").fill("000000000");
      await visit.press("Continue");
      await visit.press("Try again");
      await visit.frame.getByLabel("Routing number").fill("123456789");
      await visit.press("Continue");
      await visit.frame.getByLabel("Account number").fill("1");
      await visit.press("Continue");
      await visit.frame.getByText("Come back in a day").waitFor();
      expect(await visit.findAxeViolations()).toEqual([]);
      await visit.press("Done");

      const seen = await visit.messages("mx/connect/backToSearch");
      expect(seen.slice(4).map(({ type, metadata }) => [type, withoutGuids(metadata)])).toEqual([
        ["mx/connect/microdeposits/loaded", { initial_step: "routingNumber" }],
        [
          "mx/connect/microdeposits/blockedRoutingNumber",
          { routing_number: "000000000", reason: "BLOCKED" },
        ],
        ["mx/connect/microdeposits/detailsSubmitted", { microdeposit_guid: expect.any(String) }],
        [
          "mx/connect/microdeposits/comeBack/primaryAction",
          { microdeposit_guid: expect.any(String) },
        ],
        ["mx/connect/backToSearch", {}],
      ]);
    });

    it.each([
      [
        "0.02",
        [
          ["verified", { microdeposit_guid: "MIC-1" }],
          ["verified/primaryAction", {}],
        ],
      ],
      ["9.99", [["error/primaryAction", { status: "REJECTED", guid: "MIC-1" }]]],
    ])("takes the amounts of deposits: %s", async (second, expected) => {
      await using visit = await open("connect_widget", { current_microdeposit_guid: "MIC-1" });
      await visit.frame.getByLabel("First amount").fill("0.01");
      await visit.frame.getByLabel("Second amount").fill(second);
      await visit.press("Continue");
      await visit.press("Done");

      const seen = await visit.messages("mx/connect/backToSearch");
      const prefix = "mx/connect/microdeposits/";
      expect(
        seen
          .filter(({ type }) => type.startsWith(prefix))
          .map(({ type, metadata }) => [type.slice(prefix.length), withoutGuids(metadata)]),
      ).toEqual([["loaded", { initial_step: "verifyDeposits" }], ...expected]);
    });

    it("tells of the first data where products were asked for", async () => {
      const options = {
        current_institution_code: "mxbank",
        data_request: { products: ["transactions"] },
      };
      await using visit = await open("connect_widget", options);
      await visit.logIn("mxuser", "anything");
      const seen = await visit.messages("mx/connect/memberConnected");
      expect(seen.at(-2)?.type).toBe("mx/connect/initialDataReady");
      expect(seen.at(-2)?.metadata.member_guid).toMatch(MEMBER);
    });

    it("searches by name among the countries that were asked for", async () => {
      await using visit = await open("connect_widget", { iso_country_code: ["CA"] });
      const banks = visit.frame.locator(".banks li");
      await vi.waitFor(async () => expect(await banks.count()).toBe(1), PATIENCE);
      await visit.frame.getByLabel("Search by bank name").fill("zzz");
      await visit.frame.getByText("No bank has that name.").waitFor();
      const seen = await visit.messages("mx/connect/institutionSearch");
      expect(seen.at(-1)?.metadata.query).toBe("zzz");
    });

    it("shows colours, language, font and products", async () => {
      const options = {
        color_scheme: "dark",
        style: { font_name: "Georgia" },
        data_request: { products: ["statements"] },
      };
      await using visit = await open("connect_widget", options, { language: "fr-CA" });
      await visit.frame.getByText("Choisissez votre banque").waitFor();
      await visit.frame.getByText("statements").first().waitFor();
      const body = visit.frame.locator("body");
      const style = await body.evaluate((node) => {
        const { backgroundColor, fontFamily } = getComputedStyle(node);
        return { backgroundColor, fontFamily };
      });
      expect(style.backgroundColor).toBe("rgb(21, 27, 36)");
      expect(style.fontFamily).toMatch(/Georgia/);
    });

    it("opens once, and then says that it has expired", async () => {
      const url = host.issueUrl("connect_widget");
      await using visit = await browser.openPage();
      await visit.page.goto(host.around(url));
      await visit.page.frameLocator("iframe").getByText("Select your bank").waitFor();
      await visit.page.reload();
      await visit.page.frameLocator("iframe").getByText("This link has expired").waitFor();
      const frame = visit.page.frames().at(-1);
      expect(frame && (await findAxeViolations(frame))).toEqual([]);
    });

    it("shows the finance widgets, without fault for a screen reader", async () => {
      await using visit = await open("master_widget");
      for (const name of ["master", "spending", "net_worth", "pulse", "help"]) {
        const url = host.issueUrl(`${name}_widget`, { color_scheme: "dark" });
        await visit.page.goto(host.around(url));
        await visit.messages("mx/load");
        await visit.frame.locator("h1").waitFor();
        expect(await visit.findAxeViolations()).toEqual([]);
      }
      expect(visit.complaints).toEqual([]);
    });

    it("goes back from an account of the master widget", async () => {
      await using visit = await open("master_widget", { deep_link_params: { widget: "accounts" } });
      await visit.press("Everyday checking");
      await visit.frame.getByText("Corner grocery").waitFor();
      await visit.tell(JSON.stringify({ type: "mx/navigation", payload: { action: "back" } }));
      expect((await visit.messages("mx/navigation")).at(-1)?.metadata.did_go_back).toBe(true);
      await visit.frame.getByText("Student loan").waitFor();
    });

    it("is without fault for a screen reader in each step, light and dark", async () => {
      for (const color_scheme of ["light", "dark"]) {
        await using visit = await open("connect_widget", { color_scheme });
        const check = async (words: string) => {
          await visit.frame.getByText(words).first().waitFor();
          expect(await visit.findAxeViolations()).toEqual([]);
        };
        await check("Select your bank");
        await visit.chooseBank("MX Bank");
        await check("Log in to");
        await visit.logIn("mxuser", "image");
        await check("One more question");
        await visit.frame.locator("#answer").fill("wrong");
        await visit.press("Continue");
        await check("That did not work");
        await visit.press("Try again");
        await visit.logIn("mxuser", "good");
        await check("Connected");
      }
    });

    it("says it all in navigations where it is a WebView", async () => {
      const options = { is_mobile_webview: true, ui_message_webview_url_scheme: "examplebank" };
      await using visit = await browser.openPage();
      const heard = listenAsShell(visit.page, "examplebank");
      await visit.page.goto(host.issueUrl("connect_widget", options));
      // A navigation that leads nowhere confuses a real click.
      const press = (name: string) =>
        visit.page.getByRole("button", { name, exact: true }).dispatchEvent("click");
      await press("MX Bank");
      await visit.page.getByLabel("User name").fill("mxuser");
      await visit.page.getByLabel("Password").fill("anything");
      await press("Continue");
      await press("Done");
      await vi.waitFor(
        () => expect(heard.at(-1)?.event).toBe("connect/connected/primaryAction"),
        PATIENCE,
      );

      expect(heard.map(({ event }) => event)).toEqual(GOOD_CONNECTION);
      expect(heard[8]?.metadata).toMatchObject({ connection_status: 6 });
    });

    async function open(
      widgetType: string,
      options: object = {},
      settings: { policy?: string; language?: string; hasFakeClock?: boolean } = {},
    ) {
      const visit = await browser.openPage();
      if (settings.hasFakeClock) await visit.page.clock.install();
      const url = host.issueUrl(widgetType, options, settings.language);
      await visit.page.goto(host.around(url, settings.policy));
      return toWidgetVisit(visit);
    }
  },
);

/** All that a native app needs to hear the widget: every navigation, its own scheme, the event, the JSON. */
function listenAsShell(page: Page, scheme: string) {
  const heard: { event: string; metadata: Record<string, unknown> }[] = [];
  page.on("request", (request) => {
    const [address = "", query] = request.url().split("?");
    if (!address.startsWith(`${scheme}://`)) return; // The widget itself, or for the system's browser.
    const metadata = new URLSearchParams(query).get("metadata") ?? "{}";
    heard.push({ event: address.slice(`${scheme}://`.length), metadata: JSON.parse(metadata) });
  });
  return heard;
}

function toWidgetVisit({ page, complaints, ...visit }: WatchedPage) {
  const frame = page.frameLocator("iframe");
  const allMessages = () => page.evaluate("messages") as Promise<HostMessage[]>;

  return {
    ...visit,
    page,
    complaints,
    frame,
    allMessages,
    /** The messages up to the first one of this type, which is waited for. */
    async messages(type: string) {
      await page.waitForFunction((wanted) => {
        const { messages } = window as unknown as { messages: HostMessage[] };
        return messages.some((message) => message.type === wanted);
      }, type);
      const all = await allMessages();
      return all.slice(0, all.findIndex((message) => message.type === type) + 1);
    },
    tell: (message: unknown) =>
      page.evaluate((sent) => {
        document.querySelector("iframe")?.contentWindow?.postMessage(sent, "*");
      }, message),
    chooseBank: (name: string) => frame.getByRole("button", { name, exact: true }).click(),
    press: (name: string) => frame.getByRole("button", { name, exact: true }).click(),
    async goToBank() {
      const opening = page.waitForEvent("popup");
      await frame.getByRole("button", { name: "Go to the bank" }).click();
      return opening;
    },
    async logIn(user: string, password: string) {
      await frame.locator("#user").fill(user);
      await frame.locator("#password").fill(password);
      await frame.locator("button.primary").click();
    },
    async findAxeViolations() {
      const inner = page.frames().at(-1);
      return inner ? findAxeViolations(inner) : ["no frame"];
    },
    [Symbol.asyncDispose]: visit[Symbol.asyncDispose],
  };
}

/** "stepChange mfa", "memberStatusUpdate 3". */
function toShort(type: string, metadata: Record<string, unknown>): string {
  const detail = metadata.current ?? metadata.connection_status ?? "";
  return `${type.replace("mx/connect/", "")} ${detail}`.trim();
}

/** Without what each message has. */
function withoutGuids({ user_guid, session_guid, ...rest }: Record<string, unknown>) {
  expect([user_guid, session_guid]).toEqual([expect.any(String), expect.any(String)]);
  return rest;
}

/** Regular expressions as vitest's matchers. */
function withPatterns<T>(value: T): unknown {
  if (value instanceof RegExp) return expect.stringMatching(value);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, withPatterns(inner)]),
  );
}
