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
import type { TestBrowser, WatchedPage } from "./browser.ts";

export type EmbedHost = AsyncDisposable & {
  url: string;
  widgetOrigin: string;
  /** What came to `/session`, in order. */
  requests: { headers: IncomingHttpHeaders; body: unknown }[];
  /** Widget URLs that a frame has asked for, in order. */
  opened: string[];
  /** What `/session` answers from now on, one after the other; the last one for ever. Default: `widget`. */
  answer(...answers: Answer[]): void;
};

/**
 * `widget` says `mx/load` and answers "back"; `silent` says nothing, as one that does not load.
 * A hung one never answers.
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
): Promise<HostVisit> {
  const visit = await browser.openPage();
  const { page } = visit;
  const run = <T>(script: string) => page.evaluate<T>(script);
  const waitFor = async (script: string) => {
    const deadline = Date.now() + 10_000;
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
  const { headers = {}, framesAnything = false } = options;
  await using parts = new AsyncDisposableStack();
  const requests: EmbedHost["requests"] = [];
  const opened: string[] = [];
  let answers: Answer[] = ["widget"];
  let made = 0;

  const widgets = parts.use(
    await serve((req, res) => {
      const isSpent = opened.includes(req.url ?? "");
      opened.push(req.url ?? "");
      res.setHeader("Content-Type", "text/html");
      if (isSpent) res.writeHead(410).end("<title>Spent</title>");
      else res.end(req.url?.startsWith("/widget") ? WIDGET : "<title>Silent</title>");
    }),
  );

  async function answerSession(headers: IncomingHttpHeaders, body: string, res: ServerResponse) {
    requests.push({ headers, body: JSON.parse(body || "{}") });
    const answer = (answers.length > 1 ? answers.shift() : answers[0]) ?? "widget";
    if (answer === "hung") return;
    if (typeof answer === "object") {
      res.writeHead(answer.status, answer.headers).end(answer.body);
      return;
    }
    made += 1;
    const url = `${widgets.url}/${answer}/${made}`;
    res.setHeader("Content-Type", "application/json");
    res.end(JSON.stringify({ widget_url: { type: "connect_widget", url, expires_at: "" } }));
  }

  const host = parts.use(
    await serve(async (req, res) => {
      if (req.url === "/session") {
        await answerSession(req.headers, await text(req), res);
      } else if (req.url === "/embed.js" || req.url === "/page.js") {
        res.setHeader("Content-Type", "text/javascript");
        res.end(req.url === "/page.js" ? SCRIPT : EMBED);
      } else if (req.url === "/favicon.ico") {
        res.writeHead(204).end();
      } else {
        res.setHeader("Content-Type", "text/html");
        res.setHeader("Content-Security-Policy", toPolicy(framesAnything ? "*" : widgets.url));
        for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
        res.end(PAGE);
      }
    }),
  );

  const owned = parts.move();
  return {
    url: host.url,
    widgetOrigin: widgets.url,
    requests,
    opened,
    answer: (...next) => {
      answers = next;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function toPolicy(frames: string): string {
  return `default-src 'none'; script-src 'self'; connect-src 'self' http://127.0.0.1:1; frame-src ${frames}; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'`;
}

/** Keeps in `seen` all that happens to widgets anywhere on the page. */
const PAGE = `<!doctype html>
<html lang="en">
<title>Host</title>
<script type="module" src="/page.js"></script>
<button type="button" id="opener">Open</button>
<div id="place"></div>
<div id="other-place"></div>
</html>`;

const SCRIPT = `
import { MxWidgetElement, openWidget } from "/embed.js";
Object.assign(window, { MxWidgetElement, openWidget, seen: [] });
for (const type of ["mx-load", "mx-message", "mx-ping", "mx-done", "mx-close", "mx-error"]) {
  document.addEventListener(type, ({ detail }) => {
    seen.push(detail instanceof Error ? { event: type, ...detail, message: detail.message } : { event: type, ...detail });
  });
}
`;

/** The target of its messages is the referrer, as in MX's code. */
const WIDGET = `<!doctype html>
<title>Widget</title>
<script>
  let steps = 1;
  function tell(type, metadata = {}) {
    parent.postMessage({ mx: true, type, metadata }, new URL(document.referrer).origin);
  }
  addEventListener("message", ({ data }) => {
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
