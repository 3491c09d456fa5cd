/** The page behind a widget URL. What it was asked for stands in the page as JSON. */

import { startConnect } from "./connect.js";
import { h } from "./dom.js";
import { startFinance } from "./finance.js";
import { createMessages } from "./messages.js";

/** As long as the script of a real widget takes to load, roughly; what listens from outside is in place by then. */
const START_MS = 60;

const asked = JSON.parse(document.getElementById("asked").textContent);
const { options, widgetType } = asked;
const root = document.getElementById("widget");

if (options.style?.font_name) {
  document.body.style.fontFamily = `${JSON.stringify(options.style.font_name)}, system-ui, sans-serif`;
}
if (document.readyState !== "complete") {
  await new Promise((resolve) => window.addEventListener("load", resolve, { once: true }));
}
await new Promise((resolve) => setTimeout(resolve, START_MS));

const { tell, tellLoaded, listen } = createMessages(asked);
const widget = widgetType.replace(/_widget$/, "");
tellLoaded();
const { language } = asked;
const parts = { root, tell, options, language, widget };
const running = widget === "connect" ? startConnect(parts) : startFinance(parts);
let pings = 0;

listen({
  onBack: () => tell("navigation", { did_go_back: running.goBack() }),
  onOauth: (result) => running.finishOauth?.(result),
  onSdkInfo: ({ sdk, version }) => note("SDK", `${sdk} ${version}`),
  onPing: () => note("Pings", String(++pings)),
});

/** Among the facts at the bottom of the page. */
function note(name, fact) {
  const id = `fact-${name.toLowerCase()}`;
  const known = document.getElementById(id);
  if (known) known.textContent = fact;
  else document.getElementById("facts").append(h("dt", {}, name), h("dd", { id }, fact));
}
