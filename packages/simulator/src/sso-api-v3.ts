/**
 * MX's SSO API v3: a widget URL for each request. Users and Members are MDX Real Time's (mdx-api.ts).
 *
 * `{id}` is the partner's id of the user and never MX's guid. Assumed, where MX's pages are silent: 404 for an unknown user and
 * for a widget that the client does not have, 403 for a disabled user, 422 for an option of the wrong type, and that the
 * options are the Platform API's. Source: MX SSO API v3, Get a widget URL with configuration options.
 */

import { Router } from "express";
import { z } from "zod";
import type { Clock } from "./clock.ts";
import { deviates } from "./deviations.ts";
import { malformedPath } from "./malformed-path.ts";
import type { Serve } from "./serve.ts";
import type { SimulatorSettings } from "./settings.ts";
import type { SimulatorState } from "./state.ts";
import {
  createVendorCall,
  type Handle,
  type VendorCredentials,
  vendorError,
} from "./vendor-api.ts";
import { createVisibleUsers } from "./visible-users.ts";
import { WidgetOptions2011, WidgetOptions2025 } from "./widget-options.ts";
import { widgetPath } from "./widget-url.ts";

const SSO_V3_MEDIA_TYPE = "application/vnd.moneydesktop.sso.v3+json";

const { widget_type: type, ...options2025 } = WidgetOptions2025.shape;
const { widget_type: _, ...options2011 } = WidgetOptions2011.shape;
const Named = z.object({ url: z.looseObject({ type: z.string() }) });
const Options = z.object({ type, ...options2011, ...options2025 });

export function createSsoApiV3(options: {
  credentials: VendorCredentials;
  state: SimulatorState;
  settings: SimulatorSettings;
  clock: Clock;
  widgetOrigin: string;
  serve: Serve;
}): Router {
  const { state, settings, widgetOrigin } = options;
  const visible = createVisibleUsers(options);
  const call = createVendorCall({ ...options, mediaType: SSO_V3_MEDIA_TYPE });

  const requestUrl: Handle = ({ id, headers, body }) => {
    const user = visible.find(id, { takesPartnerId: true });
    if (!user || user.guid === id)
      return vendorError(deviates(settings, "v3-unknown-user") ? 422 : 404);
    if (user.isDisabled && !deviates(settings, "disabled-served")) return vendorError(403);
    const named = Named.safeParse(body);
    if (!named.success) return vendorError(400);
    const { type: asked } = named.data.url;
    if (settings.missingWidgets.includes(asked) || !Options.shape.type.safeParse(asked).success)
      return vendorError(deviates(settings, "v3-unknown-widget") ? 422 : 404);
    if ("data_request" in named.data.url && deviates(settings, "v3-options-refused"))
      return vendorError(422);
    const given = Options.safeParse(named.data.url);
    if (!given.success) return vendorError(422);
    const { type, ...rest } = given.data;
    const { token } = state.issueTicket({
      userGuid: user.guid,
      widgetTypes: [type],
      options: { widget_type: type, ...rest },
      acceptLanguage: headers["accept-language"],
    });
    const url = widgetOrigin + widgetPath(type, token);
    const userId = deviates(settings, "widget-url-names-guid") ? user.guid : user.id;
    return { status: 200, body: { url: { type, url, user_id: userId } } };
  };

  const unknown = call("unknown", () => vendorError(404));

  return Router({ caseSensitive: true, strict: true })
    .post(
      ["/:client/users/:id/urls.json", "/:client/users/:id/urls"],
      call("sso_v3.request_widget_url", requestUrl),
    )
    .use(unknown)
    .use(malformedPath(unknown));
}
