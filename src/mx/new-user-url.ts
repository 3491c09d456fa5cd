/** Asks for a widget URL; MX may answer 404 for a moment after a create, so a new User is waited for. */

import { setTimeout as sleep } from "node:timers/promises";
import type { Budget } from "../session/budget.ts";
import type { MxCall, Send } from "./call.ts";
import type { GoodAnswer } from "./outcome.ts";
import { requireGood } from "./response-guards.ts";

/** Waits before the tries for the URL of a new User. */
const NEW_USER_WAITS_MS = [0, 300, 700];

/** `undefined`: MX does not find the User, or what else the call names. Throws for every other refusal. */
export async function requestUntilVisible(
  send: Send,
  call: MxCall,
  { isNew }: { isNew: boolean },
  budget: Budget,
): Promise<GoodAnswer | undefined> {
  for (const waitMs of isNew ? NEW_USER_WAITS_MS : [0]) {
    if (waitMs > 0) {
      if (!budget.allows("widget_url", waitMs)) return undefined;
      await sleep(waitMs);
    }
    const answer = await send(call, budget);
    if (answer.outcome !== "not_found") return requireGood(answer);
  }
  return undefined;
}
