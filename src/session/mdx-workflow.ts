/**
 * MDX Real Time with Members: as with the Platform API the URL is asked for straight away, and the Member is read beside it.
 *
 * A known user with permanent credentials costs one round trip, with expiring ones two, and a first login three.
 * Sources: MX SSO API v3, Get a widget URL; MX MDX Real Time, Create user and Create member.
 */

import { AppError } from "../errors.ts";
import {
  ensureMember,
  type FoundMember,
  prepareMember,
  refuseForeignMember,
  unknownMember,
} from "./member-workflow.ts";
import { createAndOpen, requestKnownUrl } from "./platform-workflow.ts";
import type { Identity, MxApis, RequestContext, WidgetRequest, WidgetUrl } from "./types.ts";

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
  const own = (userGuid: string | undefined) => ({
    userId: identity.userId,
    userGuid,
    memberId: memberId.value,
  });
  if (memberId.isMxGuid && !(known && member)) throw unknownMember();

  if (known) {
    const owned = own(known.userGuid);
    if (member) refuseForeignMember(member, owned);
    await requireMember(ensureMember(members, owned, found, context));
    if (!member) context.audit("user_healed");
    return known.url;
  }

  const beside = (userGuid: string | undefined) => {
    const unread: FoundMember = { ...found, member: undefined }; // One read before the create proves nothing.
    return requireMember(ensureMember(members, own(userGuid), unread, context));
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
