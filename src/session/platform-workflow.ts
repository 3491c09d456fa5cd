/**
 * MXconnect with the Platform API alone: the User exists, and MX makes a URL for it.
 *
 * A known user costs one round trip (v20250224): the URL is asked for straight away, and only a 404 leads to a create.
 * Source: MX Platform API, Request widget URL and Create user.
 */

import { AppError } from "../errors.ts";
import { refuseDisabled } from "./disabled.ts";
import { hasReferences, toNotFoundError, unknownReference } from "./not-found.ts";
import type {
  Identity,
  Platform,
  PlatformUser,
  RequestContext,
  WidgetRequest,
  WidgetUrl,
} from "./types.ts";

export async function openByPlatform(
  platform: Platform,
  identity: Identity,
  request: WidgetRequest,
  context: RequestContext,
): Promise<WidgetUrl> {
  const { userId, principal } = identity;
  const known = await platform.findUser(userId, context);
  if (known) refuseDisabled(known);
  const url = known && (await platform.requestWidgetUrl(known, request, context));
  if (url) return url;
  if (known && hasReferences(request)) {
    const confirmed = known.isConfirmed ? known : await platform.readUser(identity.userId, context);
    if (confirmed) return openForConfirmed(platform, confirmed, known, request, context);
  }

  const profile = await principal.tenant.findProfile(identity, undefined, context);
  const created = await platform.createUser({ userId, profile }, context);
  refuseDisabled(created); // It existed, or another request was faster.
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

/**
 * The User exists, so the 404 means what an option names: no User is created for it. One more try where MX has confirmed
 * the User only after the 404, since a new User shows late.
 */
async function openForConfirmed(
  platform: Platform,
  confirmed: PlatformUser,
  tried: PlatformUser,
  request: WidgetRequest,
  context: RequestContext,
): Promise<WidgetUrl> {
  refuseDisabled(confirmed);
  const url =
    confirmed === tried ? undefined : await platform.requestWidgetUrl(confirmed, request, context);
  if (url) return url;
  throw toNotFoundError(request, unknownReference());
}
