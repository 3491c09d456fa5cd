/**
 * Bounds what waits for a connection: as many calls at once as there are connections, a bounded number waiting, each for
 * a second at most.
 *
 * undici's own queue has no bound, and aborting a thousand queued calls would open a thousand connections.
 */

import type { AppError } from "../../errors.ts";
import { type Budget, MIN_CALL_MS } from "../../session/budget.ts";
import type { Send } from "../client.ts";
import { type Operation, toUnsentError } from "../outcome.ts";

export type GateOptions = {
  /** Calls at once: the connections of the pool behind. */
  connections: number;
  /** Default: twice the connections. */
  maxWaiting?: number;
  /** A call was not let through. */
  onNotSent?: (reason: string) => void;
  /** Is given a way to read the state at any time. */
  watch?: (read: () => GateState) => void;
};

export type GateState = { inFlight: number; waiting: number; connections: number };

const MAX_WAIT_MS = 1000;

export function withGate(send: Send, options: GateOptions): Send {
  const { connections, maxWaiting = 2 * connections, onNotSent, watch } = options;
  /** In the order of arrival; calling one lets it through. */
  const waiting = new Set<() => void>();
  let inFlight = 0;
  watch?.(() => ({ inFlight, waiting: waiting.size, connections }));

  function refuse(operation: Operation, reason: string): AppError {
    onNotSent?.(reason);
    return toUnsentError(operation, reason, 1);
  }

  async function takeTurn(operation: Operation, budget: Budget): Promise<void> {
    if (waiting.size >= maxWaiting) throw refuse(operation, "gate_full");
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waitMs = Math.min(MAX_WAIT_MS, Math.max(0, budget.remainingMs() - MIN_CALL_MS));
    const timer = setTimeout(() => {
      waiting.delete(resolve);
      reject(refuse(operation, "gate_wait"));
    }, waitMs);
    waiting.add(resolve);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Hands the place on, so that nobody who has just come overtakes. */
  function leave(): void {
    const [next] = waiting;
    if (!next) {
      inFlight -= 1;
      return;
    }
    waiting.delete(next);
    next();
  }

  return async function sendThroughGate(call, budget) {
    if (inFlight < connections) inFlight += 1;
    else await takeTurn(call.operation, budget);
    try {
      return await send(call, budget);
    } finally {
      leave();
    }
  };
}
