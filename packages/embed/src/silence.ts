/**
 * Notices that a widget which pinged before has fallen silent.
 *
 * MX documents a ping every 30 s, but not whether an idle user's widget sends it. So a silent widget is never taken away;
 * the user is offered a new one. Time counts only while the widget can be seen.
 */

import { listen } from "./listen.ts";

const SILENCE_MS = 90_000;

/** Returns what is to be called at each message. */
export function watchSilence(
  element: Element,
  signal: AbortSignal,
  onStalled: (isStalled: boolean) => void,
): (isPing: boolean) => void {
  let hasPinged = false;
  let isStalled = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function restart(): void {
    clearTimeout(timer);
    if (hasPinged && !isStalled && !document.hidden && !signal.aborted)
      timer = setTimeout(tell, SILENCE_MS);
  }

  function tell(): void {
    isStalled = element.checkVisibility?.() !== false;
    if (isStalled) onStalled(true);
    else restart();
  }

  listen(window, "visibilitychange pageshow resume online", restart, signal);
  listen(signal, "abort", restart);
  return (isPing) => {
    hasPinged ||= isPing;
    if (isStalled) onStalled(false);
    isStalled = false;
    restart();
  };
}
