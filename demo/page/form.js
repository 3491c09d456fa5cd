/** The form: who asks for which widget and how, and the code that does so. */

import { byId, h } from "./dom.js";
import { WAYS } from "./embeds.js";
import { renderOptionGroups } from "./option-fields.js";
import { toOptions } from "./options.js";
import { asked, setup } from "./setup.js";
import { SNIPPETS } from "./snippets.js";

const form = byId("form");
const groups = renderOptionGroups();

renderForm();
showRequest();
form.addEventListener("input", showRequest);
for (const radio of document.querySelectorAll("[name=code]"))
  radio.addEventListener("change", showRequest);
byId("reset").addEventListener("click", resetOptions);
byId("copy").addEventListener("click", copy);

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

export function readForm() {
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
