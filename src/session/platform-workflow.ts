/**
 * MXconnect: the User exists, and MX makes a URL for it. By the Platform API alone, or by the SSO API v3 with MDX Real Time,
 * which can also keep a Member.
 *
 * A known user costs one round trip (v20250224, v3): the URL is requested at once, and only a 404 leads to a create. A Member is
 * read at the same time: with permanent credentials that is still one round trip, with expiring ones two, at a first login three.
 * Without a read of the User, MX alone keeps disabled users out: assumption A19 (docs/assumptions.md).
 * Sources: MX Platform API, Request widget URL and Create user; MX SSO API v3, Get a widget URL; MX MDX Real Time, Create user and
 * Create member.
 */

import { AppError } from "../errors.ts";
import {
  ensureMember,
  type FoundMember,
  prepareMember,
  refuseForeignMember,
  unknownMember,
} from "./member-workflow.ts";
import { hasReferences, refuseDisabled, toNotFoundError, unknownReference } from "./refusals.ts";
import type {
  Identity,
  MemberCredentials,
  MxApis,
  OwnedMember,
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
async function requestKnownUrl(
  platform: Platform,
  { userId }: Identity,
  request: WidgetRequest,
  context: RequestContext,
): Promise<{ url: WidgetUrl; userGuid: string | undefined } | undefined> {
  const known = await platform.findUser(userId, context);
  if (!known) return undefined;
  refuseDisabled(known);
  const url = await platform.requestWidgetUrl(known, request, context);
  if (url) return { url, userGuid: known.guid };
  if (!hasReferences(request)) return undefined;
  const confirmed = known.isConfirmed ? known : await platform.readUser(userId, context);
  if (!confirmed) return undefined;
  const late = await openForConfirmed(platform, confirmed, known, request, context);
  return { url: late, userGuid: confirmed.guid };
}

type FirstLogin = {
  request: WidgetRequest;
  credentials?: MemberCredentials;
  /** What else a new user needs, done beside the request for the URL. */
  beside?: (userGuid: string | undefined) => Promise<void>;
};

async function createAndOpen(
  platform: Platform,
  identity: Identity,
  { request, credentials, beside }: FirstLogin,
  context: RequestContext,
): Promise<WidgetUrl> {
  const { userId, principal } = identity;
  const profile = await principal.tenant.findProfile(identity, credentials?.lookedUp, context);
  const created = await platform.createUser({ userId, profile }, context);
  refuseDisabled(created); // It existed, or another request was faster.
  const [url] = await Promise.all([
    platform.requestWidgetUrl(created, request, context),
    beside?.(created.guid),
  ]);
  if (url) return url;
  throw toNotFoundError(request, notFound(created, request));
}

/** Of a user that was there before, it is the widget that MX does not find (assumption A26): this client does not have it. */
function notFound({ wasThere }: PlatformUser, { widgetType }: WidgetRequest): AppError {
  if (wasThere) {
    return new AppError("invalid_request", `MX does not offer ${widgetType} to this client.`, {
      errors: [{ pointer: "/widget_url/widget_type", detail: "is not offered by MX" }],
    });
  }
  return new AppError("upstream_unavailable", "MX has not finished creating the user. Try again.", {
    retryAfterSeconds: 1,
    upstream: {
      operation: "platform.request_widget_url",
      outcome: "not_found",
      reason: "not_yet_propagated",
    },
  });
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

export async function openByMdx(
  { platform, members }: Extract<MxApis, { kind: "mdx" }>,
  identity: Identity,
  request: WidgetRequest,
  context: RequestContext,
): Promise<WidgetUrl> {
  const findMember = prepareMember(members, identity, context); // Throws before MX is called, if at all.
  const [known, found] = await Promise.all([
    requestKnownUrl(platform, identity, request, context),
    findMember(),
  ]);
  const { memberId, member, credentials } = found;
  const own = (userGuid: string | undefined, user: OwnedMember["user"]): OwnedMember => ({
    userId: identity.userId,
    userGuid,
    memberId: memberId.value,
    user,
  });
  if (memberId.isMxGuid && !(known && member)) throw unknownMember();

  if (known) {
    const owned = own(known.userGuid, "known");
    if (member) refuseForeignMember(member, owned);
    if (await ensureMember(members, owned, found, context)) {
      if (!member) context.audit("user_healed");
      return known.url;
    }
    if (memberId.isMxGuid) throw unknownMember();
  }

  // Also where the User had a URL, but MDX does not find it for a Member: it was deleted meanwhile, or MDX shows it late.
  const beside = (userGuid: string | undefined) => {
    const unread: FoundMember = { ...found, member: undefined }; // One read before the create proves nothing.
    const owned = own(userGuid, known ? "late" : "new");
    return requireMember(ensureMember(members, owned, unread, context));
  };
  return createAndOpen(platform, identity, { request, credentials, beside }, context);
}

async function requireMember(ensured: Promise<boolean>): Promise<void> {
  if (await ensured) return;
  throw new AppError("upstream_unavailable", "MX has not finished creating the user. Try again.", {
    retryAfterSeconds: 1,
    upstream: {
      operation: "session",
      outcome: "not_found",
      reason: "not_yet_propagated",
    },
  });
}
