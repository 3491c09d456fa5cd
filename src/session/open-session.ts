/**
 * The service's one job: exchanges a proven user for one fresh widget URL.
 *
 * Whatever the caller or MX does, the user has at most one MX User and one Member, and MX made the URL for this very request.
 * Nothing is remembered about who exists. MX may delete users, and the next login creates them again (assumption A7,
 * docs/assumptions.md: a deleted user's id can be used again).
 */

import { AppError } from "../errors.ts";
import { openByMdx, openBySso } from "./member-workflow.ts";
import { openByPlatform } from "./platform-workflow.ts";
import { toNotFoundError } from "./refusals.ts";
import type { Principal, RequestContext, WidgetRequest, WidgetUrl } from "./types.ts";

export type OpenSession = (
  principal: Principal,
  request: WidgetRequest,
  context: RequestContext,
) => Promise<WidgetUrl>;

export const openSession: OpenSession = async (principal, request, context) => {
  const identity = { userId: principal.tenant.toUserId(principal), principal };
  const { mx } = principal.tenant;
  if (mx.kind === "platform") return openByPlatform(mx.platform, identity, request, context);
  if (mx.kind === "mdx") return openByMdx(mx, identity, request, context);
  const url =
    (await openBySso(mx, identity, request, { isRestart: false }, context)) ??
    (await openBySso(mx, identity, request, { isRestart: true }, context)); // MX deleted the User meanwhile.
  if (url) return url;
  const vanished = new AppError(
    "upstream_rejected",
    "MX does not find the user whom it has just confirmed.",
    {
      upstream: { operation: "session", outcome: "not_found", reason: "user_vanished_twice" },
    },
  );
  throw toNotFoundError(request, vanished);
};
