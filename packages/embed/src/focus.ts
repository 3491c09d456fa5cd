/**
 * Keeps the focus where the user is, though frames come and go.
 *
 * A frame that is removed drops the focus without an event, so it is noted beforehand whether it has it.
 */

import { listen } from "./listen.ts";
import { after } from "./time.ts";

export type Focus = {
  /** From now on until the signal aborts, notes where the focus is. */
  watch(signal: AbortSignal): void;
  /** Makes a change that may drop the focus; the element has it afterwards if it had it before. */
  hold(change: () => void): void;
  /** Remembers where to return. */
  opening(): void;
  loaded(always: boolean): void;
  /** Makes the change that ends the widget. */
  closed(wasRemoved: boolean, change: () => void): void;
};

export function createFocus(element: HTMLElement): Focus {
  let isInside = false;
  /** Whether the widget gets it once it has loaded. */
  let isOwed = false;
  /** Had it before the widget. */
  let opener: HTMLElement | null = null;

  /** Nobody else has taken it meanwhile. */
  const isFree = () => [null, element].includes(findFocused(element));

  return {
    watch(signal) {
      const note = () => {
        isInside = findFocused(element) === element;
      };
      listen(window, "focus focusin", note, signal);
      listen(window, "blur", () => after(0, signal, note), signal); // Into a frame.
      let had = false;
      listen(window, "pagehide", () => (had = isInside), signal);
      listen(window, "pageshow", () => had && isFree() && element.focus(), signal);
    },
    hold(change) {
      const had = isInside || findFocused(element) === element;
      change();
      if (!had || !isFree()) return;
      isOwed = true;
      if (element.isConnected) element.focus();
    },
    opening() {
      const focused = findFocused(element);
      if (focused !== element) opener = focused;
    },
    loaded(always) {
      if (always || (isOwed && isFree())) element.focus();
      isOwed = false;
    },
    closed(wasRemoved, change) {
      const focused = findFocused(element);
      change();
      isOwed = isInside = false;
      if (focused === element || (wasRemoved && !focused)) opener?.focus();
      opener = null;
    },
  };
}

/** As the element's own tree sees it; `null` if only the page as a whole has it. */
function findFocused(element: HTMLElement): HTMLElement | null {
  const root = element.isConnected ? element.getRootNode() : document;
  const focused = (root as Document).activeElement ?? document.activeElement; // Outside of a shadow root.
  return focused === document.body ? null : (focused as HTMLElement | null);
}
