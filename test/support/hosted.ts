/** The page for phones, in front of the simulator, and the app that it goes back to. */

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { startSimulator } from "../../packages/simulator/src/simulator.ts";
import type { Environment } from "../../src/config/variables.ts";
import type { TestBrowser, WatchedPage } from "./browser.ts";
import { SECRETS } from "./canaries.ts";
import { type Started, start } from "./start.ts";

export const NAME = "Example <Bank> & Söhne";

export type HostedWorld = AsyncDisposable & {
  service: Started;
  /** An app link that a browser can follow here. */
  appLink: string;
  /** What was asked for at the app link: paths with their queries. */
  returns: string[];
  /** A fresh widget URL, as an app gets it. */
  issueUrl(options?: object): Promise<string>;
  /** The address of the page for this fragment. */
  toAddress(asked: unknown): string;
  /** The page in a browser, as an app opens it. */
  visit(asked: object, context?: Parameters<TestBrowser["openPage"]>[0]): Promise<WatchedPage>;
};

export async function startHosted(
  /** For `visit`. */
  browser: TestBrowser | undefined,
  environment: Environment = {},
): Promise<HostedWorld> {
  await using parts = new AsyncDisposableStack();
  const returns: string[] = [];
  const app = createServer((req, res) => {
    returns.push(req.url ?? "");
    res.setHeader("Content-Type", "text/html");
    res.end(`<!doctype html><title>The app</title><link rel="icon" href="data:,">`);
  }).listen(0, "127.0.0.1");
  await once(app, "listening");
  parts.defer(() => {
    app.close();
    app.closeAllConnections();
  });
  const appLink = `http://127.0.0.1:${(app.address() as AddressInfo).port}/done?from=widget`;
  const mx = parts.use(await startSimulator({ credentials: SECRETS }));
  const service = parts.use(
    await start({
      mx,
      environment: {
        HOSTED_NAME: NAME,
        CLIENT_REDIRECT_URLS: `${appLink},mybank://widget/done`,
        WIDGET_URL_ORIGINS: mx.widgetUrl,
        ...environment,
      },
    }),
  );
  const base = service.url + (environment.BASE_PATH ?? "");
  const toAddress = (asked: unknown) => `${base}/hosted#${toFragment(JSON.stringify(asked))}`;
  const owned = parts.move();
  return {
    service,
    appLink,
    returns,
    toAddress,
    async issueUrl(options = {}) {
      const response = await fetch(`${base}/session`, {
        method: "POST",
        headers: {
          Authorization: await service.bearer("ada"),
          "Content-Type": "application/json",
        },
        body: JSON.stringify({ widget_url: { widget_type: "connect_widget", ...options } }),
      });
      const { widget_url } = (await response.json()) as { widget_url: { url: string } };
      return widget_url.url;
    },
    async visit(asked, context) {
      if (!browser) throw new Error("There is no browser to visit it with.");
      const visit = await browser.openPage(context);
      await visit.page.goto(toAddress({ redirect: appLink, ...asked }));
      return visit;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

export function toFragment(text: string): string {
  return Buffer.from(text).toString("base64url");
}
