/**
 * One MX widget on a page; embed.d.ts says what each part is for. A widget URL is used once, and stands nowhere but in
 * the `src` of its frame.
 *
 * @import * as Types from "./embed.js"
 */

const REQUEST_TIMEOUT_MS = 65_000; // The service answers within 60 s.
const BACK_TIMEOUT_MS = 5000;
const PING_EVERY_MS = 60_000;

/** Names may come in lower case. */
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

/** https; or this machine, for a simulator. */
const SAFE_URL = /^(https:\/\/[\w.-]|http:\/\/(localhost|127(\.\d+){3}|\[::1])(:\d+)?\/)/;

const STYLE = `
  :host { display: block; position: relative; min-block-size: 550px }
  :host([hidden]), :host([state="closed"]), [hidden] { display: none !important }
  iframe { position: absolute; inset: 0; inline-size: 100%; block-size: 100%; border: 0 }
  div {
    position: absolute; inset: 0; display: grid; gap: 1em;
    place-content: center; justify-items: center; text-align: center;
  }
`;

const ATTRIBUTES = ["sessionUrl", "widgetType", "language", "credentials", "frameTitle", "allow"];

/** On a server, without a DOM, the module loads, and the class is never used. */
const Base = /** @type {new () => HTMLElement & Types.TextSettings} */ (
  class extends (globalThis.HTMLElement ?? class {}) {}
);
for (const name of ATTRIBUTES) {
  Object.defineProperty(Base.prototype, name, {
    get() {
      return this.getAttribute(toAttribute(name)) ?? "";
    },
    set(value) {
      this.setAttribute(toAttribute(name), value ?? "");
    },
    enumerable: true,
  });
}

export class MxWidgetElement extends Base {
  static observedAttributes = [...ATTRIBUTES, "options"].map(toAttribute);

  /** @type {Types.WidgetState} */
  #state = "idle";
  /** @type {Types.GetToken | undefined} */
  #getToken;
  /** @type {Types.WidgetOptions | undefined} */
  #options;
  /** Ends with all requests, timers and listeners of the opening. */
  #opening = new AbortController();
  /** To know whether a change matters. */
  #asked = "";
  /** @type {HTMLIFrameElement | undefined} */
  #frame;
  #frameOrigin = "";
  /** Called by what they wait for. */
  #waits = { login: ignore, firstMessage: ignore, back: [ignore].slice(1) };
  #lastPing = -PING_EVERY_MS;
  /** Had the focus before the widget. @type {Element | null} */
  #opener = null;
  #loading = make("slot", { name: "loading", hidden: true, textContent: "Loading …" });
  #status = make("div", { role: "status", part: "status", tabIndex: -1 });
  #failure = make("div", { role: "alert", part: "error", hidden: true });
  #retry = make("button", { part: "retry", onclick: () => this.#openAgain() });
  #root = this.attachShadow({ mode: "open" });

  constructor() {
    super();
    const sheet = new CSSStyleSheet(); // A Content-Security-Policy would hold back an attribute.
    sheet.replaceSync(STYLE);
    this.#root.adoptedStyleSheets = [sheet];
    this.#root.append(this.#status, this.#failure);
    this.#status.append(this.#loading);
    this.#failure.append(make("slot", { name: "error", textContent: "This could not be opened." }));
    this.#failure.append(this.#retry);
    this.#retry.append(make("slot", { name: "retry", textContent: "Try again" }));
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

  /** Throws where the attribute is not JSON. @returns {Types.WidgetOptions} */
  get options() {
    return this.#options ?? JSON.parse(this.getAttribute("options") || "{}");
  }
  set options(options) {
    this.#options = options;
    this.#reopenIfChanged();
  }

  get loadTimeoutMs() {
    return Number(this.getAttribute("load-timeout-ms")) || 20_000;
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

  get focusOnLoad() {
    return this.hasAttribute("focus-on-load");
  }
  set focusOnLoad(isOn) {
    this.toggleAttribute("focus-on-load", isOn);
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

  attributeChangedCallback() {
    this.#reopenIfChanged();
  }

  open() {
    if (!this.isConnected) return; // It opens when it is.
    this.#end();
    const focused = this.#focused();
    if (focused !== this) this.#opener = focused;
    this.#asked = this.#asking();
    this.#opening = new AbortController();
    this.#run();
  }

  close() {
    this.#close();
  }

  /** @param {FocusOptions} [options] */
  focus(options) {
    (this.#frame ?? this.#status).focus(options);
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

  #openAgain() {
    this.open();
    this.focus(); // The button has gone.
  }

  async #run(signal = this.#opening.signal) {
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
      if (!signal.aborted) this.#fail(/** @type {Types.WidgetError} */ (error));
    }
  }

  async #waitForLogin(signal = this.#opening.signal) {
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

  /** Whether the widget has said in time that it is there. */
  async #show(signal = this.#opening.signal) {
    const { url, type } = await this.#askForUrl(signal);
    this.#frameOrigin = new URL(url).origin;
    this.#frame = make("iframe", {
      title: this.frameTitle || `MX ${type.replaceAll("_", " ")}`,
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

  async #askForUrl(signal = this.#opening.signal) {
    let response = await this.#post(signal);
    if (response.status === 401 && this.#getToken) response = await this.#post(signal, true);
    const answer = await response.json().catch(() => undefined);
    signal.throwIfAborted();
    if (!response.ok) throw toFailure(response, answer);
    const { url, type } = answer?.widget_url ?? {};
    if (SAFE_URL.test(url)) return { url, type: String(type) };
    throw failure("bad-answer", "There is no usable widget URL in the answer.");
  }

  async #post(signal = this.#opening.signal, isRefresh = false) {
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
        signal: AbortSignal.any?.([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]) ?? signal,
      });
    } catch (cause) {
      throw failure("network", "There is no answer, or not for this page.", { cause });
    }
  }

  async #askForToken(signal = this.#opening.signal, isRefresh = false) {
    let token;
    try {
      token = await this.#getToken?.({ isRefresh, signal });
    } catch (cause) {
      throw failure("token-failed", "getToken has failed.", { cause });
    }
    signal.throwIfAborted();
    if (typeof token === "string" && /^[\w.~+/-]+=*$/.test(token)) return token;
    throw failure("token-failed", "getToken must give the token alone, as a string.");
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
      if (this.focusOnLoad) this.focus();
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

  /** @param {Types.WidgetError} error */
  #fail(error) {
    this.#removeFrame();
    this.#retry.hidden = !error.isRetryable;
    this.#setState("error");
    if (!this.#tell("mx-error", error, true)) this.#failure.hidden = true;
  }

  #close(reason = /** @type {Types.CloseReason} */ ("closed")) {
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
    const options = this.#options ?? (this.getAttribute("options") || {});
    return JSON.stringify([sessionUrl, widgetType, language, credentials, options]);
  }

  #reopenIfChanged() {
    const isOpening = this.#state !== "idle" && !this.#opening.signal.aborted;
    if (isOpening && this.#asking() !== this.#asked) this.open();
  }

  /** In this element's own tree; null where only the page as a whole has the focus. */
  #focused() {
    const root = this.isConnected ? this.getRootNode() : document;
    const { activeElement } = /** @type {Document} */ (root);
    return activeElement === document.body ? null : activeElement;
  }

  /** @param {Types.WidgetState} state */
  #setState(state) {
    this.#state = state;
    this.setAttribute("state", state);
    this.ariaBusy = String(state === "loading");
    this.#loading.hidden = state !== "loading";
    this.#failure.hidden = state !== "error";
  }

  /** False where a listener has prevented what would follow. @param {string} type */
  #tell(type, detail = /** @type {unknown} */ (null), cancelable = false) {
    const init = { detail, bubbles: true, composed: true, cancelable };
    return this.dispatchEvent(new CustomEvent(type, init));
  }
}

/**
 * @param {Element | string} container
 * @param {Types.WidgetSettings} settings
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

function ignore(_value = false) {}

/**
 * What `start` passes on; false after the time, and when the signal aborts. Leaves no timer.
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 * @param {(settle: typeof ignore) => void} start
 * @returns {Promise<boolean>}
 */
function within(milliseconds, signal, start) {
  return new Promise((resolve) => {
    const settle = (value = false) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", giveUp);
      resolve(value);
    };
    const giveUp = () => settle();
    const timer = setTimeout(giveUp, milliseconds);
    signal.addEventListener("abort", giveUp);
    start(settle);
  });
}

/**
 * @param {string} code
 * @param {string} message
 * @param {Partial<Types.WidgetError>} rest
 * @returns {Types.WidgetError}
 */
function failure(code, message, rest = {}) {
  return Object.assign(new Error(message), { code, isRetryable: true, ...rest });
}

/**
 * @param {Response} response
 * @param {any} answer
 */
function toFailure({ status, url, headers }, answer) {
  const [, code] = /\/problems\/([\w-]+)$/.exec(answer?.type) ?? [];
  const { type, title, detail, request_id: requestId, errors } = code ? answer : {};
  const message = detail ?? `The answer is not the service's (status ${status}).`;
  return failure(code ?? "bad-answer", message, {
    isRetryable: !status || status >= 500 || [401, 408, 429].includes(status),
    status: status || undefined,
    type: type && new URL(type, url).href,
    title,
    detail,
    requestId,
    errors,
    retryAfterSeconds: Number(headers.get("Retry-After")) || undefined,
  });
}

/** "sessionUrl": session-url. @param {string} name */
function toAttribute(name) {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 */
function make(name, properties = {}) {
  return Object.assign(document.createElement(name), properties);
}

if (globalThis.customElements && !customElements.get("mx-widget"))
  customElements.define("mx-widget", MxWidgetElement);
