/**
 * The workflows with Members: a User and a Member exist, the Member's credentials are current, and MX makes a URL.
 *
 * With the SSO API v2 it is MX's single sign-on workflow. With MDX Real Time the URL is requested at once, as with the Platform API,
 * while the Member is read: a known user with permanent credentials costs one round trip, with expiring ones two, and a first
 * login three. Both are safe to repeat at any point: a run that stopped halfway is completed by the next one.
 *
 * Nothing is written to another user's Member, or to one whose owner is unknown.
 * Sources: MX SSO API v2, Guide, "Basic SSO API workflow", steps 1 to 6; MX SSO API v3, Get a widget URL; MX MDX Real Time, Create
 * user and Create member.
 */

import { AppError } from "../errors.ts";
import { createAndOpen, createUser, requestKnownUrl } from "./platform-workflow.ts";
import {
  hasReferences,
  notYetPropagated,
  toNotFoundError,
  unknownReference,
  userDisabled,
} from "./refusals.ts";
import type {
  Identity,
  Member,
  MemberCredentials,
  MemberDirectory,
  MemberId,
  MxApis,
  OwnedMember,
  RequestContext,
  SsoUser,
  WidgetRequest,
  WidgetUrl,
} from "./types.ts";

/**
 * Runs the workflow and gives the URL: from this run's own User answer, or, where the Platform API is configured too,
 * requested at the same time as the last step. `undefined`: the User disappeared between two steps.
 */
export async function openBySso(
  mx: Extract<MxApis, { kind: "sso" | "both" }>,
  identity: Identity,
  request: WidgetRequest,
  { isRestart }: { isRestart: boolean },
  context: RequestContext,
): Promise<WidgetUrl | undefined> {
  const { directory } = mx;
  const { userId } = identity;
  const findMember = prepareMember(directory, identity, context); // If it throws, then before MX is called.
  const [known, found] = await Promise.all([
    directory.findUser(userId, context),
    findMember(), // Wasted only on a first login; saves a round trip on all others.
  ]);
  const { memberId, member: knownMember, credentials } = found;
  if (known?.isDisabled) throw userDisabled();
  if (memberId.isMxGuid && !(known && knownMember)) throw memberFault(directory, "unknown_member");
  const user = known ?? (await createUser(directory, identity, credentials.lookedUp, context));
  const member = known && knownMember; // A Member read before the create proves nothing (assumption A12: it is gone).
  if (member) refuseForeignMember(directory, member, { userId, userGuid: user.guid });

  const owned = { userId, userGuid: user.guid, memberId: memberId.value };
  const isNew = user.isNew || isRestart; // Twice unknown may mean: made a moment ago by another replica.
  // Assumption A14: a User of the SSO API is one of the Platform API, too.
  const path = { userId, pathId: user.guid, isConfirmed: true, isNew };
  const [isMemberCurrent, url] = await Promise.all([
    ensureMember(directory, owned, { ...found, member }, context),
    mx.kind === "both"
      ? mx.platform.requestWidgetUrl(path, request, context)
      : ownUrl(user, request),
  ]);
  if (isMemberCurrent && known && !knownMember) context.audit("user_healed");
  if (isMemberCurrent && known && !url && hasReferences(request)) {
    throw toNotFoundError(request, unknownReference("platform.request_widget_url")); // MX has just confirmed the User.
  }
  return isMemberCurrent ? url : undefined;
}

/** Rejects, rather than throws, if there is none: the concurrent Member step must be awaited. */
async function ownUrl(user: SsoUser, request: WidgetRequest): Promise<WidgetUrl> {
  const url = user.widgetUrls.get(request.widgetType);
  if (url) return url;
  throw new AppError("upstream_bad_response", "MX answered without a usable widget URL.", {
    upstream: { operation: "sso.read_user", outcome: "invalid_response", reason: "no_widget_url" },
  });
}

export async function openByMdx(
  { platform, members }: Extract<MxApis, { kind: "mdx" }>,
  identity: Identity,
  request: WidgetRequest,
  context: RequestContext,
): Promise<WidgetUrl> {
  const findMember = prepareMember(members, identity, context); // If it throws, then before MX is called.
  const [known, found] = await Promise.all([
    requestKnownUrl(platform, identity, request, context),
    findMember(),
  ]);
  const { memberId, member, credentials } = found;
  const own = { userId: identity.userId, memberId: memberId.value };
  if (memberId.isMxGuid && !(known && member)) throw memberFault(members, "unknown_member");

  if (known) {
    const owned = { ...own, userGuid: known.userGuid, user: "known" } as const;
    if (member) refuseForeignMember(members, member, owned);
    if (await ensureMember(members, owned, found, context)) {
      if (!member) context.audit("user_healed");
      return known.url;
    }
    if (memberId.isMxGuid) throw memberFault(members, "unknown_member");
  }

  // Also where the User had a URL, but MDX does not find it for a Member: it was deleted meanwhile, or MDX shows it late.
  const beside = async (userGuid: string | undefined) => {
    const unread = { ...found, member: undefined }; // One read before the create proves nothing.
    const owned = { ...own, userGuid, user: known ? "late" : "new" } as const;
    if (!(await ensureMember(members, owned, unread, context))) throw notYetPropagated("session");
  };
  return createAndOpen(platform, identity, { request, credentials, beside }, context);
}

type FoundMember = {
  memberId: MemberId;
  member: Member | undefined;
  credentials: MemberCredentials;
};

/**
 * Throws for what the login lacks, before MX is called. The function that it returns reads the Member and calls the partner's
 * lookup at the same time, unless the lookup has to name the Member's id.
 */
function prepareMember(
  directory: MemberDirectory,
  identity: Identity,
  context: RequestContext,
): () => Promise<FoundMember> {
  const { userId, principal } = identity;
  const { memberIds, findCredentials } = principal.tenant;
  const expectedId = memberIds.expected(identity);
  const lookup = findCredentials(identity, context);
  const read = ({ value: memberId }: MemberId) =>
    directory.findMember({ memberId, userId }, context);

  return async function findMember() {
    const [credentials, expected] = await Promise.all([lookup, expectedId && read(expectedId)]);
    const memberId = memberIds.resolve(identity, credentials.lookedUp?.memberId);
    const member = memberId.value === expectedId?.value ? expected : await read(memberId);
    return { memberId, member, credentials };
  };
}

/** False if User or Member disappeared between two calls. */
async function ensureMember(
  directory: MemberDirectory,
  owned: OwnedMember,
  { memberId, member, credentials }: FoundMember,
  context: RequestContext,
): Promise<boolean> {
  const update = async (existing: Member) => {
    const { userGuid, userId } = existing;
    /** Nothing is written to a Member whose owner is unknown. That MX names the owner is assumption A9 (docs/assumptions.md). */
    if (!memberId.provesOwner && userGuid === undefined && userId === undefined)
      throw memberFault(directory, "owner_unknown");
    return (await directory.updateMember(owned, credentials, context)) === "updated";
  };
  if (member && !credentials.expires) return true;
  if (member && (await update(member))) return true;
  if (memberId.isMxGuid) return false;
  const creation = await directory.createMember(owned, credentials, context);
  if (creation === "no_user") return false;
  if (creation === "created" || !credentials.expires) return true;
  return update(creation); // Whoever was faster may hold older ones.
}

function refuseForeignMember(
  directory: MemberDirectory,
  member: Member,
  own: Pick<OwnedMember, "userId" | "userGuid">,
): void {
  const isOther = (named: string | undefined, id: string | undefined) =>
    named !== undefined && id !== undefined && named !== id;
  if (isOther(member.userGuid, own.userGuid) || isOther(member.userId, own.userId))
    throw memberFault(directory, "other_user");
}

const MEMBER_FAULTS = {
  other_user: "MX answered with a Member of another user.",
  owner_unknown: "MX does not say whose Member this is.",
  /** A guid of MX's own must name an existing Member. Otherwise the partner's data is wrong. */
  unknown_member: "MX does not know the user's Member.",
};

function memberFault({ api }: MemberDirectory, reason: keyof typeof MEMBER_FAULTS): AppError {
  return new AppError("upstream_bad_response", MEMBER_FAULTS[reason], {
    upstream: { operation: `${api}.read_member`, outcome: "invalid_response", reason },
  });
}
