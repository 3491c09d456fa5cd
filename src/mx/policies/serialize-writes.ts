/**
 * What is written for one User or Member is written in order: a process never races with itself.
 *
 * Reads and URL requests run freely. See docs/decisions/0002-only-writes-wait.md.
 */

import type { Send } from "../client.ts";
import { createInOrder } from "./keyed-mutex.ts";

export function withWritesInOrder(send: Send): Send {
  const inOrder = createInOrder();

  return function sendInOrder(call, budget) {
    const { inOrderWith } = call;
    if (inOrderWith === undefined) return send(call, budget);
    return inOrder(inOrderWith, budget, () => send(call, budget));
  };
}
