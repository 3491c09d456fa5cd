/**
 * MXconnect without Members: the User exists, and MX makes a URL for it. By the Platform API alone, or by the SSO API v3 with
 * MDX Real Time.
 *
 * A known user costs one round trip (v20250224, v3): the URL is requested at once, and only a 404 leads to a create.
 * Without a read, MX alone keeps disabled users out: assumption A19 (docs/assumptions.md).
 * Sources: MX Platform API, Request widget URL and Create user; MX SSO API v3; MX MDX Real Time.
 */

import { AppError } from "../errors.ts";
import {
  hasReferences,
  notYetPropagated,
  toNotFoundError,
  unknownReference,
  userDisabled,
} from "./refusals.ts";
import type {
  Identity,
  LookedUp,
  MemberCredentials,
  NewUser,
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
  const known = await requestKnownUrl(platform, identity, request, context);
  return known?.url ?? createAndOpen(platform, identity, { request }, context);
}

/** `undefined`: MX knows no such user. Throws `invalid_request` where it knows the user, but not what an option names. */
export async function requestKnownUrl(
  platform: Platform,
  { userId }: Identity,
  request: WidgetRequest,
  context: RequestContext,
): Promise<{ url: WidgetUrl; userGuid: string | undefined } | undefined> {
  const known = await platform.findUser(userId, context);
  if (!known) return undefined;
  if (known.isDisabled) throw userDisabled();
  const url = await platform.requestWidgetUrl(known, request, context);
  if (url) return { url, userGuid: known.guid };
  if (!hasReferences(request)) return undefined;
  const confirmed = known.isConfirmed ? known : await platform.readUser(userId, context);
  if (!confirmed) return undefined;
  if (confirmed.isDisabled) throw userDisabled();
  // The User exists, so the 404 means what an option names: no User is created for it. One more try where MX has confirmed the
  // User only after the 404, since a new User shows late.
  const late =
    confirmed === known ? undefined : await platform.requestWidgetUrl(confirmed, request, context);
  if (!late) throw toNotFoundError(request, unknownReference(platform.urlOperation));
  return { url: late, userGuid: confirmed.guid };
}

type FirstLogin = {
  request: WidgetRequest;
  credentials?: MemberCredentials;
  /** What else a new user needs, done at the same time as the request for the URL. */
  beside?: (userGuid: string | undefined) => Promise<void>;
};

export async function createAndOpen(
  platform: Platform,
  identity: Identity,
  { request, credentials, beside }: FirstLogin,
  context: RequestContext,
): Promise<WidgetUrl> {
  const created = await createUser(platform, identity, credentials?.lookedUp, context);
  const [url] = await Promise.all([
    platform.requestWidgetUrl(created, request, context),
    beside?.(created.guid),
  ]);
  if (url) return url;
  throw toNotFoundError(request, notFound(platform, created, request));
}

/** Only a new user needs a profile. */
export async function createUser<User extends { isDisabled: boolean }>(
  users: { createUser(user: NewUser, context: RequestContext): Promise<User> },
  identity: Identity,
  lookedUp: LookedUp | undefined,
  context: RequestContext,
): Promise<User> {
  const { userId, principal } = identity;
  const profile = await principal.tenant.findProfile(identity, lookedUp, context);
  const user = await users.createUser({ userId, profile }, context);
  if (user.isDisabled) throw userDisabled(); // It existed, or another request was faster.
  return user;
}

/** Of a user that was there before, it is the widget that MX does not find (assumption A26): this client does not have it. */
function notFound(
  { urlOperation }: Platform,
  { wasThere }: PlatformUser,
  { widgetType }: WidgetRequest,
): AppError {
  if (wasThere) {
    return new AppError("invalid_request", `MX does not offer ${widgetType} to this client.`, {
      errors: [{ pointer: "/widget_url/widget_type", detail: "is not offered by MX" }],
    });
  }
  return notYetPropagated(urlOperation);
}
