/** When the service may be asked again. */

import type { WidgetError } from "./types.ts";

export class RetryTime {
  #error: WidgetError | undefined;
  #failedAt = 0;

  note(error: WidgetError): void {
    this.#error = error;
    this.#failedAt = Date.now();
  }

  /** `otherwise`: seconds for an error that names no time. Never longer than named, should the clock be set back. */
  restMs(otherwise = 0): number {
    if (!this.#error) return 0;
    const ms = (this.#error.retryAfterSeconds ?? otherwise) * 1000;
    return Math.min(ms, ms - (Date.now() - this.#failedAt));
  }
}
