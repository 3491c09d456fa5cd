/**
 * Bounds the calls to one MX host: as many at once as there are connections, a bounded number waiting, each for at most
 * a second.
 *
 * undici's own queue has no bound, and aborting a thousand queued calls would open a thousand connections.
 */

import { MIN_CALL_MS } from "../../session/budget.ts";
import { createSemaphore } from "../../upstream/limits.ts";
import type { Send } from "../call.ts";
import { toAppError } from "../outcome.ts";
import type { MxObserver } from "./instrument.ts";

export type BulkheadOptions = Partial<MxObserver> & {
  /** Calls at once: the connections of the pool behind. */
  connections: number;
  /** Calls that may wait for a connection. Default: twice as many. */
  maxWaiting?: number;
};

const MAX_WAIT_MS = 1000;
const REASONS = { full: "bulkhead_full", timeout: "bulkhead_wait" } as const;

export function withBulkhead(send: Send, options: BulkheadOptions): Send {
  const { connections, maxWaiting = 2 * connections, onNotSent, watchBulkhead } = options;
  const semaphore = createSemaphore({ limit: connections, maxWaiting, maxWaitMs: MAX_WAIT_MS });
  watchBulkhead?.(() => {
    const { inUse: inFlight, waiting } = semaphore.state();
    return { inFlight, waiting, connections };
  });

  return async function sendThroughBulkhead(call, budget) {
    const patienceMs = budget.remainingMs() - MIN_CALL_MS; // Longer, and the call itself would have too little time.
    const acquisition = await semaphore.acquire(Math.max(0, patienceMs));
    if (acquisition !== "acquired") {
      const reason = REASONS[acquisition];
      onNotSent?.(reason);
      throw toAppError({ operation: call.operation, outcome: "not_sent", reason });
    }
    try {
      return await send(call, budget);
    } finally {
      semaphore.release();
    }
  };
}
