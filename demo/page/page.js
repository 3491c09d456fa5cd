/**
 * What a partner's front end does, with windows into it: choose, ask, show, listen, close.
 *
 * A URL is used once and thrown away: every opening asks for a new one.
 */

import { byId, h } from "./dom.js";
import { WAYS } from "./embeds.js";
import { watchExchanges } from "./exchanges.js";
import { currentFault, faultLabel, renderFaults } from "./faults.js";
import { readForm } from "./form.js";
import { hideLoading, sayWaiting, showLoading } from "./loading.js";
import { renderFailure, renderProblem } from "./problems.js";
import { setup } from "./setup.js";

/** How long a widget may be silent before the page says so. */
const SILENCE_MS = 3000;

let opened;
let openings = 0;
let silence;

byId("log").tabIndex = 0; // It scrolls.
renderFaults(setup.faults);
showRest();
watchExchanges(`${setup.serviceUrl}/session`, {
  onRequest: () => showAnswer("", "Waiting for the answer …"),
  beforeAnswer: async () => {
    if (currentFault() === "url-expired") await fetch("/expire-urls", { method: "POST" });
  },
  onAnswer(status, answer) {
    showAnswer(status, JSON.stringify(answer, null, 2) ?? "The answer is not JSON.");
    if (status < 400) sayWaiting("Loading the widget …");
    if (status >= 400) explain(answer);
  },
});

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  openWidget();
});
byId("clear").addEventListener("click", clearMessages);
byId("back").addEventListener("click", () => opened?.goBack());
byId("close").addEventListener("click", () => {
  closeWidget();
  showRest();
  setState("Closed.");
  byId("open").focus();
});
document.documentElement.dataset.ready = "true";

async function openWidget() {
  const opening = ++openings;
  const isCurrent = () => opening === openings;
  const ifCurrent =
    (act) =>
    (...given) =>
      isCurrent() && act(...given);
  closeWidget();
  clearMessages();
  byId("problem").hidden = true;
  byId("frame").hidden = false;
  const ask = readForm();
  byId("frame").dataset.way = ask.way;
  setState("Opening …");
  if (ask.way !== "embed") showLoading("Waiting for a widget URL …"); // embed.js has a loading state of its own.
  showStage();
  try {
    const widget = await WAYS[ask.way].open({
      container: byId("widget"),
      serviceUrl: setup.serviceUrl,
      widgetUrl: setup.widgetUrl,
      ask,
      getToken: () => getToken(ask.user),
      onMessage: ifCurrent(showMessage),
      onDone: ifCurrent(finish),
      onError: ifCurrent(fail),
      onShown: ifCurrent(waitForApp),
    });
    if (!isCurrent()) return widget.close();
    opened = widget;
    if (!byId("problem").hidden) return closeWidget();
    byId("back").disabled = ask.way === "hosted"; // It is in another window.
    byId("close").disabled = false;
  } catch (error) {
    if (isCurrent()) fail(error.message);
  }
}

async function getToken(user) {
  const answer = await fetch(`/token/${user}?fault=${currentFault()}`);
  if (!answer.ok) throw new Error(await answer.text());
  return answer.text();
}

/** Where the page is narrow the widget stands below the form. */
function showStage() {
  const { top } = byId("frame").getBoundingClientRect();
  if (top > 0.7 * window.innerHeight) byId("stage").scrollIntoView();
}

/** MX asks to close the widget when the user presses Done. The focus was in it. */
function finish(words) {
  closeWidget();
  byId("open").focus();
  showRest(words ?? "Done. The widget was closed, as MX asks.");
  setState(words ? "The page has ended." : "The user pressed Done.");
}

function waitForApp(state) {
  clearTimeout(silence);
  hideLoading();
  setState(state);
}

/** Without a message the answer's problem is explained instead. */
function fail(message) {
  closeWidget();
  showRest("No widget.");
  setState("No widget.");
  if (message) showProblem(renderFailure(message));
}

async function explain(answer) {
  if (!answer?.type) return;
  const opening = openings;
  const rendered = await renderProblem(answer, setup.serviceUrl).catch(() => []);
  if (opening === openings) showProblem(rendered);
}

/** Names the fault that is set, as its button may be out of sight. */
function showProblem(parts) {
  const fault = faultLabel();
  const cause = `You have set “${fault}” at “Make it fail”. Press it again to end it.`;
  byId("problem").replaceChildren(
    ...(fault ? [h("p", { className: "cause" }, cause)] : []),
    ...parts,
  );
  byId("problem").hidden = false;
  byId("frame").hidden = true;
}

function closeWidget() {
  clearTimeout(silence);
  hideLoading();
  opened?.close();
  opened = undefined;
  byId("widget").replaceChildren();
  for (const id of ["back", "close"]) byId(id).disabled = true;
}

/** In the place of the widget. */
function showRest(text = "The widget appears here.") {
  byId("widget").replaceChildren(h("p", { className: "rest" }, text));
}

function setState(text) {
  byId("state").textContent = text;
}

/** The guids that are in each message come last. */
function showMessage(type, { user_guid, session_guid, ...payload }) {
  clearTimeout(silence);
  hideLoading();
  byId("no-messages").hidden = true;
  setState(setup.isReal ? "Open." : "Open. At MX Bank, log in as mxuser with any password.");
  const time = new Date();
  const clock = `${time.toLocaleTimeString("en-GB")}.${String(time.getMilliseconds()).padStart(3, "0")}`;
  const item = h(
    "li",
    {},
    h("time", { dateTime: time.toISOString() }, clock),
    h("strong", {}, type),
    h("code", {}, toLine({ ...payload, user_guid, session_guid })),
  );
  byId("messages").append(item);
  byId("log").scrollTop = byId("log").scrollHeight;
}

/** JSON that may be broken at its spaces. */
function toLine(payload) {
  return JSON.stringify(payload, null, 1).replace(/\n\s*/g, " ");
}

function clearMessages() {
  byId("messages").replaceChildren();
  byId("no-messages").hidden = false;
  byId("no-messages").textContent = "The widget's messages to this page appear here.";
}

function showAnswer(status, text) {
  byId("answer").textContent = text;
  byId("status").textContent = String(status);
  byId("status").hidden = status === "";
  byId("status").dataset.kind = status < 400 ? "good" : "bad";
  clearTimeout(silence);
  if (status < 400 && status !== "") silence = setTimeout(sayThatItIsSilent, SILENCE_MS);
}

function sayThatItIsSilent() {
  hideLoading();
  setState("The widget has sent no message yet.");
  byId("no-messages").textContent =
    "No message yet. A used or expired URL shows a page that sends none. On a page with Referrer-Policy: no-referrer, MX's widget sends none either.";
}
