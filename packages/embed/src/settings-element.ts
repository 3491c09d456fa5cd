/** The settings of the element: properties, most of them also attributes. On a server, without a DOM, it is never used. */

import { canAsk } from "./ask.ts";
import { failure } from "./failure.ts";
import type { WidgetOptions, WidgetType } from "./options.ts";
import type { GetToken, GetUrl, WidgetEventMap } from "./types.ts";

/** Before the DOM's own, so that the events of the widget are found first. */
type Listening = {
  addEventListener<K extends keyof WidgetEventMap>(
    type: K,
    listener: (event: WidgetEventMap[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<K extends keyof WidgetEventMap>(
    type: K,
    listener: (event: WidgetEventMap[K]) => unknown,
    options?: boolean | EventListenerOptions,
  ): void;
};

const Base = (globalThis.HTMLElement ?? class {}) as new () => Listening & HTMLElement;

/** Texts and flags are attributes too, with hyphens between the words: `session-url`. A text that is not set is empty. */
export class SettingsElement extends Base {
  /** Default: `/session`, on the page's own origin. */
  declare sessionUrl: string;
  /** Default: the service's own, which is Connect wherever the Platform API is configured. */
  declare widgetType: WidgetType | "";
  /** For logins by cookie. `include` if the service has another origin. */
  declare credentials: "same-origin" | "include" | "";
  /** Sent as `Accept-Language`; also the language of the element's own words. Default: the page's, then the browser's. */
  declare language: string;
  /** What screen readers call the frame. Default: the name of the widget, in English. */
  declare frameTitle: string;
  /** The frame's permissions. Default: none; MX documents no need of one. */
  declare allow: string;
  /** Id of the button that opens the widget. Until then the element is `idle`; an empty id leaves it to `open()`. */
  declare trigger: string;
  /** When to ask for the URL before the trigger is pressed. Default: `none`. */
  declare prefetch: "none" | "hover" | "visible" | "";
  /** Closes when the user presses Connect's "Done". */
  declare closeOnDone: boolean;
  /** Gives the loaded widget the focus, for one that opens at the press of a button. */
  declare focusOnLoad: boolean;
  /** Options that MX has added since this version. The service refuses what it does not know. */
  declare additionalOptions: Record<string, unknown> | undefined;
  /** Returns the user's token, for `Authorization: Bearer`. Setting another one does not reopen the widget. */
  declare getToken: GetToken | undefined;
  /** For pages that get the URL in a way of their own: instead of asking the service. */
  declare getUrl: GetUrl | undefined;

  /** For each of the two tries; up to three times as long on a slow connection. Default: 20000. */
  declare loadTimeoutMs: number;

  #options: WidgetOptions | undefined;

  /** Options in MX's words. The attribute `options` takes them as JSON; reading throws if it is not JSON. */
  get options(): WidgetOptions {
    try {
      return this.#options ?? JSON.parse(this.getAttribute("options") || "{}");
    } catch (cause) {
      throw failure("bad-options", "The options are not JSON.", { cause, isRetryable: false });
    }
  }
  set options(options: WidgetOptions | undefined) {
    this.#options = options;
    this.attributeChangedCallback();
  }

  /** @internal */
  static observedAttributes: string[] = [
    "session-url",
    "widget-type",
    "language",
    "credentials",
    "options",
  ];

  /** Called for properties too. @internal */
  attributeChangedCallback(): void {}

  /** Changes when the URL would be another, or when the first login is there. Options that are not JSON count as their text. @internal */
  toKey(): string {
    const { sessionUrl, widgetType, language, credentials, additionalOptions } = this;
    const options = this.#options ?? this.getAttribute("options") ?? {};
    return JSON.stringify([
      canAsk(this),
      sessionUrl,
      widgetType,
      language,
      credentials,
      options,
      additionalOptions,
    ]);
  }
}

const values = new WeakMap<Element, Record<string, unknown>>();

define(
  "sessionUrl widgetType language credentials frameTitle allow prefetch trigger",
  (element, name) => element.getAttribute(name) ?? "",
);
define("loadTimeoutMs", (element, name) => Number(element.getAttribute(name)) || 20_000);
define(
  "closeOnDone focusOnLoad",
  (element, name) => element.hasAttribute(name),
  (element, name, value) => element.toggleAttribute(name, Boolean(value)),
);
define(
  "additionalOptions getToken getUrl",
  (element, name) => values.get(element)?.[name],
  (element, name, value) => {
    values.set(element, { ...values.get(element), [name]: value });
    element.attributeChangedCallback();
  },
);

/** `name` is the attribute's. */
function define(
  properties: string,
  get: (element: SettingsElement, name: string) => unknown,
  set: (element: SettingsElement, name: string, value: unknown) => void = setText,
): void {
  for (const property of properties.split(" ")) {
    const name = property.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    Object.defineProperty(SettingsElement.prototype, property, {
      get() {
        return get(this, name);
      },
      set(value) {
        set(this, name, value);
      },
    });
  }
}

function setText(element: SettingsElement, name: string, value: unknown): void {
  element.setAttribute(name, String(value ?? ""));
}
