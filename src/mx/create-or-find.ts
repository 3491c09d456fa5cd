/**
 * Creates something at MX at most once, although MX knows no idempotency keys.
 *
 * "Already exists" is success: another request was faster. An ambiguous create is never repeated blindly: after a moment
 * MX is asked whether it is there, and only a clear "no" leads to one more create.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Budget, CallKind } from "../session/budget.ts";
import type { Answer, FailedAnswer } from "./call.ts";
import { toAppError } from "./outcome.ts";

export type CreateOrFindOptions<T> = {
  kind: CallKind;
  /** `newConnection`: on one that has not been used before, because the last one failed. */
  create: (options: Connection) => Promise<Answer>;
  /** The answer of a create that went well, or of one that cannot be (`not_found`). */
  toCreated: (answer: Answer) => T;
  find: (options: Connection) => Promise<T | undefined>;
  /** After "already exists", where that is enough to go on; else `find`. */
  toExisting?: (() => T) | undefined;
  /** How long a create whose answer was lost may still take. */
  settleMs: number;
  /** How long MX may not find what it has made. Default: it finds it at once. */
  showsWithinMs?: number;
  /** Whether a result means that the thing exists now. Default: yes. */
  isThere?: (result: T) => boolean;
  /** This request made it: MX said so, or it is there after a create whose answer was lost. */
  onCreated?: () => void;
};

type Connection = { newConnection: boolean };

export async function createOrFind<T>(options: CreateOrFindOptions<T>, budget: Budget): Promise<T> {
  const { create, toCreated, find, toExisting, settleMs, kind, onCreated } = options;

  /** Throws the answer's own failure where there is no time for a look. */
  async function findLater(waitMs: number, answer: FailedAnswer): Promise<T | undefined> {
    if (!budget.allows("read", waitMs)) throw toAppError(answer);
    await sleep(waitMs);
    return find({ newConnection: true });
  }

  async function findExisting(answer: FailedAnswer): Promise<T> {
    const unclear = { ...answer, outcome: "ambiguous", reason: "conflict_but_not_found" } as const;
    const existing =
      toExisting?.() ??
      (await find({ newConnection: false })) ??
      (await findLater(settleMs, unclear)) ??
      (await findLater(2 * settleMs, unclear));
    if (existing === undefined) throw toAppError(unclear);
    return existing;
  }

  let answer = await create({ newConnection: false });
  for (let isLast = false; ; isLast = true) {
    if (answer.outcome === "conflict") {
      const existing = await findExisting(answer);
      if (isLast) onCreated?.(); // It was this request's own create, the answer to which was lost.
      return existing;
    }
    if (answer.outcome !== "ambiguous") {
      const created = toCreated(answer);
      if (answer.outcome === "ok") onCreated?.();
      return created;
    }

    const found = await findLater(settleMs, answer);
    if (found !== undefined) {
      onCreated?.();
      return found;
    }
    if (isLast || !budget.allows(kind, 0)) throw toAppError(answer);
    answer = await create({ newConnection: true });
  }
}
