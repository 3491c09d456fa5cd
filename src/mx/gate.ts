/**
 * Bounds what waits for a connection: as many calls at once as there are connections, twice as many waiting, for a
 * second at most.
 *
 * undici's own queue has no bound, and aborting a thousand queued calls would open a thousand connections.
 */

import { AppError } from "../errors.ts";
import type { Budget } from "../session/budget.ts";
import type { Send } from "./send.ts";

export type GateOptions = {
  /** Calls at once: the connections of the pool behind. */
  connections: number;
};

const MAX_WAIT_MS = 1000;
/** Waiting calls per connection. */
const QUEUE_FACTOR = 2;
/** A call needs that much once it is through; see session/budget.ts. */
const MIN_CALL_MS = 250;

export function withGate(send: Send, { connections }: GateOptions): Send {
  /** In the order of arrival; calling one lets it through. */
  const waiting = new Set<() => void>();
  let inFlight = 0;

  async function enter(operation: string, budget: Budget): Promise<void> {
    if (inFlight < connections) {
      inFlight += 1;
      return;
    }
    if (waiting.size >= QUEUE_FACTOR * connections) throw isFull(operation, "gate_full");
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waitMs = Math.min(MAX_WAIT_MS, Math.max(0, budget.remainingMs() - MIN_CALL_MS));
    const timer = setTimeout(() => {
      waiting.delete(resolve);
      reject(isFull(operation, "gate_wait"));
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
    await enter(call.operation, budget);
    try {
      return await send(call, budget);
    } finally {
      leave();
    }
  };
}

function isFull(operation: string, reason: "gate_full" | "gate_wait"): AppError {
  return new AppError(
    "upstream_unavailable",
    "MX is not available at the moment. Try again later.",
    {
      retryAfterSeconds: 1,
      upstream: { operation, outcome: "unsent", reason },
    },
  );
}
