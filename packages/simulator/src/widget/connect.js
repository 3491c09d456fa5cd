/**
 * The Connect widget: find a bank, log in there, done. Each step tells what MX's widget tells, in the same order.
 *
 * Steps are MX's: search, enterCreds, mfa, connecting, connected, loginError, oAuthError. That the first step's
 * `previous` is empty is assumed. Source: MX, Widget events; connect-widget.
 */

import { answerChallenge, logIn, STATUS } from "./bank-login.js";
import * as views from "./connect-views.js";
import { show } from "./dom.js";
import { findInstitution, INSTITUTIONS } from "./institutions.js";
import { toScheme } from "./messages.js";
import { startMicrodeposits } from "./microdeposits.js";
import { randomGuid } from "./random-guid.js";
import { TEXTS } from "./texts.js";

/** A real bank takes seconds. */
const BANK_MS = 250;

/** @returns {{ goBack: () => boolean, finishOauth: (result: object) => void }} */
export function startConnect({ root, tell, options, language }) {
  const t = TEXTS[language] ?? TEXTS.en;
  const isSearchDisabled = options.disable_institution_search === true;
  let step = "";
  let bank = findInstitution(options);
  let memberGuid = options.current_member_guid ?? undefined;
  let bankWindow;
  let isAtBank = false;

  if (memberGuid) bank ??= INSTITUTIONS[0]; // Whose member it is, MX knows.
  if (options.current_microdeposit_guid) enterMicrodeposits(options.current_microdeposit_guid);
  else if (bank) enterBank();
  else enterSearch();
  tell("connect/loaded", { initial_step: step });
  return { goBack, finishOauth };

  function go(next, view) {
    tell("connect/stepChange", { previous: step, current: next });
    step = next;
    show(root, view);
  }

  /** MX's widget is at its root where there is nothing to go back to. */
  function goBack() {
    if (isSearchDisabled || ["search", "connecting", "connected"].includes(step)) return false;
    back();
    return true;
  }

  function pressBack() {
    tell("connect/backButtonClicked", {});
    back();
  }

  function back() {
    tell("connect/backToSearch", {});
    if (isSearchDisabled) return; // The host decides.
    bankWindow?.close();
    enterSearch();
  }

  function enterSearch() {
    isAtBank = false;
    bank = undefined;
    memberGuid = undefined;
    const search = (query) => tell("connect/institutionSearch", { query });
    const view = isSearchDisabled
      ? views.viewNoSearch(t)
      : views.viewSearch(t, options, { search, select, unlisted: enterMicrodeposits });
    go("search", view);
  }

  /** Without a guid from the start. */
  function enterMicrodeposits(guid) {
    go("microdeposits", []);
    startMicrodeposits({ root, t, tell, leave: back, guid });
  }

  function select(chosen) {
    bank = chosen;
    const { code, guid, name, url } = chosen;
    tell("connect/selectedInstitution", { code, guid, name, url });
    enterBank();
  }

  function enterBank() {
    const shown = { bank, isRepair: memberGuid !== undefined, options };
    const view = bank.isOauth
      ? views.viewOauth(t, shown, { open: openBank, back: pressBack })
      : views.viewCredentials(t, shown, { submit: submitCredentials, back: pressBack });
    go("enterCreds", view);
  }

  function submitCredentials(user, password) {
    const institution = { code: bank.code, guid: bank.guid };
    if (memberGuid) tell("connect/updateCredentials", { member_guid: memberGuid, institution });
    else tell("connect/enterCredentials", { institution });
    connect(logIn(user, password));
  }

  function submitAnswer(answer) {
    tell("connect/submitMFA", { member_guid: memberGuid });
    connect(answerChallenge(answer));
  }

  /** MX makes the member with the first credentials; from then on each change of its status is told. */
  async function connect({ status, challenge }) {
    const isNew = !memberGuid;
    memberGuid ??= randomGuid("MBR");
    go("connecting", views.viewConnecting(t, bank));
    if (isNew) tellStatus(STATUS.CREATED);
    await wait(BANK_MS);
    tellStatus(status);
    if (status === STATUS.CONNECTED) succeed();
    else if (status === STATUS.CHALLENGED)
      go("mfa", views.viewChallenge(t, challenge, { submit: submitAnswer, back: pressBack }));
    else fail(status);
  }

  function tellStatus(status) {
    tell("connect/memberStatusUpdate", { member_guid: memberGuid, connection_status: status });
  }

  /** MX deprecated the first message on 17 October 2025; that a request without products gets none is assumed. */
  function succeed() {
    if (options.data_request) tell("connect/initialDataReady", { member_guid: memberGuid });
    tell("connect/memberConnected", { member_guid: memberGuid });
    const done = () => tell("connect/connected/primaryAction", {});
    const another = isSearchDisabled ? undefined : enterSearch;
    go("connected", views.viewConnected(t, bank, { done, another }));
  }

  function fail(status) {
    const member = { guid: memberGuid, connection_status: status };
    tell("connect/memberError", { member });
    const retry = () => {
      tell("connect/memberError/primaryAction", { member });
      enterBank();
    };
    go("loginError", views.viewError(t, t.reasons[status], { retry, back: pressBack }));
  }

  /** The window opens only where the browser is the user's own; an app is told the address and opens it. */
  function openBank() {
    memberGuid ??= randomGuid("MBR");
    isAtBank = true;
    const url = toBankUrl();
    tell("connect/oauthRequested", { url, member_guid: memberGuid });
    if (isInApp()) return waitForBank(t.waitingApp);
    bankWindow = window.open(url);
    if (!bankWindow) return show(root, views.viewBlocked(t, url, { back: pressBack }));
    waitForBank(t.waitingText);
    watchWindow(bankWindow);
  }

  function waitForBank(text) {
    show(root, views.viewWaiting(t, text, { open: openBank, back: pressBack }));
  }

  /** Source: MX, OAuth in the Connect widget: APP is the default in a WebView, BROWSER elsewhere. */
  function isInApp() {
    return options.is_mobile_webview === true || options.oauth_referral_source === "APP";
  }

  function toBankUrl() {
    const url = new URL("/oauth/authorize", location.href);
    const returnTo = options.client_redirect_url || `${toScheme(options)}://oauth_complete`;
    url.search = new URLSearchParams({
      bank: bank.name,
      member_guid: memberGuid,
      ...(isInApp() && { return_to: returnTo }),
    }).toString();
    return url.href;
  }

  /** A window that the user closes says nothing. */
  function watchWindow(opened) {
    const timer = setInterval(() => {
      if (!opened.closed) return;
      clearInterval(timer);
      if (isAtBank && opened === bankWindow) waitForBank(t.closed);
    }, 200);
  }

  /** From the bank's window, or from the app that came back from the bank. The member may be another one. */
  async function finishOauth({ status, memberGuid: connected = memberGuid, reason }) {
    if (!isAtBank) return;
    isAtBank = false;
    memberGuid = connected;
    if (status !== "success") {
      tell("connect/oauthError", { member_guid: memberGuid });
      const text = t.oauthErrors[reason] ?? t.oauthErrors.other;
      go("oAuthError", views.viewError(t, text, { retry: enterBank, back: pressBack }));
      return;
    }
    go("connecting", views.viewConnecting(t, bank));
    tellStatus(STATUS.CREATED);
    await wait(BANK_MS);
    tellStatus(STATUS.CONNECTED);
    succeed();
  }
}

function wait(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
