/**
 * A URL that is asked for before the user presses the button, and a warm connection to the widget's host.
 *
 * A prepared URL belongs to the login that it was asked with: another token's user never gets it.
 */

import { askForToken, askForUrl, type Grant } from "./ask.ts";
import { listen } from "./listen.ts";
import { readUser } from "./member.ts";
import { h } from "./panel.ts";
import type { SettingsElement } from "./settings-element.ts";
import { after, isWithin } from "./time.ts";
import type { WidgetError } from "./types.ts";

/** A minute before MX's ten. */
const MAX_AGE_MS = 540_000;

export class Preparation {
  readonly #element: SettingsElement;
  readonly #root: ShadowRoot;
  readonly #onFailed: (error: WidgetError) => void;
  #asked: Promise<Grant> | undefined;
  #key = "";
  /** Ends what is kept, and the hidden frame. */
  #ending = new AbortController();

  constructor(element: SettingsElement, root: ShadowRoot, onFailed: (error: WidgetError) => void) {
    this.#element = element;
    this.#root = root;
    this.#onFailed = onFailed;
  }

  /** Whether a URL is ready. Asks nothing while one is under way or kept. */
  prepare(): Promise<boolean> {
    const key = this.#element.toKey();
    if (this.#key !== key) this.drop();
    this.#key = key;
    this.#asked ??= this.#ask();
    return this.#asked.then(
      () => true,
      () => false,
    );
  }

  /** Each once; `undefined`: ask anew. */
  async take(signal: AbortSignal): Promise<Grant | undefined> {
    const asked = this.#asked;
    this.#asked = undefined;
    const grant = await asked?.catch(() => undefined);
    const isFresh = grant && isWithin(MAX_AGE_MS, grant.askedAt);
    if (!isFresh || this.#key !== this.#element.toKey()) return undefined;
    const token = await askForToken(this.#element, signal); // Cookies do not say whose they are.
    const user = readUser(token);
    return token === grant.token || (user && user === readUser(grant.token)) ? grant : undefined;
  }

  /** Throws away what is kept, and closes the hidden frame. */
  drop(): void {
    this.#ending.abort();
    this.#asked = undefined;
  }

  async #ask(): Promise<Grant> {
    this.#ending = new AbortController();
    const { signal } = this.#ending;
    try {
      const grant = await askForUrl(this.#element, signal, () => {});
      after(MAX_AGE_MS, signal, () => this.drop());
      warm(new URL(grant.url).origin, this.#root, signal);
      return grant;
    } catch (error) {
      if (!signal.aborted) {
        this.drop();
        this.#onFailed(error as WidgetError);
      }
      throw error;
    }
  }
}

/** A frame, as browsers keep the connections of a foreign site's frames apart from the page's own. It runs no script. */
function warm(origin: string, root: ShadowRoot, signal: AbortSignal): void {
  const frame = h("iframe", { src: `${origin}/favicon.ico`, hidden: "", sandbox: "" });
  root.append(frame);
  listen(signal, "abort", () => frame.remove());
}
