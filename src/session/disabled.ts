/**
 * Users that are disabled at MX get no widget, and nothing is created for them.
 *
 * Sources: MX SSO API v2, Update user (`status`); MX Platform API, Users (`is_disabled`).
 */

import { AppError } from "../errors.ts";

/** Throws `user_disabled`. */
export function refuseDisabled({ isDisabled }: { isDisabled: boolean }): void {
  if (isDisabled) throw new AppError("user_disabled", "This user is disabled at MX.");
}
