/** The origin that widget URLs lead to: a URL opens once, within ten minutes, and only while its User exists. */

import { readdirSync, readFileSync } from "node:fs";
import { type RequestHandler, type Response, Router } from "express";
import type { SimulatorState, WidgetTicket } from "./state.ts";
import {
  CONTENT_SECURITY_POLICY,
  renderBankPage,
  renderExpiredPage,
  renderShellPage,
  renderWidgetPage,
} from "./widget-page.ts";
import { CONNECT_ROUTE, OTHER_ROUTE, widgetTypeOf } from "./widget-url.ts";

export function createWidgets(state: SimulatorState): Router {
  const openWidget: RequestHandler<{ name?: string; token: string }> = (req, res) => {
    if (req.method === "HEAD") return void res.end(); // Express asks this route too; it must not use the URL up.
    const widgetType = widgetTypeOf(req.params.name);
    const ticket = state.openWidget(req.params.token, widgetType);
    const user = ticket && state.findUser(ticket.userGuid);
    if (!ticket || !user) return sendPage(res.status(410), renderExpiredPage()); // 410 is assumed.

    const { guid: userGuid, id: userId } = user;
    const { options } = ticket;
    const language = languageOf(ticket, widgetType);
    sendPage(res, renderWidgetPage({ widgetType, userGuid, userId, language, options }));
  };

  const router = Router({ caseSensitive: true, strict: true })
    .get(CONNECT_ROUTE, openWidget)
    .get(OTHER_ROUTE, openWidget)
    .get("/oauth/authorize", (_req, res) => sendPage(res, renderBankPage()))
    .get("/shell", (_req, res) => sendPage(res, renderShellPage()));

  for (const [path, content] of readFiles()) {
    router.get(path, (_req, res) => {
      res
        .set("Cache-Control", "no-cache")
        .type(path.endsWith(".css") ? "css" : "text/javascript")
        .send(content);
    });
  }
  return router;
}

/** The scripts and the style of the pages, by path. */
function readFiles(): [string, Buffer][] {
  const folder = new URL("./widget/", import.meta.url);
  return readdirSync(folder).map((name) => [
    `/widget/${name}`,
    readFileSync(new URL(name, folder)),
  ]);
}

/** Source: MX Platform API, `locale`: for all widgets but Connect and Connections. */
function languageOf({ options, acceptLanguage }: WidgetTicket, widgetType: string) {
  const isConnect = widgetType === "connect_widget" || widgetType === "connections_widget";
  const { locale } = options;
  return typeof locale === "string" && !isConnect ? locale : acceptLanguage;
}

function sendPage(res: Response, html: string): void {
  res
    .set("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    .set("Cache-Control", "no-store")
    .type("html")
    .send(html);
}
