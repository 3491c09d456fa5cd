/** Waiting that ends with a signal and leaves no timer. */

import { listen } from "./listen.ts";

/** Calls `run` once, unless the signal aborts first. */
export function after(ms: number, signal: AbortSignal, run: () => void): void {
  const timer = setTimeout(run, ms);
  listen(signal, "abort", () => clearTimeout(timer));
}

/**
 * Resolves to what `start` settles with; to `undefined` after the time (0: never), and when the signal aborts.
 * `ended` is for the listeners of the waiting.
 */
export async function within<T>(
  ms: number,
  signal: AbortSignal,
  start: (settle: (value: T) => void, ended: AbortSignal) => void,
): Promise<T | undefined> {
  const ending = new AbortController();
  const end = new Promise<T | undefined>((settle) => {
    if (signal.aborted) return settle(undefined);
    listen(signal, "abort", () => settle(undefined), ending.signal);
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

/** Waits; throws if the signal aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await within(ms, signal, () => {});
  signal.throwIfAborted();
}
