/** What a call to MX carries where no request is behind it: time, and nobody to record for. */

import { createBudget } from "../session/budget.ts";
import type { RequestContext } from "../session/types.ts";

/** MX may be slow, and no user waits. */
const DEADLINE_MS = 20_000;

export function createCommandContext(): RequestContext {
  return {
    budget: createBudget({ deadlineMs: DEADLINE_MS }),
    audit() {},
    profileFailed() {},
    profileRefused() {},
  };
}
