/**
 * The page for phones, `/hosted#…`: asks whether its user has started this, shows the widget, and goes back to the app.
 *
 * An app opens it in ASWebAuthenticationSession or a Custom Tab. It keeps nothing: what it was asked for is in the
 * fragment, which is gone from the address before anything else happens.
 */

import { openWidget } from "../index.ts";
import { readFragment, readSurroundings, type Settings, toTarget } from "./fragment.ts";
import { Views } from "./views.ts";

type Status = "connected" | "closed" | "error";

/** MX's ids, or a partner's own. */
const GUID = /^[\w-]{1,128}$/;

const settings: Settings = JSON.parse(document.getElementById("settings")?.textContent ?? "{}");

start(location.hash.slice(1), history.state);
window.addEventListener("hashchange", () => location.reload()); // Another link in the same tab.

function start(fragment: string, kept: unknown): void {
  const asked = fragment
    ? readFragment(fragment, settings)
    : { ...readSurroundings(toMembers(kept), settings), url: "", problem: "" };
  const { redirect, url, problem, language, colorScheme } = asked;
  leave({ redirect, language, color_scheme: colorScheme }); // For a page that is reloaded.
  const views = new Views(settings.name, language, colorScheme);
  const target = redirect && toTarget(redirect, "error");
  if (problem) views.end("bad", "badText", target, problem);
  else if (!url) views.end("start", "startText", target);
  else views.ask((isYes) => (isYes ? show(views, url, redirect) : end(views, redirect, "closed")));
}

function show(views: Views, url: string, redirect: string): void {
  let member = "";
  let left: string | undefined = url;
  const { stage, connected } = views.widget(() => finish(member ? "connected" : "closed"));
  const widget = openWidget(stage, {
    frameTitle: settings.name,
    getUrl() {
      if (navigator.onLine === false) throw new Error("offline"); // The element waits, then asks again.
      const once = left;
      left = undefined;
      if (!once) throw new Error("A URL opens once.");
      return once;
    },
    onLoad: () => widget.focus({ preventScroll: true }), // The way out above it stays in sight.
    onDone: () => finish("connected"),
  });
  widget.addEventListener("mx/connect/memberConnected", ({ detail }) => {
    member = toGuid(detail.member_guid);
    connected();
  });
  widget.addEventListener("mx/connect/memberDeleted", ({ detail }) => {
    if (detail.member_guid === member) member = "";
  });
  widget.addEventListener("mx-error", () => finish("error"));

  function finish(status: Status): void {
    end(views, redirect, status, status === "connected" ? member : "");
  }
}

/** Goes to the app. A browser that does not do so by itself leaves the user a link. */
function end(views: Views, redirect: string, status: Status, member = ""): void {
  const target = toTarget(redirect, status, member);
  leave(null);
  views.end(status, `${status}Text`, target);
  location.replace(target);
}

/** Takes the link, with the widget's URL, out of the address and out of the history. */
function leave(kept: Record<string, string> | null): void {
  history.replaceState(kept, "", location.pathname);
}

function toGuid(value: unknown): string {
  return typeof value === "string" && GUID.test(value) ? value : "";
}

function toMembers(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
