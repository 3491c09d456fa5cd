/**
 * The Connect widget: find a bank, log in there, done. Each step tells what MX's widget tells, in the same order.
 *
 * Steps are MX's: search, enterCreds, mfa, connecting, connected, loginError, oAuthError. That the first step's
 * `previous` is empty is assumed. Source: MX, Widget events; connect-widget.
 */

import { answerChallenge, logIn, STATUS } from "./bank-login.js";
import { h, show, svg } from "./dom.js";
import { findInstitution, INSTITUTIONS, searchInstitutions } from "./institutions.js";
import { toScheme } from "./messages.js";
import { randomGuid } from "./random-guid.js";
import { TEXTS } from "./texts.js";

/** A real bank takes seconds. */
const BANK_MS = 250;

/** @returns {{ goBack: () => boolean, finishOauth: (result: object) => void }} */
export function startConnect({ root, tell, options, language }) {
  const t = TEXTS[language] ?? TEXTS.en;
  const isSearchDisabled = options.disable_institution_search === true;
  const canSearch = () => !isSearchDisabled && step !== "search";
  let step = "";
  let institution = findInstitution(options);
  let memberGuid = options.current_member_guid ?? undefined;
  let bankWindow;
  let isAtBank = false;

  if (memberGuid) institution ??= INSTITUTIONS[0]; // Whose member it is, MX knows.
  if (institution) enterBank();
  else go("search", viewSearch());
  tell("connect/loaded", { initial_step: step });
  return { goBack, finishOauth };

  function go(next, view) {
    tell("connect/stepChange", { previous: step, current: next });
    step = next;
    show(root, view);
  }

  function stay(view) {
    show(root, view);
  }

  /** MX's widget is at its root where there is nothing to go back to. */
  function goBack() {
    if (!canSearch() || step === "connecting" || step === "connected") return false;
    leaveBank();
    return true;
  }

  function leaveBank() {
    tell("connect/backToSearch", {});
    if (isSearchDisabled) return; // The host decides.
    isAtBank = false;
    bankWindow?.close();
    institution = undefined;
    memberGuid = undefined;
    go("search", viewSearch());
  }

  function viewSearch() {
    if (isSearchDisabled) return [h("h1", {}, t.search), h("p", { role: "alert" }, t.noSearch)];
    const list = h("ul", { className: "banks" });
    const status = h("p", { role: "status", className: "soft" });
    const input = h("input", { type: "search", id: "search", autocomplete: "off" });
    const fill = () => {
      const found = searchInstitutions(input.value, options.iso_country_code);
      list.replaceChildren(...found.map(toBankItem));
      status.textContent = found.length === 0 ? t.noBank : "";
    };
    let typing;
    input.addEventListener("input", () => {
      fill();
      clearTimeout(typing);
      typing = setTimeout(() => tell("connect/institutionSearch", { query: input.value }), 300);
    });
    fill();
    return [
      h("h1", {}, t.search),
      ...viewPurpose(),
      h("label", { htmlFor: "search" }, t.searchLabel),
      input,
      list,
      status,
    ];
  }

  function toBankItem(bank) {
    const select = () => {
      const { code, guid, name, url } = bank;
      institution = bank;
      tell("connect/selectedInstitution", { code, guid, name, url });
      enterBank();
    };
    const mark = h("span", { className: "mark", "aria-hidden": "true" }, bank.name.charAt(0));
    return h("li", {}, h("button", { type: "button", onclick: select }, mark, bank.name));
  }

  /** The products of `data_request`, in words. */
  function viewPurpose() {
    const products = options.data_request?.products ?? [];
    if (products.length === 0) return [];
    const names = products.map((product) => t.products[product] ?? product);
    return [h("p", { className: "soft" }, `${t.purpose} ${names.join(", ")}.`)];
  }

  function enterBank() {
    go("enterCreds", institution.isOauth ? viewOauth() : viewCredentials());
  }

  function viewCredentials() {
    const user = h("input", { id: "user", autocomplete: "off", required: true });
    const password = h("input", {
      id: "password",
      type: "password",
      autocomplete: "off",
      required: true,
    });
    const { code, guid, name } = institution;
    const submit = () => {
      if (memberGuid) {
        const member = { member_guid: memberGuid, institution: { code, guid } };
        tell("connect/updateCredentials", member);
      } else {
        tell("connect/enterCredentials", { institution: { code, guid } });
      }
      connect(logIn(user.value, password.value));
    };
    return [
      h("h1", {}, memberGuid ? t.repair(name) : t.credentials(name)),
      ...viewPurpose(),
      form(
        submit,
        h("label", { htmlFor: "user" }, t.user),
        user,
        h("label", { htmlFor: "password" }, t.password),
        password,
        h("button", { className: "primary" }, t.continue),
      ),
      h("p", { className: "soft" }, t.hint),
      backButton(),
    ];
  }

  /** MX makes the member with the first credentials; from then on each change of its status is told. */
  async function connect(result) {
    const isNew = !memberGuid;
    memberGuid ??= randomGuid("MBR");
    go("connecting", viewConnecting());
    if (isNew) tellStatus(STATUS.CREATED);
    await wait(BANK_MS);
    tellStatus(result.status);
    if (result.status === STATUS.CONNECTED) succeed();
    else if (result.status === STATUS.CHALLENGED) go("mfa", viewChallenge(result.challenge));
    else fail(result.status);
  }

  function tellStatus(status) {
    tell("connect/memberStatusUpdate", { member_guid: memberGuid, connection_status: status });
  }

  function succeed() {
    tell("connect/memberConnected", { member_guid: memberGuid });
    go("connected", viewConnected());
  }

  function fail(status) {
    tell("connect/memberError", { member: { guid: memberGuid, connection_status: status } });
    go("loginError", viewError(t.reasons[status], "connect/memberError/primaryAction"));
  }

  function viewConnecting() {
    return [
      h("h1", {}, t.connecting(institution.name)),
      h("progress", { "aria-label": t.connecting(institution.name) }),
    ];
  }

  function viewChallenge(challenge) {
    const submit = (event) => {
      const answer = new FormData(event.target).get("answer") ?? "";
      tell("connect/submitMFA", { member_guid: memberGuid });
      connect(answerChallenge(String(answer)));
    };
    const button = h("button", { className: "primary" }, t.continue);
    const question = challenge === "options" ? viewOptions() : viewQuestion(challenge === "image");
    return [
      h("h1", {}, t.question),
      form(submit, ...question, button),
      h("p", { className: "soft" }, t.answerHint),
      backButton(),
    ];
  }

  function viewQuestion(isImage) {
    const picture = isImage ? [toPicture("correct")] : [];
    return [
      ...picture,
      h("label", { htmlFor: "answer" }, isImage ? t.askImage : t.ask),
      h("input", { id: "answer", name: "answer", autocomplete: "off", required: true }),
    ];
  }

  function viewOptions() {
    const radios = ["correct", t.wrong].map((value) => {
      const radio = h("input", { type: "radio", name: "answer", value, required: true });
      return h("label", { className: "radio" }, radio, value);
    });
    return [h("fieldset", {}, h("legend", {}, t.askOption), ...radios)];
  }

  function viewConnected() {
    const done = () => tell("connect/connected/primaryAction", {});
    const another = () => {
      institution = undefined;
      memberGuid = undefined;
      go("search", viewSearch());
    };
    const more = h("button", { type: "button", className: "quiet", onclick: another }, t.another);
    return [
      toTick(),
      h("h1", {}, t.connected),
      h("p", {}, t.connectedTo(institution.name)),
      h("button", { type: "button", className: "primary", onclick: done }, t.done),
      ...(isSearchDisabled ? [] : [more]),
    ];
  }

  function viewError(text, action) {
    const retry = () => {
      if (action) tell(action, { member_guid: memberGuid });
      enterBank();
    };
    return [
      h("h1", {}, t.failed),
      h("p", { role: "alert" }, text),
      h("button", { type: "button", className: "primary", onclick: retry }, t.tryAgain),
      backButton(),
    ];
  }

  function backButton() {
    return h("button", { type: "button", className: "quiet", onclick: leaveBank }, t.back);
  }

  function viewOauth() {
    return [
      h("h1", {}, t.oauth(institution.name)),
      ...viewPurpose(),
      h("p", {}, t.oauthText),
      h("button", { type: "button", className: "primary", onclick: goToBank }, t.openBank),
      backButton(),
    ];
  }

  /** The window opens only where the browser is the user's own; an app is told the address and opens it. */
  function goToBank() {
    memberGuid ??= randomGuid("MBR");
    isAtBank = true;
    const url = toBankUrl();
    tell("connect/oauthRequested", { url, member_guid: memberGuid });
    if (isInApp()) return stay(viewWaiting(t.waitingApp));
    bankWindow = window.open(url);
    stay(bankWindow ? viewWaiting(t.waitingText) : viewBlocked(url));
    if (bankWindow) watchWindow(bankWindow);
  }

  /** Source: MX, OAuth in the Connect widget: APP is the default in a WebView, BROWSER elsewhere. */
  function isInApp() {
    return options.is_mobile_webview === true || options.oauth_referral_source === "APP";
  }

  function toBankUrl() {
    const url = new URL("/oauth/authorize", location.href);
    const returnTo = options.client_redirect_url || `${toScheme(options)}://oauth_complete`;
    url.search = new URLSearchParams({
      bank: institution.name,
      member_guid: memberGuid,
      ...(isInApp() && { return_to: returnTo }),
    }).toString();
    return url.href;
  }

  function viewWaiting(text) {
    const again = h("button", { type: "button", onclick: goToBank }, t.tryAgain);
    return [h("h1", {}, t.waiting), h("p", { role: "status" }, text), again, backButton()];
  }

  function viewBlocked(url) {
    const link = h("a", { href: url, target: "_blank", rel: "opener" }, t.openHere);
    return [h("h1", {}, t.waiting), h("p", { role: "alert" }, t.blocked), link, backButton()];
  }

  /** A window that the user closes says nothing. */
  function watchWindow(opened) {
    const timer = setInterval(() => {
      if (!opened.closed) return;
      clearInterval(timer);
      if (isAtBank && opened === bankWindow) stay(viewWaiting(t.closed));
    }, 200);
  }

  /** From the bank's window, or from the app that came back from the bank. The member may be another one. */
  async function finishOauth({ status, memberGuid: connected = memberGuid, reason }) {
    if (!isAtBank) return;
    isAtBank = false;
    memberGuid = connected;
    if (status !== "success") {
      tell("connect/oauthError", { member_guid: memberGuid });
      go("oAuthError", viewError(t.oauthErrors[reason] ?? t.oauthErrors.other));
      return;
    }
    go("connecting", viewConnecting());
    tellStatus(STATUS.CREATED);
    await wait(BANK_MS);
    tellStatus(STATUS.CONNECTED);
    succeed();
  }
}

function form(onsubmit, ...children) {
  const handle = (event) => {
    event.preventDefault();
    onsubmit(event);
  };
  return h("form", { onsubmit: handle }, ...children);
}

function toPicture(word) {
  const letters = svg("text", { x: "50%", y: "60%", "text-anchor": "middle" }, word);
  return svg(
    "svg",
    { viewBox: "0 0 200 60", class: "picture", role: "img", "aria-label": word },
    letters,
  );
}

function toTick() {
  const path = svg("path", { d: "M14 25l8 8 14-16" });
  const circle = svg("circle", { cx: 24, cy: 24, r: 22 });
  return svg("svg", { viewBox: "0 0 48 48", class: "tick", "aria-hidden": "true" }, circle, path);
}

function wait(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
