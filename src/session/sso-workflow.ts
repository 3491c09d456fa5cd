/**
 * MX's single sign-on workflow: a User and a Member exist, and the Member's credentials are current.
 *
 * Safe to repeat at any point: a run that stopped halfway is completed by the next one.
 * Source: MX SSO API v2, Guide, "Basic SSO API workflow", steps 1 to 6.
 */

import { AppError } from "../errors.ts";
import { refuseDisabled } from "./disabled.ts";
import type { MemberId } from "./member-id.ts";
import { hasReferences, toNotFoundError, unknownReference } from "./not-found.ts";
import type {
  Identity,
  Member,
  MemberCredentials,
  MxApis,
  OwnedMember,
  RequestContext,
  SsoDirectory,
  SsoUser,
  WidgetRequest,
  WidgetUrl,
} from "./types.ts";

/**
 * Runs the workflow and gives the URL: from this run's own User answer, or, where the Platform API is configured too,
 * asked for beside the last step. `undefined`: the User vanished between two steps.
 */
export async function openBySso(
  mx: Exclude<MxApis, { kind: "platform" }>,
  identity: Identity,
  request: WidgetRequest,
  pass: { isRestart: boolean },
  context: RequestContext,
): Promise<WidgetUrl | undefined> {
  const { directory } = mx;
  const { userId, principal } = identity;
  const { tenant } = principal;
  const expectedId = tenant.memberIds.expected(identity); // This and the next line throw before MX is called, if at all.
  const lookup = tenant.findCredentials(identity, context);
  const [known, { memberId, member: knownMember }, credentials] = await Promise.all([
    directory.findUser(userId, context),
    findMember(directory, identity, { expectedId, lookup }, context), // Wasted only on a first login; saves a round trip on all others.
    lookup,
  ]);
  if (known) refuseDisabled(known);
  if (memberId.isMxGuid && !(known && knownMember)) throw memberFault("unknown_member");
  const user = known ?? (await createUser(directory, identity, credentials, context));
  const member = known && knownMember; // A Member read before the create proves nothing.
  if (member) refuseForeignMember(member, { userId, userGuid: user.guid });

  const owned = { userId, userGuid: user.guid, memberId: memberId.value };
  const [isMemberCurrent, url] = await Promise.all([
    ensureMember(directory, { owned, memberId, member, credentials }, context),
    mx.kind === "both"
      ? requestUrl(mx, user, identity, request, pass, context)
      : ownUrl(user, request),
  ]);
  if (isMemberCurrent && known && !knownMember) context.audit("user_healed");
  if (isMemberCurrent && known && !url && hasReferences(request)) {
    throw toNotFoundError(request, unknownReference()); // MX has just confirmed the User.
  }
  return isMemberCurrent ? url : undefined;
}

/** Only an id that the lookup has to name is waited for. */
async function findMember(
  directory: SsoDirectory,
  identity: Identity,
  asked: {
    expectedId: MemberId | undefined;
    lookup: MemberCredentials | Promise<MemberCredentials>;
  },
  context: RequestContext,
): Promise<{ memberId: MemberId; member: Member | undefined }> {
  const { expectedId, lookup } = asked;
  const { memberIds } = identity.principal.tenant;
  const [{ lookedUp }, expected] = await Promise.all([
    lookup,
    expectedId && directory.findMember(expectedId.value, context),
  ]);
  const memberId = memberIds.resolve(identity, lookedUp?.memberId);
  if (memberId.value === expectedId?.value) return { memberId, member: expected };
  return { memberId, member: await directory.findMember(memberId.value, context) };
}

/** Only now is a profile of interest. */
async function createUser(
  directory: SsoDirectory,
  identity: Identity,
  { lookedUp }: MemberCredentials,
  context: RequestContext,
): Promise<SsoUser> {
  const { userId, principal } = identity;
  const profile = await principal.tenant.findProfile(identity, lookedUp, context);
  const user = await directory.createUser({ userId, profile }, context);
  refuseDisabled(user); // It existed, or another request was faster.
  return user;
}

type MemberStep = {
  owned: OwnedMember;
  memberId: MemberId;
  member: Member | undefined;
  credentials: MemberCredentials;
};

/** Steps 3 to 5. Gives false where User or Member vanished under our hands. */
async function ensureMember(
  directory: SsoDirectory,
  { owned, memberId, member, credentials }: MemberStep,
  context: RequestContext,
): Promise<boolean> {
  const update = async (existing: Member) => {
    requireProof(existing, memberId);
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

function requestUrl(
  mx: Extract<MxApis, { kind: "both" }>,
  user: SsoUser,
  identity: Identity,
  request: WidgetRequest,
  pass: { isRestart: boolean },
  context: RequestContext,
): Promise<WidgetUrl | undefined> {
  const { guid } = user;
  // Twice unknown may mean: made a moment ago by another replica.
  const isNew = user.isNew || pass.isRestart;
  return mx.platform.requestWidgetUrl(
    { userId: identity.userId, pathId: guid, isConfirmed: true, isNew },
    request,
    context,
  );
}

/** Rejects, rather than throws, where there is none: the Member step beside it must not be left alone. */
async function ownUrl(user: SsoUser, request: WidgetRequest): Promise<WidgetUrl> {
  const url = user.widgetUrls.get(request.widgetType);
  if (url) return url;
  throw new AppError("upstream_bad_response", "MX answered without a usable widget URL.", {
    upstream: { operation: "sso.read_user", outcome: "invalid_response", reason: "no_widget_url" },
  });
}

function refuseForeignMember(member: Member, own: Pick<OwnedMember, "userId" | "userGuid">): void {
  const isOther = (named: string | undefined, id: string) => named !== undefined && named !== id;
  if (isOther(member.userGuid, own.userGuid) || isOther(member.userId, own.userId))
    throw memberFault("other_user");
}

/** Nothing is written to a Member of which nobody says whose it is. */
function requireProof({ userGuid, userId }: Member, { provesOwner }: MemberId): void {
  if (!provesOwner && userGuid === undefined && userId === undefined)
    throw memberFault("owner_unknown");
}

const MEMBER_FAULTS = {
  other_user: "MX answered with a Member of another user.",
  owner_unknown: "MX does not say whose Member this is.",
  unknown_member: "MX does not know the user's Member.",
};

function memberFault(reason: keyof typeof MEMBER_FAULTS): AppError {
  return new AppError("upstream_bad_response", MEMBER_FAULTS[reason], {
    upstream: { operation: "sso.read_member", outcome: "invalid_response", reason },
  });
}
