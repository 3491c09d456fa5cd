/**
 * The service's one job: a proven user in, one fresh widget URL out.
 *
 * Whatever the caller or MX does, the user has at most one MX User and one Member, and the URL was made by MX
 * for this very request. Nothing is remembered about who exists: MX may delete users, and the next login heals that.
 */

import { AppError } from "../errors.ts";
import type { Budget } from "./budget.ts";
import { openByPlatform } from "./platform-workflow.ts";
import { toProfile } from "./profile.ts";
import { openBySso } from "./sso-workflow.ts";
import type { Identity, MxApis, Principal, WidgetRequest, WidgetUrl } from "./types.ts";
import { toMemberId } from "./user-id.ts";

export type OpenSession = (
  principal: Principal,
  request: WidgetRequest,
  budget: Budget,
) => Promise<WidgetUrl>;

export const openSession: OpenSession = async (principal, request, budget) => {
  const identity = toIdentity(principal);
  const { mx } = principal.tenant;
  const url =
    (await open(mx, identity, request, { isRestart: false }, budget)) ??
    (await open(mx, identity, request, { isRestart: true }, budget)); // The User was deleted at MX under our hands.
  if (url) return url;
  throw new AppError("upstream_rejected", "MX does not find the user that it has just confirmed.", {
    upstream: { operation: "session", outcome: "absent", reason: "user_vanished_twice" },
  });
};

/** Gives `undefined` where the User vanished midway: to begin again is safe, and heals it. */
function open(
  mx: MxApis,
  identity: Identity,
  request: WidgetRequest,
  pass: { isRestart: boolean },
  budget: Budget,
): Promise<WidgetUrl | undefined> {
  if (mx.kind === "platform") return openByPlatform(mx.platform, identity, request, budget);
  return openBySso(mx, identity, request, pass, budget);
}

function toIdentity(principal: Principal): Identity {
  const userId = principal.tenant.toUserId(principal);
  return { userId, memberId: toMemberId(userId), profile: toProfile(principal.claims), principal };
}
