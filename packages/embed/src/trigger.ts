/** The button that opens the widget, found by its id whenever it is there: frameworks replace elements. */

import { listen } from "./listen.ts";

/** Its attributes are read at each event, as they may change. */
type Triggered = HTMLElement & { readonly trigger: string; readonly prefetch: string };

export function watchTrigger(
  element: Triggered,
  signal: AbortSignal,
  onPress: () => void,
  onPrefetch: () => void,
): void {
  const root = element.getRootNode() as Document | ShadowRoot;
  listen(
    root,
    "click pointerover focusin touchstart",
    (event: Event) => {
      const { trigger, prefetch } = element;
      const isOurs = event
        .composedPath()
        .some((node) => trigger && (node as Element).id === trigger);
      if (isOurs && event.type === "click") onPress();
      else if (isOurs && prefetch === "hover") onPrefetch();
    },
    signal,
  );

  const observer = new IntersectionObserver((entries) => {
    const isInView = entries.some(({ isIntersecting }) => isIntersecting);
    if (isInView && element.prefetch === "visible") onPrefetch();
  });
  const observe = () => {
    const trigger = root.getElementById(element.trigger);
    if (trigger && !signal.aborted) observer.observe(trigger);
  };
  queueMicrotask(observe); // What is added in one go is there by then.
  listen(window, "load", observe, signal);
  listen(signal, "abort", () => observer.disconnect());
}
