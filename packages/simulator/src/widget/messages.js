/**
 * The widget's messages, version 4: to the page around it, or in a WebView as navigations to the app's scheme.
 *
 * The target origin is the browser's referrer, or the opener's address. Where there is none, nobody is told and nothing
 * is said about it. Source: MX, Widget events; connect-widget, PostMessage.
 */

import { randomGuid } from "./random-guid.js";

const PING_INTERVAL_MS = 30_000;
/** Two navigations at once would be one. */
const NAVIGATION_GAP_MS = 30;

/** @typedef {(event: string, metadata?: object) => void} Tell `event` is the type without its "mx/". */

/** @returns {{ tell: Tell, tellLoaded: () => void, listen: (handlers: Handlers) => void }} */
export function createMessages({ userGuid, options }) {
  const guids = { user_guid: userGuid, session_guid: randomGuid("SES") };
  const send = options.is_mobile_webview ? createNavigator(toScheme(options)) : post;

  return {
    tell: (event, metadata) => send(event, { ...guids, ...metadata }),
    /** Guids may be missing from the first message: MX's widget knows them later. */
    tellLoaded() {
      send("load", {});
      setInterval(() => send("ping", guids), PING_INTERVAL_MS);
    },
    listen,
  };
}

/** Source: MX Platform API, `ui_message_webview_url_scheme`. */
export function toScheme(options) {
  return options.ui_message_webview_url_scheme || "mx";
}

function post(event, metadata) {
  const message = { mx: true, type: `mx/${event}`, metadata };
  try {
    const origin = hostOrigin();
    if (window.parent !== window) window.parent.postMessage(message, origin);
    window.opener?.postMessage(message, origin);
  } catch {
    // As MX's widget does: without an origin there is no message, and no complaint.
  }
}

/** Throws where there is none, or where the opener is foreign. */
function hostOrigin() {
  return new URL(window.opener?.location.href ?? document.referrer).origin;
}

function createNavigator(scheme) {
  const waiting = [];
  let timer;

  function next() {
    const url = waiting.shift();
    timer = url === undefined ? undefined : setTimeout(next, NAVIGATION_GAP_MS);
    if (url !== undefined) window.location.assign(url);
  }

  return function navigate(event, metadata) {
    waiting.push(`${scheme}://${event}?metadata=${encodeURIComponent(JSON.stringify(metadata))}`);
    if (timer === undefined) next();
  };
}

/**
 * What the page or the app around the widget says, and the bank's window. MX's SDKs send JSON as text; a WebView's
 * script speaks from inside.
 *
 * @typedef {{ onBack(): void, onSdkInfo(info: object): void, onPing(): void, onOauth(result: object): void }} Handlers
 */
function listen(handlers) {
  window.addEventListener("message", ({ data, source, origin }) => {
    const isBank = origin === window.location.origin;
    if (source !== window.parent && !isBank) return;
    const message = parse(data);
    if (message.type === "ping") handlers.onPing();
    if (message.type === "mx/sdk/info") handlers.onSdkInfo(message.metadata ?? {});
    if (message.type === "mx/navigation" && message.payload?.action === "back") handlers.onBack();
    if (message.type === "oauthComplete/success")
      handlers.onOauth({ status: "success", memberGuid: message.metadata?.member_guid });
    if (message.type === "oauthComplete/error")
      handlers.onOauth({ status: "error", reason: message.metadata?.error_reason });
  });
}

function parse(data) {
  try {
    return (typeof data === "string" ? JSON.parse(data) : data) ?? {};
  } catch {
    return {};
  }
}
