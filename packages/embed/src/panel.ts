/** What the element shows instead of a widget, and beside one. */

import type { SettingsElement } from "./settings-element.ts";
import { STYLE } from "./style.ts";
import { findTexts, type Step, type Texts, toReason } from "./texts.ts";
import { after } from "./time.ts";
import type { WidgetError } from "./types.ts";

/** After this a load says what it waits for. */
const EXPLAIN_MS = 3000;

export class Panel {
  /** Takes the frame. */
  readonly stage: HTMLElement;
  #say: Texts = findTexts("");
  #step: Step = "login";
  #isExplaining = false;
  #words = h("p");
  #status = h(
    "div",
    { part: "status", role: "status", tabindex: "-1" },
    h(
      "slot",
      { name: "loading" },
      this.#words,
      h("div", { part: "skeleton", "aria-hidden": "true" }, ...[1, 2, 3, 4].map(() => h("i"))),
    ),
  );
  #title = h("strong");
  #reason = h("p");
  #reference = h("p");
  #retryWords = h("slot", { name: "retry" });
  #retry = h("button", { part: "retry" }, this.#retryWords);
  #problem = h(
    "div",
    { part: "error", role: "alert", tabindex: "-1" },
    h("slot", { name: "error" }, this.#title, this.#reason, this.#reference),
    this.#retry,
  );
  #noticeWords = h("p");
  #restart = h("button", { part: "restart" });
  #notice = h("div", { part: "notice", role: "status" }, this.#noticeWords, this.#restart);

  constructor(root: ShadowRoot, onPress: () => void) {
    const sheet = new CSSStyleSheet(); // A Content-Security-Policy would block a style attribute.
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    this.#retry.onclick = this.#restart.onclick = onPress;
    this.stage = h("div", { class: "stage" }, this.#status, this.#problem);
    root.append(h("section", {}, this.stage, this.#notice)); // A page's own `display` must not undo the layout.
    this.#show();
  }

  loading(element: SettingsElement, signal: AbortSignal): void {
    const { lang } = element.closest<HTMLElement>("[lang]") ?? document.documentElement;
    this.#say = findTexts(element.language || lang || navigator.language);
    this.#isExplaining = false;
    after(EXPLAIN_MS, signal, () => {
      this.#isExplaining = true;
      this.step(this.#step);
    });
    after(element.loadTimeoutMs, signal, () => this.offer(this.#step === "login")); // It may never be there.
    this.step("login");
    this.#show(this.#status);
  }

  step(step: Step): void {
    this.#step = step;
    this.#notice.hidden = true;
    this.#write(this.#words, this.#isExplaining || step === "offline" ? step : "loading");
  }

  opened(): void {
    this.#show();
  }

  failed(error: WidgetError): void {
    const { requestId, isRetryable } = error;
    this.#write(this.#title, "failed");
    this.#write(this.#reason, toReason(error));
    this.#reference.textContent = requestId ?? "";
    this.#write(this.#retryWords, "retry");
    this.#retry.hidden = !isRetryable;
    this.#show(this.#problem);
  }

  /** Beside an open widget that may be dead. */
  offer(isStalled: boolean): void {
    this.#write(this.#noticeWords, "stalled");
    this.#write(this.#restart, "retry");
    this.#notice.hidden = !isStalled;
  }

  /** For the focus while there is no frame. */
  focus(options?: FocusOptions): void {
    const target = this.#retry.hidden ? this.#problem : this.#retry;
    (this.#status.hidden ? target : this.#status).focus(options);
  }

  #show(shown?: HTMLElement): void {
    for (const part of [this.#status, this.#problem, this.#notice]) part.hidden = part !== shown;
  }

  /** The page, and what it puts into the slots, may be in another language and direction. */
  #write(part: HTMLElement, name: string): void {
    Object.assign(part, { textContent: this.#say(name), lang: this.#say("lang"), dir: "auto" });
  }
}

/** An element. Everything is an attribute: not every browser has ARIA's properties. */
export function h<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Record<string, string> = {},
  ...children: Node[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}
