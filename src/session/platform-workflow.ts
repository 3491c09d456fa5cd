/**
 * MXconnect with the Platform API alone: the User exists, and MX makes a URL for it.
 *
 * A known user costs one round trip (v20250224): the URL is asked for straight away, and only a 404 leads to a create.
 * Source: MX Platform API, Request widget URL and Create user.
 */

import { AppError } from "../errors.ts";
import { toNotFoundError } from "./not-found.ts";
import type { Identity, Platform, RequestContext, WidgetRequest, WidgetUrl } from "./types.ts";

export async function openByPlatform(
  platform: Platform,
  identity: Identity,
  request: WidgetRequest,
  context: RequestContext,
): Promise<WidgetUrl> {
  const known = await platform.findUser(identity.userId, context);
  const url = known && (await platform.requestWidgetUrl(known, request, context));
  if (url) return url;

  const created = await platform.createUser(identity, context);
  const firstUrl = await platform.requestWidgetUrl(created, request, context);
  if (firstUrl) return firstUrl;
  const notYet = new AppError(
    "upstream_unavailable",
    "MX has not finished creating the user. Try again.",
    {
      retryAfterSeconds: 1,
      upstream: {
        operation: "platform.request_widget_url",
        outcome: "not_found",
        reason: "not_yet_propagated",
      },
    },
  );
  throw toNotFoundError(request, notYet);
}
