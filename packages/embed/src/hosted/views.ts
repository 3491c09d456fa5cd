/** What the page shows, one view at a time. */

import { h } from "../panel.ts";
import { findTexts, type Texts } from "./texts.ts";

type Word = keyof Texts["words"];

/** A press that comes sooner was meant for what lay over the page: the second half of a double click, for example. */
const ARMED_AFTER_MS = 500;

export class Views {
  readonly #name: string;
  readonly #texts: Texts;

  /** `language`: a tag; the browser's own if empty. */
  constructor(name: string, language: string, colorScheme: string) {
    this.#name = name;
    this.#texts = findTexts(language || navigator.language);
    document.documentElement.lang = this.#texts.lang;
    document.documentElement.dataset.scheme = colorScheme;
  }

  /** Whether the user wants what the link is for. */
  ask(onAnswer: (isYes: boolean) => void): void {
    const yes = this.#button("yes", () => yes.ariaDisabled === "true" || onAnswer(true));
    const no = this.#button("no", () => onAnswer(false));
    no.className = "quiet";
    arm(yes);
    this.#show(this.#title("askTitle"), this.#text("ask"), h("p", { class: "choices" }, yes, no));
  }

  /** Returns where the widget goes, and how to say that its work is done. */
  widget(onClose: () => void): { stage: HTMLElement; connected: () => void } {
    const close = this.#button("close", onClose);
    close.className = "quiet";
    const title = h("h1", {}, this.#partner());
    const stage = h("div", { class: "stage" });
    document.body.replaceChildren(h("header", {}, title, close), h("main", {}, stage));
    scrollTo(0, 0); // The question may have been longer than the screen.
    return { stage, connected: () => close.replaceChildren(this.#say("done")) };
  }

  /** The last view. `target` leads to the app; `detail` is for developers. */
  end(title: Word, text: Word, target: string, detail = ""): void {
    const link = h("a", { class: "button", href: target });
    link.append(this.#say("back"));
    const heading = this.#title(title);
    heading.tabIndex = -1;
    this.#show(
      heading,
      this.#text(text),
      ...(detail
        ? [h("p", { lang: "en", dir: "ltr" }, h("code", {}, document.createTextNode(detail)))]
        : []),
      ...(target ? [h("p", { class: "choices" }, link)] : []),
    );
    heading.focus(); // So that it is read out.
  }

  #show(...parts: HTMLElement[]): void {
    document.body.replaceChildren(h("main", { class: "card" }, ...parts));
  }

  #title(word: Word): HTMLElement {
    return h("h1", { dir: "auto" }, this.#say(word));
  }

  #text(word: Word): HTMLElement {
    return h("p", { dir: "auto" }, this.#say(word));
  }

  #button(word: Word, onPress: () => void): HTMLButtonElement {
    const button = h("button", { type: "button" }, this.#say(word));
    button.addEventListener("click", onPress);
    return button;
  }

  #say(word: Word): DocumentFragment {
    const sentence = document.createDocumentFragment();
    const [first = "", ...others] = this.#texts.words[word].split("{name}");
    sentence.append(first);
    for (const part of others) sentence.append(this.#partner(), part);
    return sentence;
  }

  /** May be of another script and direction than the sentence. */
  #partner(): HTMLElement {
    return h("bdi", {}, document.createTextNode(this.#name));
  }
}

function arm(button: HTMLButtonElement): void {
  let timer = 0;
  const wait = () => {
    clearTimeout(timer);
    button.ariaDisabled = "true";
    timer = window.setTimeout(() => {
      button.ariaDisabled = "false";
    }, ARMED_AFTER_MS);
  };
  wait();
  window.addEventListener("focus", wait);
  document.addEventListener("visibilitychange", wait);
}
