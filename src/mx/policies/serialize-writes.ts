/**
 * What is written for one User or Member is written in order: a process never races with itself.
 *
 * Reads and URL requests run freely. See docs/decisions/0002-only-writes-wait.md.
 */

import type { Send } from "../call.ts";
import { createKeyedMutex } from "./keyed-mutex.ts";

export function serializeWrites(send: Send): Send {
  const runExclusive = createKeyedMutex();

  return function sendSerialized(call, budget) {
    const { serializeBy } = call;
    if (serializeBy === undefined) return send(call, budget);
    return runExclusive(serializeBy, budget, () => send(call, budget));
  };
}
