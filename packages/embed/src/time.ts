/** Waiting that ends with a signal and leaves no timer. */

import { listen } from "./listen.ts";

/** Calls `run` once, unless the signal aborts first. */
export function after(ms: number, signal: AbortSignal, run: () => void): void {
  const timer = setTimeout(run, ms);
  listen(signal, "abort", () => clearTimeout(timer));
}

/**
 * Resolves to what `start` settles with; to `undefined` after the time (0: never). Throws when the signal aborts.
 * `ended` is for the listeners of the waiting.
 */
export async function within<T>(
  ms: number,
  signal: AbortSignal,
  start: (settle: (value: T) => void, ended: AbortSignal) => void = () => {},
): Promise<T | undefined> {
  signal.throwIfAborted();
  const ending = new AbortController();
  const end = new Promise<T | undefined>((settle, fail) => {
    listen(signal, "abort", () => fail(signal.reason), ending.signal);
    if (ms) after(ms, ending.signal, () => settle(undefined));
    start(settle, ending.signal);
  });
  return end.finally(() => ending.abort());
}

/**
 * Whether less time has passed. A clock that was set counts as too much, and none is compared with the server's, as it
 * may be ten minutes off. It goes on while the computer sleeps.
 */
export function isWithin(ms: number, since: number): boolean {
  return Math.abs(Date.now() - since) < ms;
}

/** Only throws: when the signal aborts, or after the time (0: never). For races. */
export async function endOf(signal: AbortSignal, ms: number): Promise<never> {
  await within(ms, signal);
  throw new Error("Timeout");
}
