/**
 * The Platform API's widget URLs: a new one for every request.
 *
 * MX does not say what it answers for a disabled User or a wrong option: a URL, and 422 (both assumed).
 * Source: MX Platform API, Request widget URL.
 */

import { z } from "zod";
import { notFound, platformError, whatIsInvalid } from "./platform-errors.ts";
import type { PlatformHandle } from "./platform-request.ts";
import type { SimulatorState } from "./state.ts";
import type { VisibleUsers } from "./visible-users.ts";
import { widgetPath } from "./widget-url.ts";

export function createWidgetUrlRequest(parts: {
  state: SimulatorState;
  visible: VisibleUsers;
  widgetOrigin: string;
}): PlatformHandle {
  const { state, visible, widgetOrigin } = parts;

  return function requestWidgetUrl({ id, headers, body, version }) {
    const user = visible.find(id, version);
    if (!user) return notFound();
    const rooted = Body.safeParse(body);
    if (!rooted.success) return platformError(400, "widget_type is missing");
    const options = version.widgetOptions.safeParse(rooted.data.widget_url);
    if (!options.success) return platformError(422, whatIsInvalid(options.error));

    const { widget_type: type } = options.data;
    const { token } = state.issueTicket({
      userGuid: user.guid,
      widgetTypes: [type],
      options: options.data,
      acceptLanguage: headers["accept-language"],
    });
    const url = widgetOrigin + widgetPath(type, token);
    return { status: 200, body: { widget_url: { type, url, user_id: user.id } } };
  };
}

const Body = z.object({ widget_url: z.looseObject({ widget_type: z.json() }) });
