/**
 * Keeps the focus where the user is, though frames come and go.
 *
 * A frame that is removed drops the focus without an event, so it is noted beforehand whether it has it.
 */

import { listen } from "./listen.ts";
import { after } from "./time.ts";

export class Focus {
  readonly #element: HTMLElement;
  #isInside = false;
  /** Whether the widget gets it once it has loaded. */
  #isOwed = false;
  /** Had it before the widget. */
  #opener: HTMLElement | null = null;

  constructor(element: HTMLElement) {
    this.#element = element;
  }

  /** From now on until the signal aborts, notes where the focus is. */
  watch(signal: AbortSignal): void {
    const note = () => {
      this.#isInside = this.#find() === this.#element;
    };
    listen(window, "focus focusin", note, signal);
    listen(window, "blur", () => after(0, signal, note), signal); // Into a frame.
    let had = false;
    listen(window, "pagehide", () => (had = this.#isInside), signal);
    listen(window, "pageshow", () => had && this.#isFree() && this.#element.focus(), signal);
  }

  /** Makes a change that may drop the focus; the element has it afterwards if it had it before. */
  hold(change: () => void): void {
    const had = this.#isInside || this.#find() === this.#element;
    change();
    if (!had || !this.#isFree()) return;
    this.#isOwed = true;
    if (this.#element.isConnected) this.#element.focus();
  }

  /** Remembers where to return. */
  opening(): void {
    const focused = this.#find();
    if (focused !== this.#element) this.#opener = focused;
  }

  loaded(always: boolean): void {
    if (always || (this.#isOwed && this.#isFree())) this.#element.focus();
    this.#isOwed = false;
  }

  /** Makes the change that ends the widget. */
  closed(wasRemoved: boolean, change: () => void): void {
    const focused = this.#find();
    change();
    this.#isOwed = this.#isInside = false;
    if (focused === this.#element || (wasRemoved && !focused)) this.#opener?.focus();
    this.#opener = null;
  }

  /** In the element's own tree; `null` if only the page as a whole has it. */
  #find(): HTMLElement | null {
    const root = this.#element.isConnected ? this.#element.getRootNode() : document;
    const { activeElement } = root as Document;
    return activeElement === document.body ? null : (activeElement as HTMLElement | null);
  }

  /** Nobody else has taken it meanwhile. */
  #isFree(): boolean {
    return [null, this.#element].includes(this.#find());
  }
}
