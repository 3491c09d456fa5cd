/** What stands in the widget's place until there is something to see. MX's SDK shows nothing there. */

import { byId } from "./dom.js";

/** After this time the page says what it is still waiting for. */
const LONG_MS = 3000;
let patience;

export function showLoading(text) {
  byId("loading").hidden = false;
  sayWaiting(text);
}

export function sayWaiting(text) {
  clearTimeout(patience);
  byId("loading-says").textContent = text;
  patience = setTimeout(() => {
    byId("loading-says").textContent = `${text} This takes longer than usual.`;
  }, LONG_MS);
}

export function hideLoading() {
  clearTimeout(patience);
  byId("loading").hidden = true;
}

/** A page that has loaded is visible, even if it sends no message. The phone's own page is no widget yet. */
byId("widget").addEventListener(
  "load",
  () => {
    if (byId("frame").dataset.way === "sdk") hideLoading();
  },
  true,
);
