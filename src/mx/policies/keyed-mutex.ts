/**
 * Work for one key is done one after the other; different keys do not wait for each other.
 *
 * A caller whose time runs out while waiting leaves the queue without holding up those behind it.
 */

import { type Budget, timeIsUp } from "../../session/budget.ts";
import { withTimeout } from "../../upstream/limits.ts";

type KeyedMutex = <T>(key: string, budget: Budget, work: () => Promise<T>) => Promise<T>;

export function createKeyedMutex(): KeyedMutex {
  const tails = new Map<string, Promise<void>>();

  return async function runExclusive(key, budget, work) {
    const { promise: done, resolve: finish } = Promise.withResolvers<void>();
    const before = tails.get(key);
    const tail = before ? before.then(() => done) : done;
    tails.set(key, tail);
    void tail.then(() => {
      if (tails.get(key) === tail) tails.delete(key);
    });
    try {
      if (before) await withTimeout(before, budget.remainingMs(), timeIsUp);
      return await work();
    } finally {
      finish();
    }
  };
}
