/**
 * The Platform API's widget URLs: a new one for every request.
 *
 * MX does not say what it answers for a disabled User or a wrong option: 403, and 422 (both assumed).
 * Source: MX Platform API, Request widget URL.
 */

import { z } from "zod";
import { deviates } from "./deviations.ts";
import { notFound, platformError, whatIsInvalid } from "./platform-errors.ts";
import type { PlatformHandle } from "./platform-request.ts";
import type { SimulatorSettings } from "./settings.ts";
import type { SimulatorState } from "./state.ts";
import type { VisibleUsers } from "./visible-users.ts";
import { widgetPath } from "./widget-url.ts";

export function createWidgetUrlRequest(parts: {
  state: SimulatorState;
  settings: SimulatorSettings;
  visible: VisibleUsers;
  widgetOrigin: string;
}): PlatformHandle {
  const { state, settings, visible, widgetOrigin } = parts;

  return function requestWidgetUrl({ id, headers, body, version }) {
    const user = visible.find(id, version);
    if (!user) return notFound();
    if (user.isDisabled && !deviates(settings, "disabled-served"))
      return platformError(403, "User is disabled");
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
    const userId = deviates(settings, "widget-url-names-guid") ? user.guid : user.id;
    return { status: 200, body: { widget_url: { type, url, user_id: userId } } };
  };
}

const Body = z.object({ widget_url: z.looseObject({ widget_type: z.json() }) });
