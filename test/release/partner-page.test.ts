/**
 * The partner's page of `npm run demo`, in a real browser: every way to a widget, and every way in which there is none.
 */

import type { FrameLocator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { PROBLEM_TYPES, type ProblemType } from "../../src/http/problem-types.ts";
import { findAxeViolations } from "../support/axe.ts";
import { startBrowser, type TestBrowser } from "../support/browser.ts";
import { type Demo, startDemo } from "../support/demo.ts";
import { GOOD_CONNECTION } from "../support/good-connection.ts";
import { isInstalled } from "../support/installed.ts";
import { pressAndLeave } from "../support/press-and-leave.ts";

/** A refused answer is an error in the console of any page; nothing else may be. */
const REFUSED = /the server responded with a status of [45]\d\d/;

/** Mostly they wait. A fault is one for all pages, so where there is one they go in turn. */
const SIDE_BY_SIDE = { concurrent: true };
const SCHEMES = ["light", "dark"] as const;

describe.skipIf(!isInstalled("chromium"))("the partner's page (skipped without chromium)", () => {
  let demo: Demo;
  let browser: TestBrowser;
  beforeAll(async () => {
    demo = await startDemo("both");
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]();
    await demo?.[Symbol.asyncDispose]();
  });

  describe("when all is well", SIDE_BY_SIDE, () => {
    it.each([
      ["sdk", "mx/"],
      ["embed", "mx/"],
      ["phone", "mx://"],
    ])("goes from the login to Done with %s", async (way, prefix) => {
      await using visit = await open();
      await visit.choose("user", "grace");
      await visit.choose("way", way);
      await visit.page.getByText("Appearance").click();
      await visit.page.selectOption("[name=color_scheme]", "dark");
      await visit.page.fill("[name=language]", "es");
      await visit.press("Open the widget");
      const widget = visit.widget(way);
      await widget.getByText("Seleccione su banco").waitFor();
      expect(await widget.locator("html").getAttribute("data-color-scheme")).toBe("dark");

      await widget.getByRole("button", { name: "MX Bank", exact: true }).dispatchEvent("click");
      await widget.locator("#user").fill("mxuser");
      await widget.locator("#password").fill("anything");
      await widget.getByRole("button", { name: "Continuar" }).dispatchEvent("click");
      await widget.getByRole("button", { name: "Listo" }).dispatchEvent("click");

      await visit.page.getByText("The user pressed Done.").waitFor();
      expect(await visit.page.locator("#widget iframe").count()).toBe(0);
      expect(await visit.messageTypes()).toEqual(GOOD_CONNECTION.map((type) => prefix + type));
      expect(visit.complaints).toEqual([]);
    });

    it.each([
      ["Allow", "mx://oauth_complete", "Connected"],
      ["Cancel", "mx://oauth_complete", "You cancelled at the bank."],
    ])(
      "takes the phone to the bank in the device's browser and back: %s",
      async (button, url, words) => {
        await using visit = await open();
        await visit.choose("way", "phone");
        await visit.press("Open the widget");
        const widget = visit.widget("phone");
        await widget.getByRole("button", { name: "MX Bank (OAuth)" }).dispatchEvent("click");
        await widget.getByRole("button", { name: "Go to the bank" }).dispatchEvent("click");
        const shell = visit.page.frameLocator("#widget iframe");
        const bank = shell.frameLocator("#browser iframe");
        await bank.getByRole("button", { name: button }).waitFor();
        for (const frame of visit.page.frames()) expect(await findAxeViolations(frame)).toEqual([]);
        await pressAndLeave(bank.getByRole("button", { name: button }));
        await widget.getByText(words).first().waitFor();
        expect(await visit.messageTypes()).toContain(url);
      },
    );

    it.each([
      ["Yes, continue", /^status=connected, MBR-\S+\.$/],
      ["No, go back", /^status=closed\.$/],
    ])(
      "opens the page for phones as an app would, and shows how it ends: %s",
      async (answer, end) => {
        await using visit = await open();
        await visit.choose("way", "hosted");
        await visit.press("Open the widget");
        const [hosted] = await Promise.all([
          visit.page.waitForEvent("popup"),
          visit.page.getByRole("link", { name: "Open it as an app would" }).click(),
        ]);
        expect(await findAxeViolations(visit.page)).toEqual([]);
        const button = hosted.getByRole("button", { name: answer });
        await expect.poll(() => button.getAttribute("aria-disabled")).not.toBe("true");
        await pressAndLeave(button);
        if (answer.startsWith("Yes")) {
          const widget = hosted.frameLocator("iframe");
          await widget.getByRole("button", { name: "MX Bank", exact: true }).click();
          await visit.logIn(widget, "good");
          await pressAndLeave(widget.getByRole("button", { name: "Done" }));
        }
        await hosted.getByRole("heading", { name: "Back in the app" }).waitFor();
        expect(await findAxeViolations(hosted)).toEqual([]);
        const rest = visit.page.locator(".rest", { hasText: "Back in the app with" });
        expect((await rest.innerText()).replace("Back in the app with ", "")).toMatch(end);
        expect(await visit.messageTypes()).toEqual(["done.html"]);
        expect(visit.complaints).toEqual([]);
      },
    );

    it("writes the request in four ways, with what was chosen", async () => {
      await using visit = await open();
      await visit.page.getByText("Where Connect starts").click();
      await visit.page.fill("[name=current_institution_code]", "mx'bank");
      await visit.page.getByText("Data to ask for").click();
      await visit.page.check("[value=statements]");
      const code = (kind: string) => visit.code(kind);

      expect(JSON.parse(await code("json"))).toEqual({
        widget_url: {
          widget_type: "connect_widget",
          data_request: { products: ["statements"] },
          current_institution_code: "mx'bank",
        },
      });
      expect(await code("curl")).toContain(`"current_institution_code":"mx'\\''bank"`);
      expect(await code("sdk")).toContain(`currentInstitutionCode: "mx'bank"`);
      expect(await code("sdk")).toContain(
        `const more = {"data_request":{"products":["statements"]}}`,
      );
      expect(await code("embed")).toContain("mx&#39;bank");
      await visit.press("Reset");
      expect(await code("json")).not.toContain("statements");
    });

    it("has messages that MX's SDK can read, each one", async () => {
      await using visit = await open();
      await visit.page.evaluate(`import("/vendor/web-widget-sdk.js").then(({ ConnectWidget }) => {
      window.seen = [];
      new ConnectWidget({
        container: "#widget",
        url: ${JSON.stringify(await visit.askForUrl())},
        onInvalidMessageError: (message, error) => seen.push(error.message),
        onLoaded: () => seen.push("loaded"),
        onMemberConnected: () => seen.push("connected"),
      });
    })`);
      const widget = visit.widget("sdk");
      await widget.getByRole("button", { name: "MX Bank (OAuth)" }).click();
      await widget.getByRole("button", { name: "Back" }).click();
      await widget.getByLabel("Search by bank name").fill("mx");
      await widget.getByRole("button", { name: "MX Bank", exact: true }).click();
      await visit.logIn(widget, "challenge");
      await widget.locator("#answer").fill("wrong");
      await widget.getByRole("button", { name: "Continue" }).click();
      await widget.getByRole("button", { name: "Try again" }).click();
      await visit.logIn(widget, "good");
      await widget.getByRole("button", { name: "Done" }).waitFor();
      await vi.waitFor(
        async () => expect(await visit.page.evaluate("seen.at(-1)")).toBe("connected"),
        { timeout: 60_000 },
      );

      // MX's own package does not define these three, which its widget sends.
      expect(await visit.page.evaluate("seen")).toEqual([
        "loaded",
        "Unknown post message: mx/connect/backButtonClicked",
        "Unknown post message: mx/connect/memberError",
        "Unknown post message: mx/connect/memberError/primaryAction",
        "connected",
      ]);
    });

    it("asks the widget to go back", async () => {
      await using visit = await open();
      await visit.choose("way", "sdk");
      await visit.press("Open the widget");
      const bank = visit.widget("sdk").getByRole("button", { name: "MX Bank", exact: true });
      await bank.click();
      await visit.press("Back");
      await bank.waitFor();
      expect(await visit.messageTypes()).toContain("mx/navigation");
      await visit.press("Close");
      expect(await visit.page.locator("#widget iframe").count()).toBe(0);
    });

    it("explains each type of problem", async () => {
      await using visit = await open();
      let next = PROBLEM_TYPES.not_found;
      await visit.page.route("**/session", (route) =>
        route.fulfill({
          status: next.status,
          headers: { "access-control-allow-origin": "*", "access-control-allow-headers": "*" },
          contentType: "application/problem+json",
          body: JSON.stringify(toProblem(next)),
        }),
      );
      for (const type of Object.values(PROBLEM_TYPES)) {
        next = type;
        await visit.choose("way", type.status % 2 === 0 ? "embed" : "sdk");
        await visit.press("Open the widget");
        await visit.page.locator("#problem .kicker", { hasText: type.name }).waitFor();
        const told = (await visit.page.locator("#problem").innerText()).toLowerCase();
        const pages = [type.happened, type.actor, type.advice].map((text) =>
          text.replaceAll("`", ""),
        );
        const own = [String(type.status), type.title, "Just so.", "/widget_url is so"];
        for (const part of [...own, ...pages]) expect(told).toContain(part.toLowerCase());
      }
    });

    it("can be used with the keyboard alone", async () => {
      await using visit = await open();
      const { page } = visit;
      await page.keyboard.press("Tab");
      expect(await page.evaluate("document.activeElement.className")).toBe("skip");
      await page.focus("[name=user]:checked");
      await page.keyboard.press("ArrowRight");
      expect(await page.locator("[name=user]:checked").inputValue()).toBe("grace");
      await page.keyboard.press("Tab");
      await page.keyboard.press("ArrowRight");
      expect(await page.locator("[name=way]:checked").inputValue()).toBe("embed");
      await page.keyboard.press("Enter");
      await page.locator("#messages", { hasText: "mx/connect/loaded" }).waitFor();
    });
  });

  describe("at first sight", SIDE_BY_SIDE, () => {
    it.each([
      [1366, 768],
      [390, 844],
    ])(
      "has all faults above the fold, and nothing is cut off, at %i × %i",
      async (width, height) => {
        await using visit = await open({ viewport: { width, height } });

        const box = await visit.page.locator(".faults").boundingBox();
        expect(box).toMatchObject({ x: expect.any(Number) });
        expect((box?.y ?? 0) + (box?.height ?? 0)).toBeLessThan(height);
        const cutOff = await visit.page.evaluate(`[...document.querySelectorAll(".masthead *")]
        .filter((part) => part.scrollWidth > part.clientWidth + 1 && part.clientWidth > 1)
        .map((part) => part.textContent)`);
        expect(cutOff).toEqual([]);
        expect(await visit.page.locator(".masthead").innerText()).toContain(
          "MX's SSO API v2 and Platform API",
        );
      },
    );

    it.each([
      ["budgets_widget", "budgets_widget", undefined],
      [
        "conect",
        "connect_widget",
        /no widget type “conect”. The nearest name is connect_widget\.$/,
      ],
      ["<b>nonsense", "connect_widget", /“<b>nonsense”. Choose one from the list/],
    ])("starts with ?widget=%s or the nearest name", async (asked, type, says) => {
      await using visit = await open({}, `/?widget=${encodeURIComponent(asked)}`);

      expect(await visit.page.locator("#widget-type").inputValue()).toBe(type);
      const notice = visit.page.locator("#type-says");
      expect(await notice.isVisible()).toBe(says !== undefined);
      if (says) expect(await notice.innerText()).toMatch(says);
    });

    it.each(["sdk", "phone"])(
      "shows with %s what it waits for, until the widget is there",
      async (way) => {
        await using visit = await open();
        let answer = () => {};
        const isHeld = new Promise<void>((resolve) => {
          answer = resolve;
        });
        await visit.page.route("**/session", async (route) => {
          await isHeld;
          await route.continue();
        });
        await visit.choose("way", way);
        await visit.press("Open the widget");
        await visit.page.locator("#loading").getByText("Waiting for a widget URL").waitFor();
        expect(await findAxeViolations(visit.page)).toEqual([]);
        answer();
        await visit.widget(way).getByText("Select your bank").waitFor();
        await visit.page.locator("#loading").waitFor({ state: "hidden" });
      },
    );
  });

  describe("when something fails", () => {
    it("ends the fault with the page that set it: a closed tab, another page's choice", async () => {
      const faults = async () => {
        const state = (await (await fetch(demo.controlUrl)).json()) as { faults: object[] };
        return state.faults.length;
      };
      await using other = await open();
      {
        await using visit = await open();
        await visit.press("MX down");
        await visit.page.locator("#fault-down[aria-pressed=true]").waitFor();
        expect(await faults()).toBe(1);

        await other.press("MX silent");
        await visit.page.locator("#fault-down[aria-pressed=false]").waitFor();
        await visit.page.getByText("The fault is off: another page has chosen one").waitFor();
        await visit.press("MX down");
        await other.page.locator("#fault-silent[aria-pressed=false]").waitFor();
      }
      const ends = () => demo.lines.filter((line) => line === "Fault off: MX down."); // Written after the fault is off.
      await expect.poll(ends, { timeout: 10_000 }).toHaveLength(2);
      expect(await faults()).toBe(0);
    });

    it("makes it fail in each way, and explains what came of it", async () => {
      await using visit = await open();
      for (const [button, title] of [
        ["MX down", "MX is not available"],
        ["Key refused", "MX refused the request"],
        ["Unusable answer", "MX's answer cannot be used"],
        ["Expired login", "A valid login is needed"],
        ["Unusable user id", "The user identifier cannot be used at MX"],
      ] as const) {
        await visit.press(button);
        await visit.page.locator("[aria-pressed=true]", { hasText: button }).waitFor();
        await visit.press("Open the widget");
        await visit.page.locator("#problem", { hasText: title }).getByText("What to try").waitFor();
      }
      await visit.page.getByText("You have set “Unusable user id” at “Make it fail”").waitFor();
      await visit.press("Unusable user id");
      await visit.page.locator("#fault-unusable-id[aria-pressed=false]").waitFor();
      await visit.press("Open the widget");
      await visit.widget("sdk").getByText("Select your bank").waitFor();
      expect(await visit.page.locator("#problem").isVisible()).toBe(false);
      expect(visit.complaints.filter((complaint) => !REFUSED.test(complaint))).toEqual([]);
    });

    it("waits while MX is slow, and is quick again after that", async () => {
      await using visit = await open();
      await visit.press("MX slow");
      const asked = Date.now();
      await visit.press("Open the widget");
      await visit.widget("sdk").getByText("Select your bank").waitFor();
      expect(Date.now() - asked).toBeGreaterThan(1500);
      await visit.press("MX slow");
      await visit.page.locator("#fault-slow[aria-pressed=false]").waitFor();
      const controlUrl = await visit.controlUrl();
      await expect
        .poll(async () => (await fetch(controlUrl)).json())
        .toMatchObject({ settings: { latencyMs: 0 }, faults: [] });
    });

    it("shows an expired URL, and says that the widget is silent", async () => {
      await using visit = await open();
      await visit.press("URL expired");
      await visit.press("Open the widget");
      await visit.widget("sdk").getByText("This link has expired").waitFor();
      await visit.page.getByText("The widget has sent no message yet.").waitFor();
    });

    it("shows what no-referrer does: MX's SDK hears nothing, embed.js does", async () => {
      await using visit = await open();
      await visit.press("Hidden referrer");
      await visit.press("Open the widget");
      await visit.widget("sdk").getByText("Select your bank").waitFor();
      await visit.page.getByText("The widget has sent no message yet.").waitFor();
      await visit.choose("way", "embed");
      await visit.press("Open the widget");
      await visit.page.locator("#messages", { hasText: "mx/connect/loaded" }).waitFor();
    });

    it.each([195, 360, 760, 1440])(
      "is without fault for a screen reader and never too wide, light, dark, right to left: %i px",
      async (width) => {
        await using visit = await open({ viewport: { width, height: 900 } });
        const check = async () => {
          for (const colorScheme of width === 760 ? (["dark"] as const) : SCHEMES) {
            await visit.page.emulateMedia({ colorScheme });
            expect(await findAxeViolations(visit.page)).toEqual([]);
          }
          const overflow = "document.documentElement.scrollWidth - innerWidth";
          expect(await visit.page.evaluate(overflow)).toBeLessThanOrEqual(0);
        };
        if (width === 760) await visit.page.evaluate('document.documentElement.dir = "rtl"');
        const unfold =
          'for (const group of document.querySelectorAll("details")) group.open = true';
        await visit.page.evaluate(unfold);
        await visit.code("sdk");
        for (const way of ["embed", "phone"]) {
          await visit.choose("way", way);
          await visit.press("Open the widget");
          await visit.page.locator("#messages", { hasText: "connect/loaded" }).waitFor();
          await check();
        }
        await visit.press("Key refused");
        await visit.press("Open the widget");
        await visit.page.locator("#problem").getByText("What to try").waitFor();
        await check();
      },
    );
  });

  async function open(options?: Parameters<TestBrowser["openPage"]>[0], path = "/") {
    const visit = await browser.openPage(options);
    await visit.page.goto(demo.pageUrl + path);
    await visit.page.waitForSelector("html[data-ready]");
    return { ...visit, ...toPartnerVisit(visit.page) };
  }
});

function toProblem({ name, status, title }: ProblemType): object {
  const errors = [{ pointer: "/widget_url", detail: "is so" }];
  const problem = { type: `/problems/${name}`, title, status, detail: "Just so." };
  return { ...problem, request_id: "r-1", errors };
}

function toPartnerVisit(page: Page) {
  return {
    choose: (name: string, value: string) =>
      page.locator(`[name=${name}][value=${value}]`).check({ force: true }),
    press: (name: string) => page.getByRole("button", { name, exact: true }).click(),
    widget(way: string): FrameLocator {
      const frame = page.frameLocator("#widget iframe");
      return way === "phone" ? frame.frameLocator("#webview") : frame;
    },
    async logIn(widget: FrameLocator, password: string) {
      await widget.locator("#user").fill("mxuser");
      await widget.locator("#password").fill(password);
      await widget.getByRole("button", { name: "Continue" }).click();
    },
    messageTypes: () => page.locator("#messages strong").allTextContents(),
    async code(kind: string): Promise<string> {
      await page.locator(`[name=code][value=${kind}]`).check({ force: true });
      return page.locator("#code").innerText();
    },
    /** As Ada, from the page. */
    async askForUrl(): Promise<string> {
      const script = `(async () => {
        const { serviceUrl } = await (await fetch("/setup")).json();
        const token = await (await fetch("/token/ada")).text();
        const headers = { Authorization: "Bearer " + token };
        const answer = await fetch(serviceUrl + "/session", { method: "POST", headers });
        return (await answer.json()).widget_url.url;
      })()`;
      return page.evaluate(script) as Promise<string>;
    },
    async controlUrl(): Promise<string> {
      const setup = (await page.evaluate('fetch("/setup").then((answer) => answer.json())')) as {
        widgetUrl: string;
      };
      return `${setup.widgetUrl}/_simulator`;
    },
  };
}
