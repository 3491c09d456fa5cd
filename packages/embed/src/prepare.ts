/**
 * A URL that is asked for before the user presses the button, and a warm connection to the widget's host.
 *
 * A prepared URL belongs to the login that it was asked with: another token's user never gets it.
 */

import { askForToken, askForUrl, type Grant } from "./ask.ts";
import { listen } from "./listen.ts";
import { readUser } from "./member.ts";
import { h } from "./panel.ts";
import { noteFailure } from "./retry-time.ts";
import type { SettingsElement } from "./settings-element.ts";
import { after, isWithin } from "./time.ts";
import type { WidgetError } from "./types.ts";

/** A minute before MX's ten. */
const MAX_AGE_MS = 540_000;

export type Preparation = {
  /** Whether a URL is ready. Asks nothing while one is under way or kept. */
  prepare(): Promise<boolean>;
  /** Each once; `undefined`: ask anew. */
  take(signal: AbortSignal): Promise<Grant | undefined>;
  /** Throws away what is kept, and closes the hidden frame. */
  drop(): void;
};

export function createPreparation(element: SettingsElement, root: ShadowRoot): Preparation {
  let asked: Promise<Grant> | undefined;
  let keptKey = "";
  /** Ends what is kept, and the hidden frame. */
  let ending = new AbortController();

  function drop(): void {
    ending.abort();
    asked = undefined;
  }

  async function ask(): Promise<Grant> {
    ending = new AbortController();
    const { signal } = ending;
    try {
      const grant = await askForUrl(element, signal, () => {});
      after(MAX_AGE_MS, signal, drop);
      warm(new URL(grant.url).origin, root, signal);
      return grant;
    } catch (error) {
      if (!signal.aborted) {
        drop();
        noteFailure(element, error as WidgetError);
      }
      throw error;
    }
  }

  return {
    prepare() {
      const key = element.toKey();
      if (keptKey !== key) drop();
      keptKey = key;
      asked ??= ask();
      return asked.then(
        () => true,
        () => false,
      );
    },
    async take(signal) {
      const taken = asked;
      asked = undefined;
      const grant = await taken?.catch(() => undefined);
      if (!grant || !isWithin(MAX_AGE_MS, grant.askedAt)) return undefined;
      if (keptKey !== element.toKey()) return undefined;
      const token = await askForToken(element, signal).catch(() => " "); // Cookies do not say whose they are.
      const user = readUser(token);
      return token === grant.token || (user && user === readUser(grant.token)) ? grant : undefined;
    },
    drop,
  };
}

/** A frame, as browsers keep the connections of a foreign site's frames apart from the page's own. It runs no script. */
function warm(origin: string, root: ShadowRoot, signal: AbortSignal): void {
  const frame = h("iframe", { src: `${origin}/favicon.ico`, hidden: "", sandbox: "" });
  root.append(frame);
  listen(signal, "abort", () => frame.remove());
}
