/**
 * Of several requests that would create the same thing at once, one creates it. The others wait, and look before they create.
 *
 * A request that comes a moment later looks first, too: it may have asked MX before the create was done, or MX may show late
 * what it has made. So a replica sends one create for each User and Member, unless the answer to it was lost.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { LRUCache } from "lru-cache";
import type { Budget } from "../session/budget.ts";
import { type CreateOrFindOptions, createOrFind } from "./create-or-find.ts";
import { createKeyedMutex } from "./policies/keyed-mutex.ts";

/** Longer than a read of MX takes to come back. */
const RECENT_MS = 3000;
const MAX_RECENT = 10_000;

export type CreateOnce = {
  <T>(key: string, options: CreateOrFindOptions<T>, budget: Budget): Promise<T>;
  /** MX shows it now: if it is not found any more, it was deleted. */
  confirm(key: string): void;
};

/** What the last request has left: when it was done, by a clock that never goes back. */
type Attempt = { endedAt: number; isThere: boolean; isShown: boolean };

/** One for each kind of thing of one tenant. */
export function createCreateOnce(): CreateOnce {
  const runExclusive = createKeyedMutex();
  const attempts = new LRUCache<string, Attempt>({
    max: MAX_RECENT,
    ttl: RECENT_MS,
    perf: performance,
  });

  function createOnce<T>(key: string, options: CreateOrFindOptions<T>, budget: Budget) {
    const askedAt = performance.now();
    return runExclusive(key, budget, async () => {
      const last = attempts.get(key);
      const attempt = { isThere: false, isShown: false, ...last };
      try {
        const made = last && (await findMade(options, last, askedAt, budget));
        attempt.isShown &&= made !== undefined;
        const result = made ?? (await createOrFind(options, budget));
        attempt.isThere = options.isThere?.(result) ?? true;
        return result;
      } finally {
        attempts.set(key, { ...attempt, endedAt: performance.now() });
      }
    });
  }

  function confirm(key: string): void {
    const attempt = attempts.peek(key);
    if (attempt) attempt.isShown = true;
  }

  return Object.assign(createOnce, { confirm });
}

/** What the last request has made, or may have made where it failed meanwhile. */
async function findMade<T>(
  { toExisting, find, showsWithinMs = 0 }: CreateOrFindOptions<T>,
  { endedAt, isThere, isShown }: Attempt,
  askedAt: number,
  budget: Budget,
): Promise<T | undefined> {
  const wasAwaited = endedAt >= askedAt;
  if (!isThere && !wasAwaited) return undefined;
  const existing = isThere && wasAwaited ? toExisting?.() : undefined;
  const found = existing ?? (await find({ newConnection: false }));
  if (found !== undefined || !isThere || isShown) return found;
  const waitMs = endedAt + showsWithinMs - performance.now();
  if (waitMs <= 0 || !budget.allows("read", waitMs)) return undefined;
  await sleep(waitMs);
  return find({ newConnection: false });
}
