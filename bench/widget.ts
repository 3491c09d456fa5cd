/**
 * `npm run bench:widget`: how long a user waits from the click to the widget's first paint, with MX's SDK, with embed.js, and
 * with embed.js that asked while the pointer was over the button. All in the same Chromium, in turn.
 *
 * A round trip to the service, to MX and to the widget's host takes 50 ms; a new connection to that host two more.
 */

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { startIdentityProvider } from "../packages/simulator/src/identity-provider.ts";
import { startSimulator } from "../packages/simulator/src/simulator.ts";
import { startService } from "../src/app/service.ts";
import { loadConfig } from "../src/config/load.ts";
import { createLogger } from "../src/telemetry/logger.ts";
import { startBrowser, type TestBrowser } from "../test/support/browser.ts";
import { startPartnerHost } from "../test/support/partner-host.ts";
import { toRatios, toSpread } from "./statistics.ts";

const ROUND_TRIP_MS = 50;
const ROUNDS = Number(process.argv[2] ?? 15);

const SDK = createRequire(import.meta.url)
  .resolve("@mxenabled/web-widget-sdk")
  .replace("/cjs/", "/esm/");

const SCRIPTS: Record<string, string> = {
  "MX's SDK": `
    import { ConnectWidget } from "/sdk.js";
    document.querySelector("button").onclick = () => {
      window.clickedAt = performance.timeOrigin + performance.now();
      new ConnectWidget({
        container: "#widget",
        proxy: "/session",
        ssoRequestPreprocess: (request) => {
          request.options.headers.Authorization = "Bearer " + token;
          return request;
        },
      });
    };`,
  "embed.js": `
    import { openWidget } from "/embed.js";
    document.querySelector("button").onclick = () => {
      window.clickedAt = performance.timeOrigin + performance.now();
      openWidget("#widget", { widgetType: "connect_widget", getToken: () => token });
    };`,
  "embed.js with prefetch": `
    import { openWidget } from "/embed.js";
    document.querySelector("button").addEventListener("click", () => {
      window.clickedAt = performance.timeOrigin + performance.now();
    }, true);
    openWidget("#widget", { widgetType: "connect_widget", getToken: () => token, trigger: "open", prefetch: "hover" });`,
};

const PAGE = `<!doctype html><html lang="en"><title>Bank</title>
<link rel="icon" href="data:,">
<script type="module" src="/page.js"></script>
<button id="open">Link an account</button><div id="widget"></div></html>`;
const TOKEN = `const token = await (await fetch("/token")).text();`;
const FIRST_PAINT = `new Promise((resolve) => {
  new PerformanceObserver((list) => {
    for (const entry of list.getEntriesByName("first-contentful-paint"))
      resolve(performance.timeOrigin + entry.startTime);
  }).observe({ type: "paint", buffered: true });
})`;

await using parts = new AsyncDisposableStack();
const widgetHost = parts.use(await startDelay(2 * ROUND_TRIP_MS));
const mx = parts.use(
  await startSimulator({ latencyMs: ROUND_TRIP_MS, widgetOrigin: widgetHost.url }),
);
widgetHost.target = mx.widgetUrl;
const issuer = parts.use(await startIdentityProvider());
const config = loadConfig({
  HOST: "127.0.0.1",
  PORT: "0",
  OPERATIONS_PORT: "0",
  RATE_LIMIT_USER: "off",
  AUTH_ISSUER: issuer.issuer,
  AUTH_AUDIENCE: "mx-session-bff",
  MX_PLATFORM_BASE_URL: mx.platformUrl,
  MX_PLATFORM_CLIENT_ID: mx.credentials.clientId,
  MX_PLATFORM_API_KEY: mx.credentials.apiKey,
});
const service = parts.use(await startService(config, createLogger("fatal", { write: () => true })));
const files: Record<string, readonly [string, string]> = {
  "/sdk.js": ["text/javascript", readFileSync(SDK, "utf8")],
};
const partner = parts.use(await startPartnerHost(files));
partner.proxied = service.url.origin;
partner.giveToken = () => issuer.issueToken("ada");
const page = parts.use(await startDelay(0));
page.target = `http://127.0.0.1:${partner.port}`;
const browser = parts.use(await startBrowser());

const times = new Map(Object.keys(SCRIPTS).map((name) => [name, [] as number[]]));
for (let round = 0; round < ROUNDS; round += 1)
  for (const [name, script] of Object.entries(SCRIPTS))
    times.get(name)?.push(await measure(browser, script));

const base = times.get("MX's SDK") ?? [];
process.stdout.write(`click to first paint, median of ${ROUNDS} (lowest, highest)\n`);
for (const [name, all] of times) {
  const { median, min, max } = toSpread(all);
  const spread = `(${min.toFixed(0)}, ${max.toFixed(0)})`;
  const ratio = toRatios(all, base).median.toFixed(2);
  process.stdout.write(`${name.padEnd(24)} ${median.toFixed(0)} ms ${spread}  ${ratio} x\n`);
}

/** A visitor of his own, so that no connection is open. The page is another site than the widget. */
async function measure(visitors: TestBrowser, script: string): Promise<number> {
  files["/"] = ["text/html", PAGE];
  files["/page.js"] = ["text/javascript", script.replace("import", `${TOKEN}\nimport`)];
  await using visit = await visitors.openPage();
  const { port } = new URL(page.url);
  await visit.page.goto(`http://localhost:${port}/`);
  await visit.page.waitForLoadState("networkidle");
  await visit.page.hover("button");
  await sleep(1000); // Hovering, or reading.
  await visit.page.click("button");
  const find = () => visit.page.frames().find((one) => one.url().includes("/md/connect/"));
  while (!find()) await sleep(10);
  const paintedAt = await find()?.evaluate<number>(FIRST_PAINT);
  const clickedAt = await visit.page.evaluate<number>("clickedAt");
  return (paintedAt ?? Number.NaN) - clickedAt;
}

type Delay = AsyncDisposable & { url: string; target: string };

/** A port behind which everything takes half a round trip, each way; and a new connection so much longer. */
async function startDelay(connectMs: number): Promise<Delay> {
  const delay = { url: "", target: "" };
  const sockets = new Set<Socket>();
  const server = createServer(async (inbound) => {
    sockets.add(inbound.setNoDelay());
    inbound.on("error", () => {});
    const { hostname, port } = new URL(delay.target);
    const outbound = connect(Number(port), hostname).setNoDelay();
    outbound.on("error", () => inbound.destroy());
    inbound.once("close", () => outbound.destroy());
    pass(inbound, outbound, connectMs);
    pass(outbound, inbound, 0);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  delay.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return Object.assign(delay, {
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  });
}

/** In order: what comes first takes `extraMs` longer. */
function pass(from: Duplex, to: Duplex, extraMs: number): void {
  const openAt = Date.now() + extraMs;
  let queue = Promise.resolve();
  from.on("data", (chunk) => {
    const dueAt = Math.max(Date.now(), openAt) + ROUND_TRIP_MS / 2;
    queue = queue.then(async () => {
      await sleep(Math.max(0, dueAt - Date.now()));
      to.write(chunk);
    });
  });
  from.once("end", () => queue.then(() => to.end()));
}
