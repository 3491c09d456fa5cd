/**
 * MX's single sign-on workflow: a User and a Member exist, and the Member's credentials are current.
 *
 * Safe to repeat at any point: a run that stopped halfway is completed by the next one.
 * Source: MX SSO API v2, Guide, "Basic SSO API workflow", steps 1 to 6.
 */

import { AppError } from "../errors.ts";
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
  const lookup = identity.principal.tenant.findCredentials(identity, context); // Throws before MX is called, if at all.
  const [known, knownMember, credentials] = await Promise.all([
    directory.findUser(identity.userId, context),
    directory.findMember(identity.memberId, context), // Wasted only on a first login; saves a round trip on all others.
    lookup,
  ]);
  const user = known ?? (await directory.createUser(identity, context));
  const member = known && knownMember; // A Member read before the create proves nothing.
  if (member) refuseForeignMember(member, user);

  const [isMemberCurrent, url] = await Promise.all([
    ensureMember(directory, { ...identity, userGuid: user.guid }, member, credentials, context),
    mx.kind === "both"
      ? requestUrl(mx, user, identity, request, pass, context)
      : ownUrl(user, request),
  ]);
  if (isMemberCurrent && known && !knownMember) context.audit("user_healed");
  return isMemberCurrent ? url : undefined;
}

/** Steps 3 to 5. Gives false where User or Member vanished under our hands. */
async function ensureMember(
  directory: SsoDirectory,
  owned: OwnedMember,
  member: Member | undefined,
  credentials: MemberCredentials,
  context: RequestContext,
): Promise<boolean> {
  if (member && !credentials.expires) return true;
  if (member && (await directory.updateMember(owned, credentials, context)) === "updated")
    return true;
  const creation = await directory.createMember(owned, credentials, context);
  if (creation !== "exists" || !credentials.expires) return creation !== "no_user";
  return (await directory.updateMember(owned, credentials, context)) === "updated"; // Whoever was faster may hold older ones.
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
    { userId: identity.userId, pathId: guid, isNew },
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

function refuseForeignMember(member: Member, user: SsoUser): void {
  if (member.userGuid === undefined || member.userGuid === user.guid) return;
  throw new AppError("upstream_bad_response", "MX answered with a Member of another user.", {
    upstream: { operation: "sso.read_member", outcome: "invalid_response", reason: "other_user" },
  });
}
