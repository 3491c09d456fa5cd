/**
 * "Make it fail": one fault at a time, for as long as this page is open.
 *
 * The request that sets a fault stays open. Whatever ends this page ends the request, and with it the fault.
 */

import { byId, h } from "./dom.js";

const NOTHING = "Choose what goes wrong, then open the widget.";

/** @type {{ name: string, ending: AbortController } | undefined} */
let held;
let faults = [];

/** The name of the fault that is on, else an empty text. */
export function currentFault() {
  return held?.name ?? "";
}

/** What its button says. */
export function faultLabel() {
  return faults.find(({ name }) => name === currentFault())?.label;
}

/** @param {readonly { name: string, label: string, says: string }[]} known */
export function renderFaults(known) {
  faults = known;
  const buttons = faults.map(({ name, label }) => {
    const press = () => (currentFault() === name ? show(release()) : chooseFault(name));
    return h(
      "button",
      { type: "button", id: `fault-${name}`, onclick: press, "aria-pressed": "false" },
      label,
    );
  });
  byId("faults").replaceChildren(...buttons);
  window.addEventListener("pagehide", () => show(release())); // The page may come back from the cache.
}

async function chooseFault(name) {
  release();
  const ending = new AbortController();
  const answer = await fetch("/fault", {
    method: "PUT",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name }),
    signal: ending.signal,
  }).catch(() => undefined);
  if (!answer?.ok) return show("", "The simulator does not answer. Is the demo still running?");
  release(); // A second press may have come meanwhile.
  held = { name, ending };
  show(name);
  await readToEnd(answer);
  if (held?.ending !== ending) return;
  held = undefined;
  show("", "The fault is off: another page has chosen one, or the demo has stopped.");
}

async function readToEnd(answer) {
  await answer.body.pipeTo(new WritableStream()).catch(() => undefined);
}

function release() {
  held?.ending.abort();
  held = undefined;
  return "";
}

function show(name, says = NOTHING) {
  for (const known of faults)
    byId(`fault-${known.name}`).setAttribute("aria-pressed", String(known.name === name));
  byId("fault-says").textContent = faults.find((known) => known.name === name)?.says ?? says;
  setReferrerPolicy(name === "no-referrer" ? "no-referrer" : "strict-origin-when-cross-origin");
}

/** The last one in the document counts, before the header. */
function setReferrerPolicy(content) {
  document.querySelector("meta[name=referrer]")?.remove();
  document.head.append(h("meta", { name: "referrer", content }));
}
