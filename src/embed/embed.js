/**
 * `<mx-widget>`, and `openWidget`: one MX widget on a page. What each part is for: embed.d.ts.
 *
 * A widget URL is used once, in a frame of its own, and stands nowhere but in that frame's `src`.
 *
 * @import { CloseReason, GetToken, WidgetError, WidgetOptions, WidgetSettings, WidgetState } from "./embed.js"
 * @import { MxWidgetElement as Declared } from "./embed.js"
 */

const REQUEST_TIMEOUT_MS = 65_000; // The service answers within 60 s.
const LOAD_TIMEOUT_MS = 20_000;
const BACK_TIMEOUT_MS = 5000;
const PING_EVERY_MS = 60_000;

/** MX's spelling by the lower case that names may come in. Source: MX, widget-post-message-definitions. */
const TYPES = new Map(
  [
    "load ping navigation focusTrap account/created client/oauthComplete pulse/overdraftWarning/cta/transferFunds",
    "loaded stepChange institutionSearch selectedInstitution enterCredentials updateCredentials submitMFA",
    "oauthRequested oauthError memberStatusUpdate memberConnected connected/primaryAction memberError",
    "createMemberError memberDeleted invalidData backToSearch",
  ].flatMap((names, line) =>
    names.split(" ").map((name) => {
      const type = `mx/${line === 0 ? "" : "connect/"}${name}`;
      return [type.toLowerCase(), type];
    }),
  ),
);

const STYLE = `
  :host { display: block; position: relative; min-block-size: 550px }
  :host([hidden]), :host([state="closed"]), [hidden] { display: none !important }
  iframe { position: absolute; inset: 0; inline-size: 100%; block-size: 100%; border: 0 }
  div {
    position: absolute; inset: 0; display: grid; gap: 1em;
    place-content: center; justify-items: center; text-align: center;
  }
`;

/** Properties that are attributes; the rest of them has a type other than text. */
const ATTRIBUTES = {
  sessionUrl: "session-url",
  widgetType: "widget-type",
  language: "language",
  credentials: "credentials",
  frameTitle: "frame-title",
  allow: "allow",
};

/** Without a DOM, as on a server, the module loads, and the class is never used. */
const Base = /** @type {new () => HTMLElement & Pick<Declared, keyof typeof ATTRIBUTES>} */ (
  class extends (globalThis.HTMLElement ?? class {}) {}
);
for (const [property, attribute] of Object.entries(ATTRIBUTES)) {
  Object.defineProperty(Base.prototype, property, {
    get() {
      return this.getAttribute(attribute) ?? "";
    },
    set(value) {
      this.setAttribute(attribute, value ?? "");
    },
    enumerable: true,
  });
}

export class MxWidgetElement extends Base {
  static observedAttributes = [...Object.values(ATTRIBUTES), "options"];

  /** @type {WidgetState} */
  #state = "idle";
  /** @type {GetToken | undefined} */
  #getToken;
  /** @type {WidgetOptions | undefined} */
  #options;
  /** Ended together with all requests, timers and listeners of the opening. */
  #opening = new AbortController();
  /** What was asked for, to know whether a change matters. */
  #asked = "";
  /** @type {HTMLIFrameElement | undefined} */
  #frame;
  #frameOrigin = "";
  /** Each is called by the event that it waits for. */
  #waits = {
    login: ignore,
    firstMessage: ignore,
    back: [ignore].slice(1),
  };
  #lastPing = -PING_EVERY_MS;
  /** Had the focus before the widget. @type {Element | null} */
  #opener = null;
  #loading = create("slot", { name: "loading", hidden: true, textContent: "Loading …" });
  #status = create("div", { role: "status", tabIndex: -1 }, this.#loading);
  #retry = create(
    "button",
    { type: "button" },
    create("slot", { name: "retry", textContent: "Try again" }),
  );
  #failure = create(
    "div",
    { role: "alert", hidden: true },
    create("slot", { name: "error", textContent: "This could not be opened." }),
    this.#retry,
  );
  #root = this.attachShadow({ mode: "open", delegatesFocus: true });

  constructor() {
    super();
    const sheet = new CSSStyleSheet(); // A Content-Security-Policy would hold back an attribute.
    sheet.replaceSync(STYLE);
    this.#root.adoptedStyleSheets = [sheet];
    this.#status.part.add("status");
    this.#failure.part.add("error");
    this.#retry.part.add("retry");
    this.#retry.addEventListener("click", () => {
      this.open();
      this.#status.focus(); // The button has gone.
    });
    this.#root.append(this.#status, this.#failure);
    for (const [name, value] of Object.entries(this)) {
      Reflect.deleteProperty(this, name); // Was set before this module had loaded.
      Reflect.set(this, name, value);
    }
  }

  get state() {
    return this.#state;
  }

  get getToken() {
    return this.#getToken;
  }
  set getToken(getToken) {
    this.#getToken = getToken;
    if (getToken) this.#waits.login(true);
  }

  /** Throws where the attribute is not JSON. @returns {WidgetOptions} */
  get options() {
    return this.#options ?? JSON.parse(this.getAttribute("options") || "{}");
  }
  set options(options) {
    this.#options = options;
    this.#reopenIfChanged();
  }

  get loadTimeoutMs() {
    return Number(this.getAttribute("load-timeout-ms")) || LOAD_TIMEOUT_MS;
  }
  set loadTimeoutMs(milliseconds) {
    this.setAttribute("load-timeout-ms", String(milliseconds));
  }

  get closeOnDone() {
    return this.hasAttribute("close-on-done");
  }
  set closeOnDone(isOn) {
    this.toggleAttribute("close-on-done", isOn);
  }

  connectedCallback() {
    this.open();
  }

  /** Moved with `moveBefore`: the frame lives on. */
  connectedMoveCallback() {}

  disconnectedCallback() {
    this.#end();
    queueMicrotask(() => {
      if (!this.isConnected) this.#close("removed"); // Else it was moved, and has opened anew.
    });
  }

  /** @param {string} name */
  attributeChangedCallback(name) {
    if (name === "frame-title" && this.#frame) this.#frame.title = this.frameTitle;
    this.#reopenIfChanged();
  }

  open() {
    if (!this.isConnected) return; // It opens when it is.
    this.#end();
    const focused = this.#focused();
    if (focused !== this) this.#opener = focused;
    this.#asked = this.#asking();
    this.#opening = new AbortController();
    this.#run(this.#opening.signal);
  }

  close() {
    this.#close("closed");
  }

  async back() {
    const { signal } = this.#opening;
    const { back } = this.#waits;
    if (this.#state !== "open") return false;
    const message = { mx: true, type: "mx/navigation", payload: { action: "back" } };
    this.#frame?.contentWindow?.postMessage(JSON.stringify(message), this.#frameOrigin);
    let answer = ignore;
    const didGoBack = await within(BACK_TIMEOUT_MS, signal, (settle) => {
      answer = settle;
      back.push(settle);
    });
    if (back.includes(answer)) back.splice(back.indexOf(answer), 1); // Nobody has answered.
    return didGoBack;
  }

  /** @param {AbortSignal} signal */
  async #run(signal) {
    window.addEventListener("message", (event) => this.#receive(event), { signal });
    window.addEventListener(
      "pageshow",
      ({ persisted }) => persisted && this.open(), // Back from the back/forward cache: the URL is spent.
      { signal },
    );
    this.#setState("loading");
    try {
      await this.#waitForLogin(signal);
      if ((await this.#show(signal)) || (await this.#show(signal))) return;
      throw failure("load-timeout", "The widget did not load, nor did a second one.");
    } catch (error) {
      if (!signal.aborted) this.#fail(/** @type {WidgetError} */ (error));
    }
  }

  /** @param {AbortSignal} signal */
  async #waitForLogin(signal) {
    await undefined; // What is set in one go makes one request.
    signal.throwIfAborted();
    if (this.#getToken || this.credentials) return;
    const isGiven = await within(this.loadTimeoutMs, signal, (settle) => {
      this.#waits.login = settle;
    });
    signal.throwIfAborted();
    if (!isGiven)
      throw failure("no-login", "Set the property getToken, or the attribute credentials.");
  }

  /** Whether the widget has said in time that it is there. @param {AbortSignal} signal */
  async #show(signal) {
    const { url, type } = await this.#askForUrl(signal);
    this.#frameOrigin = new URL(url).origin;
    this.#frame = create("iframe", {
      title: this.frameTitle || toTitle(type),
      allow: this.allow,
      referrerPolicy: "origin", // MX's code sends its messages to the referrer.
      src: url,
    });
    this.#root.append(this.#frame);
    const hasLoaded = await within(this.loadTimeoutMs, signal, (settle) => {
      this.#waits.firstMessage = settle;
    });
    signal.throwIfAborted();
    if (!hasLoaded) this.#removeFrame();
    return hasLoaded;
  }

  /** @param {AbortSignal} signal */
  async #askForUrl(signal) {
    let response = await this.#post(signal, false);
    if (response.status === 401 && this.#getToken) response = await this.#post(signal, true);
    const answer = await response.json().catch(() => undefined);
    signal.throwIfAborted();
    if (!response.ok) throw toFailure(response, answer);
    const { url, type } = answer?.widget_url ?? {};
    if (!isSafe(url)) throw failure("bad-answer", "There is no usable widget URL in the answer.");
    return { url, type: String(type) };
  }

  /**
   * @param {AbortSignal} signal
   * @param {boolean} isRefresh
   */
  async #post(signal, isRefresh) {
    /** @type {Record<string, string>} */
    const headers = { "Content-Type": "application/json" };
    if (this.#getToken)
      headers.Authorization = `Bearer ${await this.#askForToken(signal, isRefresh)}`;
    else headers["X-CSRF"] = "1";
    if (this.language) headers["Accept-Language"] = this.language;
    const body = this.#toBody();
    try {
      return await fetch(this.sessionUrl || "/session", {
        method: "POST",
        headers,
        body,
        credentials: this.credentials || "same-origin",
        redirect: "manual",
        signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
      });
    } catch (cause) {
      throw failure("network", "The service gives no answer, or not to this page.", { cause });
    }
  }

  /**
   * @param {AbortSignal} signal
   * @param {boolean} isRefresh
   */
  async #askForToken(signal, isRefresh) {
    let token;
    try {
      token = await this.#getToken?.({ isRefresh, signal });
    } catch (cause) {
      throw failure("token-failed", "getToken has failed.", { cause });
    }
    signal.throwIfAborted();
    if (typeof token === "string" && /^[\w.~+/-]+=*$/.test(token)) return token;
    throw failure("token-failed", "getToken must give the token, and nothing else, as a string.");
  }

  #toBody() {
    const type = this.widgetType && { widget_type: this.widgetType };
    try {
      return JSON.stringify({ widget_url: { ...this.options, ...type } });
    } catch (cause) {
      throw failure("bad-options", "The options are not JSON.", { cause, isRetryable: false });
    }
  }

  /** Anybody can send a message, and name any type in it. @param {MessageEvent} event */
  #receive({ isTrusted, source, origin, data }) {
    const sender = this.#frame?.contentWindow;
    if (!isTrusted || !sender || source !== sender || origin !== this.#frameOrigin) return;
    if (data?.mx !== true || typeof data.type !== "string") return;
    const known = TYPES.get(data.type.toLowerCase());
    const type = known ?? data.type;
    const metadata = data.metadata ?? {};
    if (this.#state === "loading") {
      this.#setState("open");
      this.#waits.firstMessage(true);
      if (this.autofocus) this.#frame?.focus();
      this.#tell("mx-load");
    }
    if (type === "mx/navigation") this.#waits.back.shift()?.(metadata.did_go_back === true);
    this.#tell("mx-message", { type, metadata });
    if (known) this.#tell(known, metadata); // Else a widget could make any event happen.
    if (type === "mx/ping" && performance.now() - this.#lastPing >= PING_EVERY_MS) {
      this.#lastPing = performance.now();
      this.#tell("mx-ping");
    }
    if (type === "mx/connect/connected/primaryAction") {
      this.#tell("mx-done");
      if (this.closeOnDone) this.#close("done");
    }
  }

  /** @param {WidgetError} error */
  #fail(error) {
    this.#removeFrame();
    this.#retry.hidden = !error.isRetryable;
    this.#setState("error");
    const isExplained = !this.#tell("mx-error", error);
    if (isExplained) this.#failure.hidden = true;
  }

  /** @param {CloseReason} reason */
  #close(reason) {
    if (this.#state === "idle" || this.#state === "closed") return;
    const focused = this.#focused();
    this.#end();
    this.#setState(reason === "removed" ? "idle" : "closed");
    if (focused === this || (reason === "removed" && !focused))
      /** @type {HTMLElement | null} */ (this.#opener)?.focus();
    this.#opener = null;
    this.#tell("mx-close", { reason });
  }

  #end() {
    this.#opening.abort();
    this.#removeFrame();
  }

  #removeFrame() {
    this.#frame?.remove();
    this.#frame = undefined;
  }

  #asking() {
    const { sessionUrl, widgetType, language, credentials } = this;
    const options = this.#options ?? this.getAttribute("options");
    return JSON.stringify([sessionUrl, widgetType, language, credentials, options]);
  }

  #reopenIfChanged() {
    const isOpening = this.#state !== "idle" && !this.#opening.signal.aborted;
    if (isOpening && this.#asking() !== this.#asked) this.open();
  }

  /** In this element's own tree; null where only the page as a whole has the focus. */
  #focused() {
    const root = this.isConnected ? this.getRootNode() : document;
    const { activeElement } = /** @type {Document | ShadowRoot} */ (root);
    return activeElement === document.body ? null : activeElement;
  }

  /** @param {WidgetState} state */
  #setState(state) {
    this.#state = state;
    this.setAttribute("state", state);
    this.ariaBusy = String(state === "loading");
    this.#loading.hidden = state !== "loading";
    this.#failure.hidden = state !== "error";
  }

  /**
   * False where a listener has prevented what the element does by itself.
   * @param {string} type
   */
  #tell(type, detail = /** @type {unknown} */ (null)) {
    const isError = type === "mx-error";
    const init = { detail, bubbles: true, composed: true, cancelable: isError };
    return this.dispatchEvent(new CustomEvent(type, init));
  }
}

/**
 * @param {Element | string} container
 * @param {WidgetSettings} settings
 */
export function openWidget(container, { signal, ...settings }) {
  const parent = typeof container === "string" ? document.querySelector(container) : container;
  if (!parent) throw new TypeError(`There is no element "${container}" to open the widget in.`);
  const widget = document.createElement("mx-widget");
  for (const [name, value] of Object.entries(settings)) {
    const [, event] = /^on([A-Z]\w*)$/.exec(name) ?? [];
    if (event && typeof value === "function")
      widget.addEventListener(`mx-${event.toLowerCase()}`, (happened) =>
        value(/** @type {CustomEvent} */ (happened).detail),
      );
    else if (name in widget) Reflect.set(widget, name, value);
    else if (value !== undefined) throw new TypeError(`There is no setting "${name}".`);
  }
  if (!widget.getToken && !widget.credentials)
    throw new TypeError("Set getToken, or credentials for logins by cookie.");
  const closing = new AbortController();
  signal?.addEventListener("abort", () => widget.close(), { signal: closing.signal });
  widget.addEventListener("mx-close", () => {
    closing.abort();
    widget.remove();
  });
  if (!signal?.aborted) parent.append(widget);
  return widget;
}

/** @param {boolean} _value */
function ignore(_value) {}

/** Calls `start` with what answers true or false; false, too, after the time and when the signal aborts.
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 * @param {(settle: (value: boolean) => void) => void} start
 * @returns {Promise<boolean>}
 */
function within(milliseconds, signal, start) {
  return new Promise((resolve) => {
    /** @param {boolean} value */
    const settle = (value) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", giveUp);
      resolve(value);
    };
    const giveUp = () => settle(false);
    const timer = setTimeout(giveUp, milliseconds);
    signal.addEventListener("abort", giveUp);
    start(settle);
  });
}

/**
 * @param {string} code
 * @param {string} message
 * @param {Partial<WidgetError>} rest
 * @returns {WidgetError}
 */
function failure(code, message, rest = {}) {
  return Object.assign(new Error(message), { code, isRetryable: true, ...rest });
}

/**
 * Source: RFC 9457 (problem details), as the service's contract has them.
 * @param {Response} response
 * @param {any} answer
 */
function toFailure({ status, url, headers }, answer) {
  const [, code] = /\/problems\/([\w-]+)$/.exec(answer?.type) ?? [];
  const retryAfterSeconds = Number(headers.get("Retry-After") ?? Number.NaN);
  const isRetryable = status === 0 || status >= 500 || [401, 408, 429].includes(status);
  const rest = {
    isRetryable,
    ...(status && { status }),
    ...(retryAfterSeconds >= 0 && { retryAfterSeconds }),
  };
  if (!code)
    return failure("bad-answer", `The answer is not the service's (status ${status}).`, rest);
  const { type, title, detail, request_id: requestId, errors } = answer;
  const problem = { type: new URL(type, url).href, title, detail, requestId, errors };
  return failure(code, detail ?? title, { ...rest, ...problem });
}

/** https; or this machine, for a simulator. @param {unknown} url */
function isSafe(url) {
  const { protocol, hostname } = URL.parse(String(url)) ?? {};
  const isLocal = /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname ?? "");
  return protocol === "https:" || (protocol === "http:" && isLocal);
}

/** "mini_budgets_widget": MX mini budgets. @param {string} type */
function toTitle(type) {
  return `MX ${type.replace(/_widget$/, "").replaceAll("_", " ")}`;
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {Partial<HTMLElementTagNameMap[K]>} properties
 * @param {Node[]} children
 */
function create(name, properties, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

if (globalThis.customElements && !customElements.get("mx-widget"))
  customElements.define("mx-widget", MxWidgetElement);
