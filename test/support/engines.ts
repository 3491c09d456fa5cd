/**
 * Chromium, Firefox and WebKitGTK behind one small interface, for what must hold in each of them.
 *
 * Firefox speaks WebDriver BiDi (W3C), WebKitGTK WebDriver (W3C), both without a package of their own.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startBrowser } from "./browser.ts";
import { findLine } from "./child.ts";
import { freePort } from "./free-port.ts";
import { isInstalled } from "./installed.ts";

const NAMES = ["chromium", "firefox", "webkit"] as const;

export type EngineName = (typeof NAMES)[number];

/** In which this run looks: Chromium, unless the project of vitest.config.ts names others. */
export const ENGINES: readonly EngineName[] = NAMES.filter((name) =>
  (process.env.TEST_ENGINES ?? "chromium").split(",").includes(name),
);

/** One tab. */
export type Tab = AsyncDisposable & {
  goto(url: string): Promise<void>;
  back(): Promise<void>;
  /** Runs the body of an async function in the page; what it returns goes through JSON. */
  run<T = unknown>(body: string): Promise<T>;
  /** Waits until an expression of the page is true. */
  waitFor(expression: string): Promise<void>;
};

export type Engine = AsyncDisposable & { openTab(): Promise<Tab> };

/** Fails with `CI=true` where it is missing. */
export function hasEngine(name: EngineName): boolean {
  if (name === "chromium") return isInstalled("chromium");
  if (name === "firefox") return isInstalled("firefox-esr");
  return isInstalled("WebKitWebDriver") && isInstalled("Xvfb");
}

export function startEngine(name: EngineName): Promise<Engine> {
  if (name === "chromium") return startChromium();
  return name === "firefox" ? startFirefox() : startWebKit();
}

type RawTab = Omit<Tab, "waitFor">;

/** For the message of a test that waits in vain. */
const PAGE =
  "return [document.readyState, document.visibilityState, document.body?.innerText.slice(0, 200)].join();";

function toTab(raw: RawTab): Tab {
  return {
    ...raw,
    async waitFor(expression) {
      const deadline = Date.now() + 60_000;
      while (!(await raw.run(`return Boolean(${expression})`).catch(() => false))) {
        if (Date.now() > deadline) {
          const page = await raw.run(PAGE).catch(String);
          throw new Error(`still not so: ${expression}. The page: ${page}`);
        }
        await sleep(20);
      }
    },
  };
}

/** With the back/forward cache and the one profile of an ordinary browser. */
async function startChromium(): Promise<Engine> {
  const browser = await startBrowser({ keepsPages: true, isOrdinary: true });
  return {
    async openTab() {
      const { page, [Symbol.asyncDispose]: close } = await browser.openPage();
      return toTab({
        goto: async (url) => void (await page.goto(url)),
        back: () => page.evaluate("history.back()"),
        run: (body) => page.evaluate(`(async () => {${body}})()`),
        [Symbol.asyncDispose]: close,
      });
    },
    [Symbol.asyncDispose]: () => browser[Symbol.asyncDispose](),
  };
}

async function startFirefox(): Promise<Engine> {
  const profile = mkdtempSync(join(tmpdir(), "firefox-"));
  writeFileSync(join(profile, "user.js"), FIREFOX_SETTINGS);
  const args = ["--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0"];
  const child = spawn("firefox-esr", args, { stdio: ["ignore", "ignore", "pipe"] });
  const address = await findLine(child, /WebDriver BiDi listening on (ws:\S+)/, "stderr");
  const bidi = await connect(`${address}/session`);
  await bidi.send("session.new", { capabilities: {} });

  return {
    async openTab() {
      const { context } = await bidi.send("browsingContext.create", { type: "tab" });
      const goto = async (url: string) =>
        void (await bidi.send("browsingContext.navigate", { context, url, wait: "complete" }));
      await bidi.send("browsingContext.activate", { context });
      return toTab({
        goto,
        back: async () =>
          void (await bidi.send("browsingContext.traverseHistory", { context, delta: -1 })),
        async run(body) {
          const { result, exceptionDetails } = await bidi.send("script.evaluate", {
            expression: toJson(body),
            awaitPromise: true,
            target: { context },
          });
          if (exceptionDetails) throw new Error(exceptionDetails.text);
          return JSON.parse(result?.value ?? "null");
        },
        [Symbol.asyncDispose]: async () =>
          void (await bidi.send("browsingContext.close", { context })),
      });
    },
    async [Symbol.asyncDispose]() {
      await bidi.send("browser.close", {});
      await once(child, "exit");
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** No request of its own, no first-run pages. */
const FIREFOX_SETTINGS = [
  ["app.normandy.enabled", false],
  ["app.update.disabledForTesting", true],
  ["browser.shell.checkDefaultBrowser", false],
  ["browser.startup.page", 0],
  ["datareporting.policy.dataSubmissionEnabled", false],
  ["network.captive-portal-service.enabled", false],
  ["network.connectivity-service.enabled", false],
  ["toolkit.telemetry.server", ""],
]
  .map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`)
  .join("");

type BidiResult = {
  context: string;
  result?: { value?: string };
  exceptionDetails?: { text: string };
};

async function connect(url: string) {
  const socket = new WebSocket(url);
  await once(socket, "open");
  const waiting = new Map<number, PromiseWithResolvers<BidiResult>>();
  socket.addEventListener("message", ({ data }) => {
    const { id, type, result, message } = JSON.parse(String(data));
    if (type === "error") waiting.get(id)?.reject(new Error(message));
    else waiting.get(id)?.resolve(result);
  });
  let last = 0;
  return {
    send(method: string, params: object): Promise<BidiResult> {
      last += 1;
      const answer = Promise.withResolvers<BidiResult>();
      waiting.set(last, answer);
      socket.send(JSON.stringify({ id: last, method, params }));
      return answer.promise;
    },
  };
}

const MINI_BROWSER = "/usr/lib/*/webkit2gtk-4.*/MiniBrowser";

/** One tab at a time: a session of its driver is one browser. */
async function startWebKit(): Promise<Engine> {
  const display = spawn("Xvfb", ["-displayfd", "1", "-screen", "0", "1366x768x24"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const number = await findLine(display, /^(\d+)$/);
  const port = await freePort();
  const driver = spawn("WebKitWebDriver", [`--port=${port}`], {
    env: { ...process.env, DISPLAY: `:${number}`, WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1" },
    stdio: "ignore",
  });
  const url = `http://127.0.0.1:${port}`;
  while (!(await fetch(`${url}/status`).catch(() => undefined))) await sleep(50);
  const [binary] = globSync(MINI_BROWSER).filter((path) => existsSync(path));

  return {
    async openTab() {
      const options = { binary, args: ["--automation"] };
      const capabilities = { alwaysMatch: { "webkitgtk:browserOptions": options } };
      const { sessionId } = (await post<{ sessionId: string }>(`${url}/session`, { capabilities }))
        .value;
      const session = `${url}/session/${sessionId}`;
      await post(`${session}/timeouts`, { script: 86_400_000 }); // Its own timer is one that tests move.
      return toTab({
        goto: async (address) => void (await post(`${session}/url`, { url: address })),
        back: async () => void (await post(`${session}/back`, {})),
        async run(body) {
          const script = `const done = arguments[0]; ${toJson(body)}.then(done, (error) => done(JSON.stringify({ error: String(error) })));`;
          const { value } = await post<string>(`${session}/execute/async`, { script, args: [] });
          const result = JSON.parse(value ?? "null");
          if (result?.error) throw new Error(result.error);
          return result;
        },
        [Symbol.asyncDispose]: async () => void (await fetch(session, { method: "DELETE" })),
      });
    },
    async [Symbol.asyncDispose]() {
      for (const child of [driver, display]) child.kill();
    },
  };
}

async function post<T>(url: string, body: object): Promise<{ value: T }> {
  const response = await fetch(url, { method: "POST", body: JSON.stringify(body) });
  const answer = (await response.json()) as { value: T & { message?: string } };
  if (!response.ok) throw new Error(answer.value.message);
  return answer;
}

/** Begins in a microtask. Under its driver, WebKit would otherwise run microtasks in the middle of a script, as in no page. */
function toJson(body: string): string {
  return `(async () => { await 0; return JSON.stringify((await (async () => {${body}})()) ?? null); })()`;
}
