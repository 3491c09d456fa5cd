/** MX's requests per second, counted by whole seconds of the simulator's clock (how MX counts is not documented). */

import type { Clock } from "./clock.ts";
import type { SimulatorSettings } from "./settings.ts";

/** Counts a call; says whether it is one too many. */
export function createRateLimit(clock: Clock, settings: SimulatorSettings): () => boolean {
  let second = 0;
  let count = 0;

  return function isOverLimit() {
    const now = Math.floor(clock.now() / 1000);
    if (now !== second) count = 0;
    second = now;
    count += 1;
    return settings.requestsPerSecond !== null && count > settings.requestsPerSecond;
  };
}
