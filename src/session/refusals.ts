/**
 * Why MX gives a user no widget: the user is disabled there, or an option names something that MX does not know.
 *
 * Nothing is created for a disabled user. A 404 for a URL can mean the User or what an option names.
 * Sources: MX SSO API v2, Update user (`status`); MX Platform API, Users (`is_disabled`), and Errors: 404 is an "unknown item, id
 * or URL".
 */

import { AppError } from "../errors.ts";
import { ownProperty } from "../text.ts";
import type { UrlOperation, WidgetRequest } from "./types.ts";

export function userDisabled(): AppError {
  return new AppError("user_disabled", "This user is disabled at MX.");
}

/** Options with the id of something at MX. */
const REFERENCES: readonly (readonly [option: string, ...path: string[]])[] = [
  ["current_institution_code"],
  ["current_institution_guid"],
  ["current_member_guid"],
  ["current_microdeposit_guid"],
  ["deep_link_params", "account_guid"],
  ["insight_guid"],
];

/** Whether an option, of the caller's or the operator's, may be what MX does not know. */
export function hasReferences(request: WidgetRequest): boolean {
  return referencesOf(request).length > 0;
}

/** `invalid_request` where an option of the caller's may be to blame; else `otherwise`. */
export function toNotFoundError(request: WidgetRequest, otherwise: AppError): AppError {
  const own = referencesOf(request).filter(([name]) => request.callerOptions.includes(name));
  if (own.length === 0) return otherwise;
  const names = own.map((path) => path.join("."));
  return new AppError(
    "invalid_request",
    `MX does not know what ${names.join(" or ")} names for this user.`,
    {
      errors: own.map((path) => ({
        pointer: `/widget_url/${path.join("/")}`,
        detail: "is not known to MX for this user",
      })),
    },
  );
}

/** For `otherwise`: an option of the operator's names something that MX does not know. */
export function unknownReference(operation: UrlOperation): AppError {
  return new AppError(
    "upstream_rejected",
    "For this user, MX does not find what one of the options names.",
    { upstream: { operation, outcome: "not_found", reason: "unknown_reference" } },
  );
}

/** MX made the User a moment ago, and does not find it yet. */
export function notYetPropagated(operation: "session" | UrlOperation): AppError {
  return new AppError("upstream_unavailable", "MX has not finished creating the user. Try again.", {
    retryAfterSeconds: 1,
    upstream: { operation, outcome: "not_found", reason: "not_yet_propagated" },
  });
}

function referencesOf({ options }: WidgetRequest) {
  return REFERENCES.filter(
    (path) => typeof path.reduce<unknown>(ownProperty, options) === "string",
  );
}
