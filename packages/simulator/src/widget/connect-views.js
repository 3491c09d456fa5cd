/**
 * What the Connect widget shows in each step. A view is a list of elements; what the user does there is handed to `on`.
 *
 * `t` is the words of a language (texts.js).
 */

import { h, svg } from "./dom.js";
import { searchInstitutions } from "./institutions.js";

const SEARCH_PAUSE_MS = 300;

export function viewSearch(t, options, on) {
  const list = h("ul", { className: "banks" });
  const status = h("p", { role: "status", className: "soft" });
  const input = h("input", { type: "search", id: "search", autocomplete: "off" });
  const fill = () => {
    const found = searchInstitutions(input.value, options.iso_country_code);
    list.replaceChildren(...found.map((bank) => toBankItem(bank, on.select)));
    status.textContent = found.length === 0 ? t.noBank : "";
  };
  let typing;
  input.addEventListener("input", () => {
    fill();
    clearTimeout(typing);
    typing = setTimeout(() => on.search(input.value), SEARCH_PAUSE_MS);
  });
  fill();
  const label = h("label", { htmlFor: "search" }, t.searchLabel);
  const unlisted = toQuietButton(t.unlisted, () => on.unlisted());
  return [h("h1", {}, t.search), ...toPurpose(t, options), label, input, list, status, unlisted];
}

function toBankItem(bank, select) {
  const mark = h("span", { className: "mark", "aria-hidden": "true" }, bank.name.charAt(0));
  const press = () => select(bank);
  return h("li", {}, h("button", { type: "button", onclick: press }, mark, bank.name));
}

export function viewNoSearch(t) {
  return [h("h1", {}, t.search), h("p", { role: "alert" }, t.noSearch)];
}

/** The products of `data_request`, in words. */
function toPurpose(t, options) {
  const products = options.data_request?.products ?? [];
  if (products.length === 0) return [];
  const names = products.map((product) => t.products[product] ?? product);
  return [h("p", { className: "soft" }, `${t.purpose} ${names.join(", ")}.`)];
}

export function viewCredentials(t, { bank, isRepair, options }, on) {
  const plain = { autocomplete: "off", required: true };
  const user = h("input", { id: "user", ...plain });
  const password = h("input", { id: "password", type: "password", ...plain });
  return [
    h("h1", {}, isRepair ? t.repair(bank.name) : t.credentials(bank.name)),
    ...toPurpose(t, options),
    toForm(
      () => on.submit(user.value, password.value),
      h("label", { htmlFor: "user" }, t.user),
      user,
      h("label", { htmlFor: "password" }, t.password),
      password,
      h("button", { className: "primary" }, t.continue),
    ),
    h("p", { className: "soft" }, t.hint),
    toQuietButton(t.back, on.back),
  ];
}

export function viewChallenge(t, challenge, on) {
  const submit = (event) => on.submit(String(new FormData(event.target).get("answer") ?? ""));
  const question = challenge === "options" ? toChoice(t) : toQuestion(t, challenge === "image");
  const button = h("button", { className: "primary" }, t.continue);
  return [
    h("h1", {}, t.question),
    toForm(submit, ...question, button),
    h("p", { className: "soft" }, t.answerHint),
    toQuietButton(t.back, on.back),
  ];
}

function toQuestion(t, isImage) {
  return [
    ...(isImage ? [toPicture("correct")] : []),
    h("label", { htmlFor: "answer" }, isImage ? t.askImage : t.ask),
    h("input", { id: "answer", name: "answer", autocomplete: "off", required: true }),
  ];
}

function toChoice(t) {
  const radios = ["correct", t.wrong].map((value) => {
    const radio = h("input", { type: "radio", name: "answer", value, required: true });
    return h("label", { className: "radio" }, radio, value);
  });
  return [h("fieldset", {}, h("legend", {}, t.askOption), ...radios)];
}

export function viewConnecting(t, bank) {
  const text = t.connecting(bank.name);
  return [h("h1", {}, text), h("progress", { "aria-label": text })];
}

/** Without `on.another` there is no other bank to choose. */
export function viewConnected(t, bank, on) {
  return [
    toTick(),
    h("h1", {}, t.connected),
    h("p", {}, t.connectedTo(bank.name)),
    toMainButton(t.done, on.done),
    ...(on.another ? [toQuietButton(t.another, on.another)] : []),
  ];
}

export function viewError(t, text, on) {
  return [
    h("h1", {}, t.failed),
    h("p", { role: "alert" }, text),
    toMainButton(t.tryAgain, on.retry),
    toQuietButton(t.back, on.back),
  ];
}

export function viewOauth(t, { bank, options }, on) {
  return [
    h("h1", {}, t.oauth(bank.name)),
    ...toPurpose(t, options),
    h("p", {}, t.oauthText),
    toMainButton(t.openBank, on.open),
    toQuietButton(t.back, on.back),
  ];
}

export function viewWaiting(t, text, on) {
  const again = h("button", { type: "button", onclick: on.open }, t.tryAgain);
  return [
    h("h1", {}, t.waiting),
    h("p", { role: "status" }, text),
    again,
    toQuietButton(t.back, on.back),
  ];
}

/** The user's own click on a link is not blocked. */
export function viewBlocked(t, url, on) {
  const link = h("a", { href: url, target: "_blank", rel: "opener" }, t.openHere);
  return [
    h("h1", {}, t.waiting),
    h("p", { role: "alert" }, t.blocked),
    link,
    toQuietButton(t.back, on.back),
  ];
}

function toMainButton(text, onclick) {
  return h("button", { type: "button", className: "primary", onclick }, text);
}

function toQuietButton(text, onclick) {
  return h("button", { type: "button", className: "quiet", onclick }, text);
}

function toForm(submit, ...children) {
  const onsubmit = (event) => {
    event.preventDefault();
    submit(event);
  };
  return h("form", { onsubmit }, ...children);
}

function toPicture(word) {
  const letters = svg("text", { x: "50%", y: "60%", "text-anchor": "middle" }, word);
  const attributes = { viewBox: "0 0 200 60", class: "picture", role: "img", "aria-label": word };
  return svg("svg", attributes, letters);
}

function toTick() {
  const path = svg("path", { d: "M14 25l8 8 14-16" });
  const circle = svg("circle", { cx: 24, cy: 24, r: 22 });
  return svg("svg", { viewBox: "0 0 48 48", class: "tick", "aria-hidden": "true" }, circle, path);
}
