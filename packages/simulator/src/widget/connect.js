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
export function startConnect(parts) {
  const connect = new Connect(parts);
  connect.start();
  return connect;
}

class Connect {
  #root;
  #tell;
  #options;
  #t;
  #isSearchDisabled;
  #step = "";
  #bank;
  #memberGuid;
  #bankWindow;
  #isAtBank = false;

  constructor({ root, tell, options, language }) {
    this.#root = root;
    this.#tell = tell;
    this.#options = options;
    this.#t = TEXTS[language] ?? TEXTS.en;
    this.#isSearchDisabled = options.disable_institution_search === true;
    this.#bank = findInstitution(options);
    this.#memberGuid = options.current_member_guid ?? undefined;
    if (this.#memberGuid) this.#bank ??= INSTITUTIONS[0]; // Whose member it is, MX knows.
  }

  start() {
    const { current_microdeposit_guid: microdepositGuid } = this.#options;
    if (microdepositGuid) this.#enterMicrodeposits(microdepositGuid);
    else if (this.#bank) this.#enterBank();
    else this.#enterSearch();
    this.#tell("connect/loaded", { initial_step: this.#step });
  }

  #go(next, view) {
    this.#tell("connect/stepChange", { previous: this.#step, current: next });
    this.#step = next;
    show(this.#root, view);
  }

  /** MX's widget is at its root where there is nothing to go back to. */
  goBack() {
    const isAtRoot = ["search", "connecting", "connected"].includes(this.#step);
    if (this.#isSearchDisabled || isAtRoot) return false;
    this.#back();
    return true;
  }

  #pressBack = () => {
    this.#tell("connect/backButtonClicked", {});
    this.#back();
  };

  #back = () => {
    this.#tell("connect/backToSearch", {});
    if (this.#isSearchDisabled) return; // The host decides.
    this.#bankWindow?.close();
    this.#enterSearch();
  };

  #enterSearch = () => {
    this.#isAtBank = false;
    this.#bank = undefined;
    this.#memberGuid = undefined;
    const on = {
      search: (query) => this.#tell("connect/institutionSearch", { query }),
      select: (chosen) => this.#select(chosen),
      unlisted: () => this.#enterMicrodeposits(),
    };
    const view = this.#isSearchDisabled
      ? views.viewNoSearch(this.#t)
      : views.viewSearch(this.#t, this.#options, on);
    this.#go("search", view);
  };

  /** Without a guid from the start. */
  #enterMicrodeposits(guid) {
    this.#go("microdeposits", []);
    const parts = { root: this.#root, t: this.#t, tell: this.#tell };
    startMicrodeposits({ ...parts, leave: this.#back, guid });
  }

  #select(chosen) {
    this.#bank = chosen;
    const { code, guid, name, url } = chosen;
    this.#tell("connect/selectedInstitution", { code, guid, name, url });
    this.#enterBank();
  }

  #enterBank = () => {
    const isRepair = this.#memberGuid !== undefined;
    const shown = { bank: this.#bank, isRepair, options: this.#options };
    const on = { open: this.#openBank, submit: this.#submitCredentials, back: this.#pressBack };
    const view = this.#bank.isOauth ? views.viewOauth : views.viewCredentials;
    this.#go("enterCreds", view(this.#t, shown, on));
  };

  #submitCredentials = (user, password) => {
    const institution = { code: this.#bank.code, guid: this.#bank.guid };
    const member = this.#memberGuid && { member_guid: this.#memberGuid };
    const event = member ? "connect/updateCredentials" : "connect/enterCredentials";
    this.#tell(event, { ...member, institution });
    this.#connect(logIn(user, password));
  };

  #submitAnswer = (answer) => {
    this.#tell("connect/submitMFA", { member_guid: this.#memberGuid });
    this.#connect(answerChallenge(answer));
  };

  /** MX makes the member with the first credentials; from then on each change of its status is told. */
  async #connect({ status, challenge }) {
    const isNew = !this.#memberGuid;
    this.#memberGuid ??= randomGuid("MBR");
    this.#go("connecting", views.viewConnecting(this.#t, this.#bank));
    if (isNew) this.#tellStatus(STATUS.CREATED);
    await wait(BANK_MS);
    this.#tellStatus(status);
    if (status === STATUS.CONNECTED) return this.#succeed();
    if (status !== STATUS.CHALLENGED) return this.#fail(status);
    const on = { submit: this.#submitAnswer, back: this.#pressBack };
    this.#go("mfa", views.viewChallenge(this.#t, challenge, on));
  }

  #tellStatus(status) {
    const member = { member_guid: this.#memberGuid, connection_status: status };
    this.#tell("connect/memberStatusUpdate", member);
  }

  /** MX deprecated the first message on 17 October 2025; that a request without products gets none is assumed. */
  #succeed() {
    const member = { member_guid: this.#memberGuid };
    if (this.#options.data_request) this.#tell("connect/initialDataReady", member);
    this.#tell("connect/memberConnected", member);
    const done = () => this.#tell("connect/connected/primaryAction", {});
    const another = this.#isSearchDisabled ? undefined : this.#enterSearch;
    this.#go("connected", views.viewConnected(this.#t, this.#bank, { done, another }));
  }

  #fail(status) {
    const member = { guid: this.#memberGuid, connection_status: status };
    this.#tell("connect/memberError", { member });
    const retry = () => {
      this.#tell("connect/memberError/primaryAction", { member });
      this.#enterBank();
    };
    const on = { retry, back: this.#pressBack };
    this.#go("loginError", views.viewError(this.#t, this.#t.reasons[status], on));
  }

  /** The window opens only where the browser is the user's own; an app is told the address and opens it. */
  #openBank = () => {
    this.#memberGuid ??= randomGuid("MBR");
    this.#isAtBank = true;
    const url = this.#toBankUrl();
    this.#tell("connect/oauthRequested", { url, member_guid: this.#memberGuid });
    if (this.#isInApp()) return this.#waitForBank(this.#t.waitingApp);
    this.#bankWindow = window.open(url);
    if (!this.#bankWindow) {
      return show(this.#root, views.viewBlocked(this.#t, url, { back: this.#pressBack }));
    }
    this.#waitForBank(this.#t.waitingText);
    this.#watchWindow(this.#bankWindow);
  };

  #waitForBank(text) {
    const on = { open: this.#openBank, back: this.#pressBack };
    show(this.#root, views.viewWaiting(this.#t, text, on));
  }

  /** Source: MX, OAuth in the Connect widget: APP is the default in a WebView, BROWSER elsewhere. */
  #isInApp() {
    const { is_mobile_webview: isWebView, oauth_referral_source: source } = this.#options;
    return isWebView === true || source === "APP";
  }

  #toBankUrl() {
    const url = new URL("/oauth/authorize", location.href);
    const { client_redirect_url: redirectUrl } = this.#options;
    const returnTo = redirectUrl || `${toScheme(this.#options)}://oauth_complete`;
    url.search = new URLSearchParams({
      bank: this.#bank.name,
      member_guid: this.#memberGuid,
      ...(this.#isInApp() && { return_to: returnTo }),
    }).toString();
    return url.href;
  }

  /** A window that the user closes says nothing. */
  #watchWindow(opened) {
    const timer = setInterval(() => {
      if (!opened.closed) return;
      clearInterval(timer);
      if (this.#isAtBank && opened === this.#bankWindow) this.#waitForBank(this.#t.closed);
    }, 200);
  }

  /** From the bank's window, or from the app that came back from the bank. The member may be another one. */
  async finishOauth({ status, memberGuid = this.#memberGuid, reason }) {
    if (!this.#isAtBank) return;
    this.#isAtBank = false;
    this.#memberGuid = memberGuid;
    if (status !== "success") {
      this.#tell("connect/oauthError", { member_guid: memberGuid });
      const text = this.#t.oauthErrors[reason] ?? this.#t.oauthErrors.other;
      const on = { retry: this.#enterBank, back: this.#pressBack };
      return this.#go("oAuthError", views.viewError(this.#t, text, on));
    }
    this.#go("connecting", views.viewConnecting(this.#t, this.#bank));
    this.#tellStatus(STATUS.CREATED);
    await wait(BANK_MS);
    this.#tellStatus(STATUS.CONNECTED);
    this.#succeed();
  }
}

function wait(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
