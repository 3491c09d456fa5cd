/** How each connection to an upstream is opened and kept: the same for MX and the partner's hosts. */

import type { Config } from "../config/types.ts";
import type { ExchangeOptions } from "../upstream/exchange.ts";
import { toLimits } from "../upstream/limits.ts";

/** Of MX and of the partner's own systems; a widget URL has some hundred bytes. */
const MAX_ANSWER_BYTES = 64 * 1024;

export type WayOut = Pick<
  Config,
  "proxy" | "allowPreloads" | "connectionMaxAgeMs" | "requestDeadlineMs"
>;

export function toExchangeOptions(
  config: WayOut,
): Omit<ExchangeOptions, "origin" | "connections" | "warm"> {
  return {
    maxResponseBytes: MAX_ANSWER_BYTES,
    maxAgeMs: config.connectionMaxAgeMs,
    proxy: config.proxy,
    allowListeners: config.allowPreloads,
    ...toLimits(config.requestDeadlineMs),
  };
}
