/** A login that is not accepted. Callers get one and the same answer, whatever the reason. */

import { AppError, type LoginRefusal } from "../errors.ts";

export function unauthenticated(reason: LoginRefusal): AppError {
  return new AppError("unauthenticated", "A valid login of this partner is needed.", { reason });
}
