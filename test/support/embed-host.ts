/**
 * A partner's page with nothing but embed.js, under a strict Content-Security-Policy, with a `/session` whose answers the
 * test decides, and widget pages on another origin that do as they are told.
 */

import { once } from "node:events";
import { readFileSync } from "node:fs";
import {
  createServer,
  type IncomingHttpHeaders,
  type RequestListener,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import type { BrowserContextOptions } from "playwright-core";
import type { TestBrowser, WatchedPage } from "./browser.ts";

export type EmbedHost = AsyncDisposable & {
  url: string;
  widgetOrigin: string;
  /** What came to `/session`, in order. */
  requests: { headers: IncomingHttpHeaders; body: unknown }[];
  /** Widget URLs that a frame has asked for, in order. */
  opened: string[];
  /** What the widgets' host was asked for, with the port at the browser's end of the connection. */
  connections: string[];
  /** How many widget URLs `/session` has given out. */
  readonly urls: number;
  /** What `/session` answers from now on, one after the other; the last one for ever. Default: `widget`. */
  answer(...answers: Answer[]): void;
  /** What `/session`, `/token` and the widgets are asked for waits, until `release`. */
  hold(what: Held): void;
  /** Goes on with what was held. `cut`: the connection breaks instead, and each new one to `what`, until `mend`. */
  release(what: Held, how?: "cut"): void;
  mend(): void;
};

export type Held = "session" | "token" | "widget";

/**
 * `widget` says `mx/load`, answers "back", and says what the page tells it to; `silent` says nothing, as one that does
 * not load. A hung one never answers.
 */
export type Answer =
  | "widget"
  | "silent"
  | "hung"
  | { status: number; headers?: Record<string, string>; body?: string };

export type HostOptions = {
  /** On the host page, beside or instead of its own. */
  headers?: Record<string, string>;
  /** Frames of every origin, besides the widgets'. */
  framesAnything?: boolean;
  /** What stands in the body beside the usual. */
  html?: string;
};

/** A page of the host, in a browser. */
export type HostVisit = WatchedPage & {
  /** Runs a script of the page; awaits and gives back what it comes to. */
  run<T = unknown>(script: string): Promise<T>;
  /** Waits until a script comes to true. playwright's own way would need `unsafe-eval`. */
  waitFor(script: string): Promise<void>;
  /** Waits until the widget `w` is in this state. */
  until(state: string): Promise<void>;
  /** What has happened to widgets, in order. */
  events(): Promise<Record<string, unknown>[]>;
};

export async function visitHost(
  browser: TestBrowser,
  host: EmbedHost,
  /** Runs before any script of the page. */
  firstScript = "",
  context: BrowserContextOptions = {},
): Promise<HostVisit> {
  const visit = await browser.openPage(context);
  const { page } = visit;
  const run = <T>(script: string) => page.evaluate<T>(script);
  const waitFor = async (script: string) => {
    const deadline = Date.now() + 60_000;
    while (!(await run(script))) {
      if (Date.now() > deadline) throw new Error(`still not so: ${script}`);
      await sleep(10);
    }
  };
  await page.addInitScript(firstScript);
  await page.goto(host.url);
  await waitFor("window.openWidget !== undefined");
  return {
    ...visit,
    run,
    waitFor,
    until: (state) => waitFor(`window.w?.state === ${JSON.stringify(state)}`),
    events: () => run("seen"),
  };
}

const EMBED = readFileSync(new URL("../../packages/embed/embed.js", import.meta.url));

export async function startEmbedHost(options: HostOptions = {}): Promise<EmbedHost> {
  const { headers = {}, framesAnything = false, html = "" } = options;
  await using parts = new AsyncDisposableStack();
  const requests: EmbedHost["requests"] = [];
  const opened: string[] = [];
  const connections: string[] = [];
  let answers: Answer[] = ["widget"];
  let urls = 0;
  const held = new Map<Held, PromiseWithResolvers<"go" | "cut">>();

  /** Whether the connection holds. */
  async function pass(what: Held, res: ServerResponse): Promise<boolean> {
    const isCut = (await held.get(what)?.promise) === "cut";
    if (isCut) res.destroy();
    return !isCut;
  }

  const widgets = parts.use(
    await serve(async (req, res) => {
      connections.push(`${req.url} ${req.socket.remotePort}`);
      if (req.url === "/favicon.ico") return void res.writeHead(404).end();
      const isSpent = opened.includes(req.url ?? "");
      opened.push(req.url ?? "");
      if (!(await pass("widget", res))) return;
      res.setHeader("Content-Type", "text/html");
      if (isSpent) res.writeHead(410).end("<title>Spent</title>");
      else res.end(req.url?.startsWith("/widget") ? WIDGET : "<title>Silent</title>");
    }),
  );

  async function answerSession(headers: IncomingHttpHeaders, body: string, res: ServerResponse) {
    if (!(await pass("session", res))) return;
    requests.push({ headers, body: JSON.parse(body || "{}") });
    const answer = (answers.length > 1 ? answers.shift() : answers[0]) ?? "widget";
    if (answer === "hung") return;
    if (typeof answer === "object") {
      res.writeHead(answer.status, answer.headers).end(answer.body);
      return;
    }
    urls += 1;
    const url = `${widgets.url}/${answer}/${urls}`;
    res.setHeader("Content-Type", "application/json");
    res.end(JSON.stringify({ widget_url: { type: "connect_widget", url, expires_at: "" } }));
  }

  const host = parts.use(
    await serve(async (req, res) => {
      if (req.url === "/session") {
        await answerSession(req.headers, await text(req), res);
      } else if (req.url === "/token") {
        if (await pass("token", res)) res.end("a.b.c");
      } else if (req.url && req.url in SCRIPTS) {
        res.setHeader("Content-Type", "text/javascript");
        res.end(SCRIPTS[req.url]);
      } else if (req.url === "/favicon.ico") {
        res.writeHead(204).end();
      } else {
        res.setHeader("Content-Type", "text/html");
        res.setHeader("Content-Security-Policy", toPolicy(framesAnything ? "*" : widgets.url));
        for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
        res.end(toPage(html));
      }
    }),
  );

  const owned = parts.move();
  return {
    url: host.url,
    widgetOrigin: widgets.url,
    requests,
    opened,
    connections,
    get urls() {
      return urls;
    },
    answer: (...next) => {
      answers = next;
    },
    hold: (what) => held.set(what, Promise.withResolvers()),
    release(what, how) {
      if (how === "cut" && !held.has(what)) held.set(what, Promise.withResolvers());
      held.get(what)?.resolve(how ?? "go");
      if (!how) held.delete(what);
    },
    mend: () => held.clear(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function toPolicy(frames: string): string {
  return `default-src 'none'; script-src 'self'; connect-src 'self' http://127.0.0.1:1; frame-src ${frames}; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'`;
}

const toPage = (html: string) => `<!doctype html>
<html lang="en">
<title>Host</title>
<script src="/clock.js"></script>
<script type="module" src="/page.js"></script>
<meta name="color-scheme" content="light dark">
<main>
<h1>Host</h1>
<button type="button" id="opener">Open</button>
<div id="place">${html}</div>
<div id="other-place"></div>
</main>
</html>`;

/** Keeps in `seen` all that happens to widgets anywhere on the page. */
const SCRIPT = `
import { MxWidgetElement, openWidget } from "/embed.js";
Object.assign(window, { MxWidgetElement, openWidget, seen: [] });
for (const type of ["mx-load", "mx-message", "mx-ping", "mx-done", "mx-close", "mx-error", "mx-stalled"]) {
  document.addEventListener(type, ({ detail }) => {
    seen.push(detail instanceof Error ? { event: type, ...detail, message: detail.message } : { event: type, ...detail });
  });
}
for (const widget of document.querySelectorAll("mx-widget")) widget.getToken = () => window.token ?? "a.b.c";
`;

/**
 * Clocks that a test moves, in any browser. Once it has called `stopClock` they stand, and timers of a tenth of a second
 * and more wait for `moveClock`. `sleepClock`: a computer sleeps, so that only the time of day goes on.
 */
const CLOCK = `
{
  const { setTimeout: later, clearTimeout: cancel } = window;
  const [date, steady] = [Date.now, performance.now.bind(performance)];
  const timers = new Map();
  let [isStopped, moved, slept, last] = [false, 0, 0, 1e9];
  const [startedAt, started] = [date(), steady()];
  Date.now = () => (isStopped ? startedAt : date()) + moved + slept;
  performance.now = () => (isStopped ? started : steady()) + moved;
  window.setTimeout = (run, ms = 0, ...rest) => {
    if (!isStopped || ms < 100) return later(run, ms, ...rest);
    timers.set((last += 1), { at: moved + ms, run: () => run(...rest) });
    return last;
  };
  window.clearTimeout = (timer) => timers.delete(timer) || cancel(timer);
  window.stopClock = () => { isStopped = true; };
  window.sleepClock = (ms) => { slept += ms; };
  window.moveClock = async (ms) => {
    const end = moved + ms;
    for (;;) {
      const [timer, next] = [...timers].sort((a, b) => a[1].at - b[1].at)[0] ?? [];
      if (!next || next.at > end) break;
      timers.delete(timer);
      moved = Math.max(moved, next.at);
      next.run();
      await new Promise((resolve) => later(resolve, 0));
    }
    moved = end;
  };
}`;

const SCRIPTS: Record<string, Buffer | string> = {
  "/embed.js": EMBED,
  "/page.js": SCRIPT,
  "/clock.js": CLOCK,
};

/** The target of its messages is the referrer, as in MX's code. */
const WIDGET = `<!doctype html>
<title>Widget</title>
<script>
  let steps = 1;
  function tell(type, metadata = {}) {
    parent.postMessage({ mx: true, type, metadata }, new URL(document.referrer).origin);
  }
  addEventListener("message", ({ data }) => {
    if (data.say) return tell(data.say, data.metadata);
    const { mx, type, payload } = JSON.parse(data);
    if (mx && type === "mx/navigation" && payload.action === "back") tell("mx/navigation", { did_go_back: steps-- > 0 });
  });
  tell("mx/load");
</script>
<button>A button of the widget</button>`;

async function serve(listener: RequestListener): Promise<AsyncDisposable & { url: string }> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}
