/** The origin that widget URLs lead to: a URL opens once, within ten minutes, and only while its User exists. */

import { type RequestHandler, type Response, Router } from "express";
import type { SimulatorState } from "./state.ts";
import { CONTENT_SECURITY_POLICY, renderExpiredPage, renderWidgetPage } from "./widget-page.ts";
import { CONNECT_ROUTE, OTHER_ROUTE, widgetTypeOf } from "./widget-url.ts";

export function createWidgets(state: SimulatorState): Router {
  const openWidget: RequestHandler<{ name?: string; token: string }> = (req, res) => {
    if (req.method === "HEAD") return void res.end(); // Express asks this route too; it must not use the URL up.
    const widgetType = widgetTypeOf(req.params.name);
    const ticket = state.openWidget(req.params.token, widgetType);
    const user = ticket && state.findUser(ticket.userGuid);
    if (!ticket || !user) return sendPage(res.status(410), renderExpiredPage()); // 410 is assumed.

    const { options, acceptLanguage } = ticket;
    const language = typeof options.locale === "string" ? options.locale : acceptLanguage;
    const { guid: userGuid, id: userId } = user;
    sendPage(res, renderWidgetPage({ widgetType, userGuid, userId, language, options }));
  };

  return Router({ caseSensitive: true, strict: true })
    .get(CONNECT_ROUTE, openWidget)
    .get(OTHER_ROUTE, openWidget);
}

function sendPage(res: Response, html: string): void {
  res
    .set("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    .set("Cache-Control", "no-store")
    .type("html")
    .send(html);
}
