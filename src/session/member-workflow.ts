/**
 * The Member step of a login: the user's Member exists, and its credentials are current.
 *
 * Nothing is written to a Member that is somebody else's, or of which nobody says whose it is.
 * Source: MX SSO API v2, Guide, "Basic SSO API workflow", steps 3 to 5.
 */

import { AppError } from "../errors.ts";
import type {
  Identity,
  Member,
  MemberCredentials,
  MemberDirectory,
  MemberId,
  OwnedMember,
  RequestContext,
} from "./types.ts";

export type FoundMember = {
  memberId: MemberId;
  member: Member | undefined;
  credentials: MemberCredentials;
};

/**
 * What the login itself lacks throws here, before MX is called. The function that it gives reads the Member beside the
 * partner's lookup; only an id that the lookup has to name is waited for.
 */
export function prepareMember(
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

/** Gives false where User or Member vanished between two calls. */
export async function ensureMember(
  directory: MemberDirectory,
  owned: OwnedMember,
  { memberId, member, credentials }: FoundMember,
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

export function refuseForeignMember(
  member: Member,
  own: Pick<OwnedMember, "userId" | "userGuid">,
): void {
  const isOther = (named: string | undefined, id: string | undefined) =>
    named !== undefined && id !== undefined && named !== id;
  if (isOther(member.userGuid, own.userGuid) || isOther(member.userId, own.userId))
    throw memberFault("other_user");
}

/** A guid of MX's own names a Member that exists, or the partner is mistaken. */
export function unknownMember(): AppError {
  return memberFault("unknown_member");
}

/** Nothing is written to a Member of which nobody says whose it is. That MX says it is assumption A9 (docs/assumptions.md). */
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
