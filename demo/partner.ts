/**
 * The partner in the demo: a page, and a login that hands out the issuer's tokens without asking for a password.
 *
 * The page's own headers are part of the example: `Referrer-Policy: no-referrer` would silence MX's widgets, and the
 * Content-Security-Policy names the two origins that an embedding page needs.
 */

import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import express, { type Express } from "express";
import type { IdentityProvider } from "../packages/simulator/src/identity-provider.ts";
import { findNearestWidgetType } from "../src/session/body-errors.ts";
import { SSO_WIDGET_TYPES, WIDGET_TYPES } from "../src/session/widget-options.ts";
import { APIS, type Apis } from "./environment.ts";
import { createFaultLease } from "./fault-lease.ts";
import { createSimulatorFaults, FAULTS, isFault, needsSimulator } from "./faults.ts";

export type PartnerOptions = {
  port: number;
  serviceUrl: string;
  /** The widgets' origin. */
  widgetUrl: string;
  /** The simulator's control API; `undefined` where MX is real. */
  controlUrl: string | undefined;
  /** What the ids of the users at MX begin with. */
  userPrefix: string;
  issuer: IdentityProvider;
  apis: Apis;
  /** Writes a line to the terminal. */
  say: (line: string) => void;
};

export type Partner = AsyncDisposable & { url: string };

export async function startPartner(options: PartnerOptions): Promise<Partner> {
  const server = createServer(createPartner(options));
  server.listen(options.port, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function createPartner(options: PartnerOptions): Express {
  const { serviceUrl, widgetUrl, issuer, userPrefix } = options;
  const app = express();
  app.disable("x-powered-by");
  app.use((_req, res, next) => {
    res.set({
      "Content-Security-Policy": toPolicy(serviceUrl, widgetUrl),
      "Referrer-Policy": "strict-origin-when-cross-origin",
      "X-Content-Type-Options": "nosniff",
      "Cache-Control": "no-store",
    });
    next();
  });

  routePage(app, options);
  routeFaults(app, options);

  /** `?fault=` one of the two that concern the login. */
  app.get("/token/:user", async (req, res) => {
    const { user } = req.params;
    if (!Object.hasOwn(issuer.users, user)) {
      res
        .status(404)
        .type("text")
        .send(`There is no such user. Try ${Object.keys(issuer.users).join(", ")}.\n`);
      return;
    }
    res.type("text").send(await issueToken(issuer, user, userPrefix, req.query.fault));
  });

  /**
   * The service's own page about a problem: pages of other origins may link to it, but not read it. Without its style,
   * which would offend this page's policy even where it is only parsed.
   */
  app.get("/problems/:name", async (req, res) => {
    const page = await fetch(
      new URL(`/problems/${encodeURIComponent(req.params.name)}`, serviceUrl),
    );
    const text = (await page.text()).replace(/<style>.*<\/style>/s, "");
    res.status(page.status).type("html").send(text);
  });

  return app;
}

function routePage(app: Express, options: PartnerOptions): void {
  const { serviceUrl, widgetUrl, controlUrl, issuer, apis } = options;
  const files = readPage();
  for (const [path, content] of files) {
    const type = path === "/" ? "html" : path.slice(path.lastIndexOf(".") + 1);
    app.get(path, (_req, res) => {
      res.type(type).send(content);
    });
  }

  /** `?widget=` is the widget type to start with, as in the page's own address. */
  app.get("/setup", ({ query }, res) => {
    const widgetTypes = apis === "sso" ? SSO_WIDGET_TYPES : WIDGET_TYPES;
    const faults = Object.entries(FAULTS)
      .map(([name, { label, says }]) => ({ name, label, says }))
      .filter(({ name }) => controlUrl !== undefined || !isFault(name) || !needsSimulator(name));
    res.json({
      serviceUrl,
      widgetUrl,
      apis,
      apiNames: APIS[apis],
      widgetTypes,
      nearestType: findNearestWidgetType(String(query.widget ?? ""), widgetTypes),
      users: issuer.users,
      faults,
      isReal: controlUrl === undefined,
      hasSdk: files.some(([path]) => path === SDK_PATH),
    });
  });
}

function routeFaults(app: Express, { controlUrl, apis, say }: PartnerOptions): void {
  const simulator = createSimulatorFaults(controlUrl, apis);
  const faultLease = createFaultLease(simulator, say);

  /** Answers at once and stays open: the fault lasts until the page ends the request. */
  app.put("/fault", express.json(), async (req, res) => {
    const { name } = req.body ?? {};
    if (!isFault(name)) {
      res.status(400).type("text").send("There is no such fault.\n");
      return;
    }
    const end = await faultLease.start(name, () => res.end());
    if (res.closed) return end();
    res.on("close", () => end().catch(() => undefined)); // The demo has stopped.
    res.type("text").write("on\n");
  });

  app.post("/expire-urls", async (_req, res) => {
    await simulator.expireUrls();
    res.status(204).end();
  });
}

function toPolicy(serviceUrl: string, widgetUrl: string): string {
  return [
    "default-src 'none'",
    `script-src 'self' ${serviceUrl}`, // The service has embed.js.
    "style-src 'self'",
    "img-src 'self'",
    `connect-src 'self' ${serviceUrl}`,
    `frame-src ${widgetUrl}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

const SDK_PATH = "/vendor/web-widget-sdk.js";

/** The page's files by path, and MX's SDK where development packages are installed. */
function readPage(): [string, Buffer][] {
  const folder = new URL("./page/", import.meta.url);
  const own = readdirSync(folder).map((name): [string, Buffer] => [
    name === "index.html" ? "/" : `/${name}`,
    readFileSync(new URL(name, folder)),
  ]);
  const sdk = new URL(
    "../node_modules/@mxenabled/web-widget-sdk/dist/esm/index.js",
    import.meta.url,
  );
  return existsSync(sdk) ? [...own, [SDK_PATH, readFileSync(sdk)]] : own;
}

function issueToken(
  issuer: IdentityProvider,
  user: string,
  userPrefix: string,
  fault: unknown,
): Promise<string> {
  const anHourAgo = Math.floor(Date.now() / 1000) - 3600;
  const sub = userPrefix + user; // The profile stays that of `user`.
  if (fault === "login-expired")
    return issuer.issueToken(user, { claims: { sub, exp: anHourAgo } });
  if (fault === "unusable-id") return issuer.issueToken(`auth0|${user}`);
  return issuer.issueToken(user, { claims: { sub } });
}
