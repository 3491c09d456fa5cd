/** The element `<mx-widget>`: opens, listens, fails, closes. */

import { askPatiently, canAsk, type Grant, isOfConnection, waitForVisitor } from "./ask.ts";
import { goBack } from "./back.ts";
import { createFocus } from "./focus.ts";
import { createFrame, waitForWidget } from "./frame.ts";
import { listen, tell } from "./listen.ts";
import { followMember, forgetMember, readUser } from "./member.ts";
import { readMessage } from "./messages.ts";
import { Panel } from "./panel.ts";
import { createPreparation } from "./prepare.ts";
import { noteFailure, restMs } from "./retry-time.ts";
import { SettingsElement } from "./settings-element.ts";
import { watchSilence } from "./silence.ts";
import type { Step } from "./texts.ts";
import { within } from "./time.ts";
import { watchTrigger } from "./trigger.ts";
import type { CloseReason, WidgetError, WidgetState } from "./types.ts";

const PING_EVERY_MS = 60_000;
/** Between tries to prepare, unless the service names a time. */
const PREPARE_PAUSE_SECONDS = 30;

/**
 * Registered as `<mx-widget>` when this module is loaded. Without a DOM, as on a server, importing it does nothing.
 *
 * Every opening asks for a URL of its own, as MX's URLs open once. The element opens whenever it is in the document and
 * knows how to log in, or waits for its trigger; out of the document it leaves nothing behind.
 */
export class MxWidgetElement extends SettingsElement {
  #state: WidgetState = "idle";
  /** Ends what runs while the element is in the document. */
  #presence = new AbortController();
  /** Ends all requests, timers and listeners of the opening. */
  #opening = new AbortController();
  #key = "";
  #frame: HTMLIFrameElement | undefined;
  #grant: Grant | undefined;
  #heard: ((isPing: boolean) => void) | undefined;
  #lastPing = -PING_EVERY_MS;
  #backing = Promise.resolve(false);
  #focus = createFocus(this);
  #root = this.attachShadow({ mode: "open" });
  #panel = new Panel(this.#root, () => this.open());
  #preparation = createPreparation(this, this.#root);

  constructor() {
    super();
    const early = { ...this }; // Was set before this module had loaded.
    for (const name in early) Reflect.deleteProperty(this, name);
    Object.assign(this, early);
  }

  /** Also the attribute `state`, for style sheets. */
  get state(): WidgetState {
    return this.#state;
  }

  /** Opens with a new URL, whatever the state: to try again, or after `close`. Waits for the time of a `Retry-After`. */
  open(): void {
    if (!this.isConnected) return; // It opens when it is.
    this.#focus.opening();
    this.#key = this.toKey();
    this.#focus.hold(() => {
      this.#end();
      this.#opening = new AbortController();
      this.#panel.loading(this, this.#opening.signal);
      this.#setState("loading");
    });
    this.#run(this.#opening.signal);
  }

  /** Asks for the URL that `open()` then uses, within nine minutes. Resolves to whether there is one. */
  async prepare(): Promise<boolean> {
    if (!canAsk(this) || /loading|open/.test(this.#state)) return false;
    return restMs(this, PREPARE_PAUSE_SECONDS) <= 0 && this.#preparation.prepare();
  }

  /** Ends the widget, returns the focus to where it was before, fires `mx-close`. */
  close(): void {
    this.#close("closed");
  }

  /** Asks the widget to go back one step. `false`: it is at its first step, not open, or silent for five seconds. */
  back(): Promise<boolean> {
    this.#backing = this.#backing.then(() =>
      this.#state === "open" && this.#frame
        ? goBack(this, this.#frame, this.#opening.signal)
        : false,
    );
    return this.#backing; // One after the other, as are the answers.
  }

  override focus(options?: FocusOptions): void {
    (this.#frame ?? this.#panel).focus(options);
  }

  /** @internal */
  connectedCallback(): void {
    this.#presence = new AbortController();
    const { signal } = this.#presence;
    this.#focus.watch(signal);
    if (this.hasAttribute("trigger"))
      watchTrigger(
        this,
        signal,
        () => (/loading|open/.test(this.#state) ? this.focus() : this.open()),
        () => this.prepare(),
      );
    if (this.#isRunning() || !this.hasAttribute("trigger")) this.open();
    else if (this.#state !== "closed") this.#setState("idle");
  }

  /** Moved with `moveBefore`: the frame lives on. @internal */
  connectedMoveCallback(): void {}

  /** @internal */
  disconnectedCallback(): void {
    this.#presence.abort();
    this.#preparation.drop();
    this.#focus.hold(() => this.#end());
    queueMicrotask(() => {
      if (!this.isConnected) this.#close("removed"); // Else it was moved, and has opened anew.
    });
  }

  /** @internal */
  override attributeChangedCallback(): void {
    const isOpening = this.#isRunning() && !this.#opening.signal.aborted;
    if (isOpening && this.toKey() !== this.#key) this.open();
  }

  /** At most two URLs, and nothing more without the user. */
  async #run(signal: AbortSignal): Promise<void> {
    listen(window, "message", (event: MessageEvent) => this.#receive(event), signal);
    const waitMs = restMs(this); // A press that comes too early is remembered.
    try {
      if (waitMs > 0) {
        this.#panel.step("server");
        await within(waitMs, signal);
      }
      await waitForVisitor(this, signal); // What is set in one go makes one request.
      signal.throwIfAborted();
      const prepared = await this.#preparation.take(signal);
      const error = (await this.#show(signal, prepared)) && (await this.#show(signal));
      if (error) throw error;
      this.#preparation.drop();
    } catch (error) {
      if (!signal.aborted) this.#fail(error as WidgetError);
    }
  }

  /** Why another URL may help. Throws if none would. */
  async #show(signal: AbortSignal, prepared?: Grant): Promise<WidgetError | undefined> {
    const onStep = (step: Step) => this.#panel.step(step);
    const grant = prepared ?? (await askPatiently(this, signal, onStep));
    signal.throwIfAborted();
    onStep("server");
    this.#grant = grant;
    this.#frame = createFrame(this, grant);
    const waiting = waitForWidget(this, this.#frame, grant, signal);
    this.#panel.stage.append(this.#frame);
    const error = await waiting;
    if (error && !error.isRetryable) throw error;
    if (error) this.#focus.hold(() => this.#removeFrame());
    return error;
  }

  #removeFrame(): void {
    this.#frame?.remove();
    this.#frame = undefined;
  }

  /** Anybody can send a message, and name any type in it. */
  #receive({ isTrusted, source, origin, data }: MessageEvent): void {
    const message = readMessage(data);
    if (!message || !isTrusted || !this.#frame || !this.#grant) return;
    if (source !== this.#frame.contentWindow || origin !== new URL(this.#frame.src).origin) return;
    const { type, isKnown, metadata } = message;
    if (this.#state === "loading") this.#loaded();
    this.#heard?.(type === "mx/ping");
    if (!this.getUrl) followMember(message, readUser(this.#grant.token), this.widgetType);
    tell(this, "mx-message", { type, metadata });
    if (isKnown) tell(this, type, metadata);
    if (type === "mx/ping" && performance.now() - this.#lastPing >= PING_EVERY_MS) {
      this.#lastPing = performance.now();
      tell(this, "mx-ping");
    }
    if (type === "mx/connect/connected/primaryAction") {
      tell(this, "mx-done");
      if (this.closeOnDone) this.#close("done");
    }
  }

  #loaded(): void {
    this.#setState("open");
    this.#panel.opened();
    this.#heard = watchSilence(this, this.#opening.signal, (isStalled) =>
      this.#panel.offer(isStalled && tell(this, "mx-stalled", null, true)),
    );
    this.#focus.loaded(this.focusOnLoad);
    tell(this, "mx-load");
  }

  #fail(error: WidgetError): void {
    noteFailure(this, error);
    if (isOfConnection(error))
      listen(window, "online pageshow", () => this.open(), this.#opening.signal);
    this.#focus.hold(() => {
      this.#removeFrame();
      this.#setState("error");
      this.#panel.failed(error);
    });
    if (!tell(this, "mx-error", error, true)) this.#panel.opened(); // The page explains it itself.
  }

  #close(reason: CloseReason): void {
    if (!this.#isRunning()) return;
    const isRemoved = reason === "removed";
    if (!isRemoved || this.#state === "open") forgetMember(this.widgetType);
    this.#focus.closed(isRemoved, () => {
      this.#end();
      this.#setState(isRemoved ? "idle" : "closed");
    });
    tell(this, "mx-close", { reason });
  }

  #end(): void {
    this.#opening.abort();
    this.#removeFrame();
  }

  #isRunning(): boolean {
    return /loading|open|error/.test(this.#state);
  }

  #setState(state: WidgetState): void {
    this.#state = state;
    this.setAttribute("state", state);
    this.setAttribute("aria-busy", String(state === "loading"));
  }
}
