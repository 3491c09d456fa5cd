/**
 * MX's single sign-on workflow: a User and a Member exist, and the Member's credentials are current.
 *
 * Safe to repeat at any point: a run that stopped halfway is completed by the next one.
 * Source: MX SSO API v2, Guide, "Basic SSO API workflow", steps 1 to 6.
 */

import { AppError } from "../errors.ts";
import {
  ensureMember,
  prepareMember,
  refuseForeignMember,
  unknownMember,
} from "./member-workflow.ts";
import { hasReferences, refuseDisabled, toNotFoundError, unknownReference } from "./refusals.ts";
import type {
  Identity,
  MemberCredentials,
  MxApis,
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
  mx: Extract<MxApis, { kind: "sso" | "both" }>,
  identity: Identity,
  request: WidgetRequest,
  pass: { isRestart: boolean },
  context: RequestContext,
): Promise<WidgetUrl | undefined> {
  const { directory } = mx;
  const { userId } = identity;
  const findMember = prepareMember(directory, identity, context); // Throws before MX is called, if at all.
  const [known, found] = await Promise.all([
    directory.findUser(userId, context),
    findMember(), // Wasted only on a first login; saves a round trip on all others.
  ]);
  const { memberId, member: knownMember, credentials } = found;
  if (known) refuseDisabled(known);
  if (memberId.isMxGuid && !(known && knownMember)) throw unknownMember();
  const user = known ?? (await createUser(directory, identity, credentials, context));
  const member = known && knownMember; // A Member read before the create proves nothing (assumption A12: it is gone).
  if (member) refuseForeignMember(member, { userId, userGuid: user.guid });

  const owned = { userId, userGuid: user.guid, memberId: memberId.value };
  const [isMemberCurrent, url] = await Promise.all([
    ensureMember(directory, owned, { ...found, member }, context),
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
  // Assumption A14: a User of the SSO API is one of the Platform API, too.
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
