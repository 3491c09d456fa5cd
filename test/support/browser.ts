/**
 * Debian's Chromium, headless, without a request of its own, and pages that keep what a visitor would complain of.
 *
 * Mostly its `headless-shell`, which is Chromium without a desktop's code and takes half the CPU.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { isInstalled } from "./installed.ts";

export type TestBrowser = AsyncDisposable & {
  /** A page in a context of its own: no cookies, no storage of another. */
  openPage(options?: BrowserContextOptions): Promise<WatchedPage>;
};

export type WatchedPage = AsyncDisposable & {
  page: Page;
  /** Console errors, uncaught errors and violations of a Content-Security-Policy so far, of all frames. */
  complaints: string[];
};

export type BrowserOptions = {
  /** Makes every name below `.test` this machine, for sites that are foreign to each other. */
  resolveTestNames?: boolean;
  /** All pages in one profile that sends cookies to third parties, as ordinary browsers do. */
  isOrdinary?: boolean;
  /** Keeps pages that are left, as browsers of people do. playwright switches that off, and the shell cannot. */
  keepsPages?: boolean;
};

const ARGUMENTS = [
  "--no-sandbox", // Tests may run as root.
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const SHELL = "chromium-headless-shell";

/** Debian's Chromium blocks them unless told otherwise. */
const THIRD_PARTY_COOKIES = { profile: { cookie_controls_mode: 0 } };

export async function startBrowser(options: BrowserOptions = {}): Promise<TestBrowser> {
  const rules = options.resolveTestNames ? ["--host-resolver-rules=MAP *.test 127.0.0.1"] : [];
  const launch = {
    executablePath: `/usr/bin/${options.keepsPages || !isInstalled(SHELL) ? "chromium" : SHELL}`,
    args: [...ARGUMENTS, ...rules],
    ignoreDefaultArgs: options.keepsPages ? ["--disable-back-forward-cache"] : [],
  };

  if (options.isOrdinary) {
    const folder = mkdtempSync(join(tmpdir(), "profile-"));
    mkdirSync(join(folder, "Default"));
    writeFileSync(join(folder, "Default", "Preferences"), JSON.stringify(THIRD_PARTY_COOKIES));
    const profile = await chromium.launchPersistentContext(folder, {
      ...launch,
      ignoreHTTPSErrors: true,
    });
    return {
      openPage: async () => {
        const page = await profile.newPage();
        return watch(page, () => page.close());
      },
      async [Symbol.asyncDispose]() {
        await profile.close();
        rmSync(folder, { recursive: true });
      },
    };
  }

  const browser = await chromium.launch(launch);
  return {
    async openPage(contextOptions) {
      const context = await browser.newContext(contextOptions);
      return watch(await context.newPage(), () => context.close());
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

function watch(page: Page, close: () => Promise<void>): WatchedPage {
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text()); // CSP violations are among them.
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  return { page, complaints, [Symbol.asyncDispose]: close };
}
