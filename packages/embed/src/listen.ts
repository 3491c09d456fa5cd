/** Events: listeners that end with a signal, and the element's own. */

/** `types`: with blanks between them. The listener is told of events that do not bubble, too, and prevents none. */
export function listen<E extends Event>(
  target: EventTarget,
  types: string,
  listener: (event: E) => unknown,
  signal?: AbortSignal,
): void {
  const options = { capture: true, passive: true, signal } as AddEventListenerOptions;
  for (const type of types.split(" "))
    target.addEventListener(type, listener as (event: Event) => unknown, options);
}

/** False if a listener prevented what would follow. */
export function tell(
  target: EventTarget,
  type: string,
  detail: unknown = null,
  cancelable = false,
): boolean {
  const init = { detail, bubbles: true, composed: true, cancelable };
  return target.dispatchEvent(new CustomEvent(type, init));
}
