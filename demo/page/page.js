/**
 * What a partner's front end does, with windows into it: choose, ask, show, listen, close.
 *
 * A URL is used once and thrown away: every opening asks for a new one.
 */

import { byId, h } from "./dom.js";
import { WAYS } from "./embeds.js";
import { watchExchanges } from "./exchanges.js";
import { currentFault, faultLabel, renderFaults } from "./faults.js";
import { hideLoading, sayWaiting, showLoading } from "./loading.js";
import { renderOptionGroups } from "./option-fields.js";
import { toOptions } from "./options.js";
import { renderFailure, renderProblem } from "./problems.js";
import { SNIPPETS } from "./snippets.js";

/** How long a widget may be silent before the page says so. */
const SILENCE_MS = 3000;

/** `?widget=` in the page's address is the widget type to start with. */
const asked = new URLSearchParams(location.search).get("widget");
const setup = await (await fetch(`/setup?widget=${encodeURIComponent(asked ?? "")}`)).json();
const form = byId("form");
const groups = renderOptionGroups();
let opened;
let openings = 0;
let silence;

byId("log").tabIndex = 0; // It scrolls.
renderForm();
renderFaults(setup.faults);
showRequest();
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

form.addEventListener("input", showRequest);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  openWidget();
});
for (const radio of document.querySelectorAll("[name=code]"))
  radio.addEventListener("change", showRequest);
byId("reset").addEventListener("click", resetOptions);
byId("copy").addEventListener("click", copy);
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

function renderForm() {
  const radios = Object.entries(setup.users).map(([subject, claims], index) => {
    const radio = h("input", {
      type: "radio",
      name: "user",
      value: subject,
      defaultChecked: index === 0,
    });
    return h(
      "label",
      { title: `${claims.given_name} ${claims.family_name}` },
      radio,
      claims.given_name,
    );
  });
  byId("users").replaceChildren(...radios);
  byId("widget-type").replaceChildren(...toTypeGroups(setup.widgetTypes));
  byId("apis").textContent = `MX's ${setup.apiNames}`;
  chooseType();
  byId("no-options").hidden = setup.apis !== "sso";
  byId("reset").hidden = setup.apis === "sso";
  if (setup.apis !== "sso") byId("options").replaceChildren(...groups.map(({ group }) => group));
  if (setup.apis === "sso" || setup.isReal) disableWay("phone"); // A page of the simulator plays the app.
  if (setup.isReal)
    byId("simulated").textContent = "The widgets come from MX's integration environment.";
  if (!setup.hasSdk) disableWay("sdk");
}

/** The one in the address, or the nearest name to it. */
function chooseType() {
  const usual = setup.apis === "sso" ? "master_widget" : "connect_widget";
  const isKnown = setup.widgetTypes.includes(asked);
  byId("widget-type").value = isKnown ? asked : (setup.nearestType ?? usual);
  if (asked === null || isKnown) return;
  const known = setup.nearestType
    ? `The nearest name is ${setup.nearestType}.`
    : `Choose one from the list, such as ${usual}.`;
  byId("type-says").textContent = `There is no widget type “${asked.slice(0, 64)}”. ${known}`;
  byId("type-says").hidden = false;
}

function disableWay(way) {
  const radio = form.querySelector(`[name=way][value=${way}]`);
  radio.disabled = true;
  if (radio.checked) form.querySelector("[name=way]:enabled").checked = true;
}

function toTypeGroups(types) {
  const groupOf = (type) => {
    if (/^connect/.test(type)) return "Connect";
    if (/^m(ini|icro)_/.test(type)) return "Small";
    return /pulse/.test(type) ? "Insights" : "Personal finance";
  };
  const names = ["Connect", "Personal finance", "Small", "Insights"];
  return names.flatMap((label) => {
    const options = types
      .filter((type) => groupOf(type) === label)
      .map((type) => h("option", { value: type }, toTitle(type)));
    return options.length > 0 ? [h("optgroup", { label }, options)] : [];
  });
}

/** "mini_budgets_widget": Mini budgets. */
function toTitle(type) {
  const words = type
    .replace(/_widget$/, "")
    .replace("recurringtransactions", "recurring transactions")
    .replace("finstrong", "financial strength")
    .replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function resetOptions() {
  for (const field of byId("options").querySelectorAll("input, select")) {
    if (field.type === "checkbox") field.checked = false;
    else field.value = "";
  }
  showRequest();
}

function readForm() {
  const data = new FormData(form);
  const way = String(data.get("way"));
  const options = setup.apis === "sso" ? {} : toOptions(data);
  if (way === "phone") options.is_mobile_webview = true;
  return {
    way,
    options,
    user: String(data.get("user")),
    widgetType: String(data.get("widget_type")),
    language: String(data.get("language")).trim(),
    serviceUrl: setup.serviceUrl,
    pageUrl: location.origin,
  };
}

function showRequest() {
  const ask = readForm();
  const kind = document.querySelector("[name=code]:checked").value;
  byId("code").textContent = SNIPPETS[kind](ask);
  byId("way-says").textContent = WAYS[ask.way].says;
  const data = new FormData(form);
  for (const { count, options } of groups) {
    const set = options.filter(({ name }) => data.getAll(name).some((value) => value !== ""));
    count.textContent = set.length > 0 ? `${set.length} set` : "";
  }
}

async function copy() {
  let said = "Copied.";
  await navigator.clipboard.writeText(byId("code").textContent).catch(() => {
    getSelection()?.selectAllChildren(byId("code"));
    said = "The text is selected. Press Ctrl+C or ⌘C.";
  });
  byId("copied").textContent = said;
  byId("copy").textContent = "Copied";
  setTimeout(() => {
    byId("copy").textContent = "Copy";
  }, 2000);
}
