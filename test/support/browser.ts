/**
 * Debian's Chromium, headless, without a request of its own, and pages that keep what a visitor would complain of.
 */

import { type BrowserContextOptions, chromium, type Page } from "playwright-core";

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

export async function startBrowser(options: BrowserOptions = {}): Promise<TestBrowser> {
  const rules = options.resolveTestNames ? ["--host-resolver-rules=MAP *.test 127.0.0.1"] : [];
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: [...ARGUMENTS, ...rules],
  });

  return {
    async openPage(contextOptions) {
      const context = await browser.newContext(contextOptions);
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on("console", (message) => {
        if (message.type() === "error") complaints.push(message.text()); // CSP violations are among them.
      });
      page.on("pageerror", (error) => complaints.push(String(error)));
      return { page, complaints, [Symbol.asyncDispose]: () => context.close() };
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}
