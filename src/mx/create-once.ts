/**
 * Of several requests that would create the same thing at once, one creates it. The others wait, and look before they create.
 *
 * A request that comes a moment later looks first, too: it may have asked MX before the create was done. So a replica sends one
 * create for each User and Member, unless the answer to it was lost.
 */

import { LRUCache } from "lru-cache";
import type { Budget } from "../session/budget.ts";
import { type CreateOrFindOptions, createOrFind } from "./create-or-find.ts";
import { createKeyedMutex } from "./policies/keyed-mutex.ts";

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
  const runExclusive = createKeyedMutex();
  /** When a thing was last seen to be there, by a clock that never goes back. */
  const seenAt = new LRUCache<string, number>({
    max: MAX_RECENT,
    ttl: RECENT_MS,
    perf: performance,
  });

  return function createOnce(key, options, budget) {
    const askedAt = performance.now();
    return runExclusive(key, budget, async () => {
      const seen = seenAt.get(key);
      const isMadeMeanwhile = seen !== undefined && seen >= askedAt;
      const result =
        (isMadeMeanwhile ? options.toExisting?.() : undefined) ??
        (seen === undefined ? undefined : await options.find({ newConnection: false })) ??
        (await createOrFind(options, budget));
      if (options.isThere?.(result) ?? true) seenAt.set(key, performance.now());
      return result;
    });
  };
}
