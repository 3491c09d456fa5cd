/** For requests that are safe to repeat: tries once more on a new connection if the first one failed, perhaps through its connection. */

import { MIN_CALL_MS } from "../session/budget.ts";
import type { Exchange } from "./exchange.ts";
import { isOfConnection } from "./failure.ts";

/** The time limit is for both attempts together. */
export function withRepeat(exchange: Exchange, now = () => performance.now()): Exchange {
  return async function exchangeTwice(request, timeoutMs) {
    const startedAt = now();
    const leftMs = () => timeoutMs - (now() - startedAt);
    const first = await exchange(request, timeoutMs);
    if (first.kind === "answer" || !isOfConnection(first.failure)) return first;
    if (leftMs() < MIN_CALL_MS) return first;
    return exchange({ ...request, newConnection: true }, leftMs());
  };
}
