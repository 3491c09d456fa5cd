/**
 * What a partner's front end does: get the user's token, ask the service for a URL, show it, listen.
 *
 * The URL is used once and thrown away: every opening and every reload asks for a new one.
 */

const element = (id) => document.getElementById(id);
const setup = await (await fetch("/setup")).json();
let frame;

showUsers();
showWidgetTypes();
showRequest();
element("form").addEventListener("input", showRequest);
element("form").addEventListener("submit", (event) => {
  event.preventDefault();
  openWidget();
});
window.addEventListener("message", receive);

async function openWidget() {
  const button = element("form").querySelector("button");
  button.disabled = true;
  closeWidget();
  element("answer").textContent = "Asking …";
  try {
    const login = await fetch(`/token/${chosenUser()}`);
    if (!login.ok) throw new Error(await login.text());
    const token = await login.text();
    const response = await fetch(`${setup.serviceUrl}/session`, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: JSON.stringify(toBody()),
    });
    const answer = await response.json();
    element("answer").textContent = `${response.status}\n${JSON.stringify(answer, null, 2)}`;
    if (response.ok) showWidget(answer.widget_url);
    else explain(answer);
  } catch (error) {
    element("answer").textContent = `There is no answer: ${error.message}`;
    showNote("No widget.");
  } finally {
    button.disabled = false;
  }
}

function showWidget({ url, type }) {
  frame = document.createElement("iframe");
  frame.title = `MX ${type.replaceAll("_", " ")}`;
  frame.src = url;
  element("widget").replaceChildren(frame);
}

function closeWidget() {
  showNote("The widget appears here.");
  element("messages").replaceChildren();
  element("no-messages").hidden = false;
  element("problem").hidden = true;
}

/** Both the window and its origin must be the widget's: anybody can send a message. */
function receive(event) {
  if (!frame || event.source !== frame.contentWindow) return;
  if (event.origin !== new URL(frame.src).origin || event.data?.mx !== true) return;
  const item = document.createElement("li");
  const time = new Date().toLocaleTimeString();
  item.textContent = `${time} ${event.data.type} ${JSON.stringify(event.data.metadata ?? {})}`;
  element("messages").append(item);
  element("no-messages").hidden = true;
  if (event.data.type === "mx/connect/connected/primaryAction") {
    showNote("Done. The widget was closed, as MX asks.");
  }
}

/** In the widget's place, which ends the widget. */
function showNote(text) {
  const note = document.createElement("p");
  note.textContent = text;
  element("widget").replaceChildren(note);
  frame = undefined;
}

function explain({ title, detail, type }) {
  showNote("No widget: see the answer.");
  const link = document.createElement("a");
  link.href = new URL(type, setup.serviceUrl).href;
  link.textContent = "What this means";
  element("problem").replaceChildren(`${detail || title} `, link, ".");
  element("problem").hidden = false;
}

function showUsers() {
  const labels = Object.entries(setup.users).map(([subject, claims], index) => {
    const label = document.createElement("label");
    const radio = Object.assign(document.createElement("input"), {
      type: "radio",
      name: "user",
      value: subject,
      checked: index === 0,
    });
    label.append(radio, `${claims.given_name} ${claims.family_name}`);
    return label;
  });
  element("users").replaceChildren(...labels);
}

function showWidgetTypes() {
  const select = element("widget-type");
  for (const type of setup.widgetTypes) select.append(new Option(type.replaceAll("_", " "), type));
  select.value = setup.apis === "sso" ? "master_widget" : "connect_widget";
  element("color-scheme-label").hidden = setup.apis === "sso";
}

function showRequest() {
  element("request").textContent = [
    `curl -X POST ${setup.serviceUrl}/session \\`,
    `  -H "Authorization: Bearer $(curl -s ${location.origin}/token/${chosenUser()})" \\`,
    `  -H "Content-Type: application/json" \\`,
    `  -d '${JSON.stringify(toBody())}'`,
  ].join("\n");
}

function toBody() {
  const { widget_type, color_scheme } = Object.fromEntries(new FormData(element("form")));
  const options =
    color_scheme && setup.apis !== "sso" ? { widget_type, color_scheme } : { widget_type };
  return { widget_url: options };
}

function chosenUser() {
  return new FormData(element("form")).get("user");
}
