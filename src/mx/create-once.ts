/**
 * Of several requests that would create the same thing at once, one creates it. The others wait, and look before they create.
 *
 * A request that comes a moment later looks first, too: it may have asked MX before the create was done. So a replica sends one
 * create for each User and Member, unless the answer to it was lost.
 */

import { LRUCache } from "lru-cache";
import { type Budget, timeIsUp } from "../session/budget.ts";
import { withTimeout } from "../upstream/semaphore.ts";
import { type CreateOrFindOptions, createOrFind } from "./create-or-find.ts";

/** Longer than a read of MX takes to come back. */
const RECENT_MS = 3000;
const MAX_RECENT = 10_000;

export type CreateOnce = <T>(
  key: string,
  options: CreateOrFindOptions<T>,
  budget: Budget,
) => Promise<T>;

/** One for each kind of thing of one tenant. */
export function createCreateOnce(): CreateOnce {
  /** By key, what resolves when the last of those that wait has ended: whether the thing is there. */
  const running = new Map<string, Promise<boolean>>();
  const recent = new LRUCache<string, true>({ max: MAX_RECENT, ttl: RECENT_MS, perf: performance });

  return async function createOnce(key, options, budget) {
    const { promise: ended, resolve: end } = Promise.withResolvers<boolean>();
    const before = running.get(key);
    const last = before ? before.then(() => ended) : ended;
    running.set(key, last);
    void last.then(() => {
      if (running.get(key) === last) running.delete(key);
    });

    let isThere = false;
    try {
      const wasMade = before && (await withTimeout(before, budget.remainingMs(), timeIsUp));
      const existing = wasMade ? options.toExisting?.() : undefined;
      const found =
        existing ??
        (wasMade || recent.has(key) ? await options.find({ newConnection: false }) : undefined);
      const result = found ?? (await createOrFind(options, budget));
      isThere = options.isThere?.(result) ?? true;
      if (isThere) recent.set(key, true);
      return result;
    } finally {
      end(isThere);
    }
  };
}
