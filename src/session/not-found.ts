/**
 * MX says 404 for a user that it has just confirmed. That can be the user, or something that an option names.
 *
 * Source: MX Platform API, Errors: 404 is an "unknown item, id or URL".
 */

import { AppError } from "../errors.ts";
import type { WidgetRequest } from "./types.ts";

/** Options with the id of something at MX. */
const REFERENCES = [
  "current_institution_code",
  "current_institution_guid",
  "current_member_guid",
  "current_microdeposit_guid",
  "insight_guid",
];

/** `invalid_request` where an option may be to blame; else `otherwise`. */
export function toNotFoundError(request: WidgetRequest, otherwise: AppError): AppError {
  const names = REFERENCES.filter((name) => typeof request.options[name] === "string");
  if (names.length === 0) return otherwise;
  return new AppError(
    "invalid_request",
    `MX does not know what ${names.join(" or ")} names for this user.`,
    {
      errors: names.map((name) => ({
        pointer: `/widget_url/${name}`,
        detail: "is not known to MX for this user",
      })),
    },
  );
}
