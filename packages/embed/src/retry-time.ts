/** When a service may be asked again: for all elements of the page, whoever opens them. */

import type { SettingsElement } from "./settings-element.ts";
import type { WidgetError } from "./types.ts";

/** By the address of the sessions. */
const failures = new Map<string, [seconds: number | undefined, at: number]>();

export function noteFailure(element: SettingsElement, { retryAfterSeconds }: WidgetError): void {
  if ((retryAfterSeconds ?? 0) * 1000 >= restMs(element))
    failures.set(element.sessionUrl, [retryAfterSeconds, Date.now()]);
}

/** `otherwise`: seconds for an error that names no time. Never longer than named, should the clock be set back. */
export function restMs({ sessionUrl }: SettingsElement, otherwise = 0): number {
  const [seconds = otherwise, at] = failures.get(sessionUrl) ?? [0, 0];
  return 1000 * seconds - Math.max(0, Date.now() - at);
}
