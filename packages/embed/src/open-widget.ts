/** The element as a function call. */

import { canAsk, NO_LOGIN } from "./ask.ts";
import type { MxWidgetElement } from "./element.ts";
import { listen } from "./listen.ts";
import type { WidgetSettings } from "./types.ts";

/**
 * Adds an `<mx-widget>` to the container (an element or a selector). It leaves the page when it closes, unless it has a
 * trigger. Throws a TypeError for settings that cannot work.
 */
export function openWidget(
  container: Element | string,
  { signal, ...settings }: WidgetSettings,
): MxWidgetElement {
  const parent = typeof container === "string" ? document.querySelector(container) : container;
  if (!parent) throw new TypeError(`No element "${container}".`);
  const widget = document.createElement("mx-widget");
  for (const [name, value] of Object.entries(settings)) {
    const [, event] = /^on([A-Z]\w*)$/.exec(name) ?? [];
    if (event && typeof value === "function")
      listen(widget, `mx-${event.toLowerCase()}`, ({ detail }: CustomEvent) =>
        (value as (detail: unknown) => void)(detail),
      );
    else if (name in widget) Reflect.set(widget, name, value);
    else if (value !== undefined) throw new TypeError(`No setting "${name}".`);
  }
  if (!canAsk(widget)) throw new TypeError(NO_LOGIN);
  const closing = new AbortController();
  const end = () => {
    widget.close();
    widget.remove();
  };
  if (signal) listen(signal, "abort", end, closing.signal);
  listen(widget, "mx-close", () => {
    if (widget.trigger && !signal?.aborted && widget.isConnected) return; // For the next press.
    closing.abort();
    widget.remove();
  });
  if (!signal?.aborted) parent.append(widget);
  return widget;
}
