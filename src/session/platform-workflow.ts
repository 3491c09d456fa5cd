/**
 * MXconnect with the Platform API alone: the User exists, and MX makes a URL for it.
 *
 * A known user costs one round trip (v20250224): the URL is asked for straight away, and only a 404 leads to a create.
 * Source: MX Platform API, Request widget URL and Create user.
 */

import { AppError } from "../errors.ts";
import type { Budget } from "./budget.ts";
import { toNotFoundError } from "./not-found.ts";
import type { Identity, Platform, WidgetRequest, WidgetUrl } from "./types.ts";

export async function openByPlatform(
  platform: Platform,
  identity: Identity,
  request: WidgetRequest,
  budget: Budget,
): Promise<WidgetUrl> {
  const known = await platform.findUser(identity.userId, budget);
  const url = known && (await platform.requestWidgetUrl(known, request, budget));
  if (url) return url;

  const created = await platform.createUser(identity, budget);
  const firstUrl = await platform.requestWidgetUrl(created, request, budget);
  if (firstUrl) return firstUrl;
  const notYet = new AppError(
    "upstream_unavailable",
    "MX has not finished creating the user. Try again.",
    {
      retryAfterSeconds: 1,
      upstream: {
        operation: "request_widget_url",
        outcome: "not_found",
        reason: "not_yet_propagated",
      },
    },
  );
  throw toNotFoundError(request, notYet);
}
