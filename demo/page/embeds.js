/**
 * The four ways to show a widget. Each takes the same request and gives back what can be done with the widget.
 *
 * `onMessage` gets what the widget says, `onDone` is the time to close, `onError` says why there is no widget, in words.
 */

import { h } from "./dom.js";
import { splitForSdk, toBody, toClassName } from "./snippets.js";

/**
 * @typedef {object} Opened
 * @property {() => void} close
 * @property {() => void} goBack
 *
 * @typedef {object} OpenOptions
 * @property {Element} container
 * @property {string} serviceUrl
 * @property {string} widgetUrl The widgets' origin.
 * @property {import("./snippets.js").Ask} ask
 * @property {() => Promise<string>} getToken
 * @property {(type: string, payload: object) => void} onMessage
 * @property {(words?: string) => void} onDone
 * @property {(message?: string) => void} onError Without words where the answer has said it.
 * @property {(state: string) => void} onShown Where there is something to see, but nothing that sends messages.
 */

/** @type {Record<string, { says: string, open: (options: OpenOptions) => Promise<Opened> }>} */
export const WAYS = {
  sdk: {
    says: "MX's own SDK from npm, with its proxy option set to this service.",
    open: openWithSdk,
  },
  embed: {
    says: "The service's own helper. It checks each message, recovers from failures and explains errors.",
    open: openWithEmbed,
  },
  phone: {
    says: "In a WebView, a widget sends navigations instead of messages. This page cannot see them, so a page of the simulator acts as the app.",
    open: openInPhone,
  },
  hosted: {
    says: "For apps without WebView code: the service's own page /hosted, in the system's browser.",
    open: openHosted,
  },
};

async function openWithSdk({ container, serviceUrl, widgetUrl, ask, getToken, ...on }) {
  const [sdk, token] = await Promise.all([import("/vendor/web-widget-sdk.js"), getToken()]);
  const { props, rest } = splitForSdk(ask.widgetType, ask.options);
  const stop = listen(() => container.querySelector("iframe"), widgetUrl, on.onMessage);
  const Widget = sdk[toClassName(ask.widgetType)] ?? sdk.Widget;
  const widget = new Widget({
    container,
    proxy: `${serviceUrl}/session`,
    widgetType: ask.widgetType,
    language: ask.language || undefined,
    ...props,
    iframeTitle: "MX widget",
    style: { border: "none", width: "100%", height: "100%" },
    ssoRequestPreprocess({ url, options }) {
      const { widget_url } = JSON.parse(options.body);
      const body = JSON.stringify({ widget_url: { ...widget_url, ...rest } });
      const headers = { ...options.headers, Authorization: `Bearer ${token}` };
      return { url, options: { ...options, headers, body } };
    },
    onSsoUrlLoadError: ({ statusCode }) =>
      on.onError(statusCode === undefined ? "The service does not answer." : undefined),
    onConnectedPrimaryAction: () => on.onDone(),
  });
  return {
    goBack: () => widget.navigateBack(),
    close() {
      stop();
      widget.unmount();
    },
  };
}

/** Both the window and its origin must be the widget's: anybody can send a message. The SDK checks neither. */
function listen(findFrame, origin, onMessage) {
  const receive = (event) => {
    const frame = findFrame();
    if (!frame || event.source !== frame.contentWindow || event.origin !== origin) return;
    if (event.data?.mx === true) onMessage(event.data.type, event.data.metadata ?? {});
  };
  window.addEventListener("message", receive);
  return () => window.removeEventListener("message", receive);
}

async function openWithEmbed({ container, serviceUrl, ask, getToken, ...on }) {
  const { openWidget } = await import(`${serviceUrl}/embed.js`);
  const widget = openWidget(container, {
    sessionUrl: `${serviceUrl}/session`,
    widgetType: ask.widgetType,
    options: ask.options,
    language: ask.language,
    getToken,
    loadTimeoutMs: 5000,
    frameTitle: "MX widget",
    onMessage: ({ type, metadata }) => on.onMessage(type, metadata),
    onDone: () => on.onDone(),
  });
  widget.addEventListener("mx-error", (event) => {
    event.preventDefault(); // This page explains it itself.
    on.onError(event.detail.status === undefined ? event.detail.message : undefined);
  });
  return { goBack: () => widget.back(), close: () => widget.close() };
}

async function openInPhone({ container, serviceUrl, widgetUrl, ask, getToken, ...on }) {
  const shell = h("iframe", { title: "Phone with the app's WebView", src: `${widgetUrl}/shell` });
  const tell = (message) => shell.contentWindow?.postMessage(message, widgetUrl);
  const receive = async ({ source, origin, data }) => {
    if (source !== shell.contentWindow || origin !== widgetUrl) return;
    if (data.shell === "unsupported")
      on.onError("This browser has no Navigation API, so the phone cannot read navigations.");
    if (data.shell === "foreign") on.onError("The phone opens the simulator's widgets only.");
    if (data.shell === "ready") await askForUrl();
    if (data.shell === "navigation") report(data.url);
  };
  /** What an app does natively, before its WebView has anything to show. */
  const askForUrl = async () => {
    const url = await askAsApp({ serviceUrl, ask, getToken, ...on });
    if (url) tell({ open: url });
  };
  const report = (url) => {
    const [address, query] = url.split("?");
    const parameters = new URLSearchParams(query);
    const metadata = parameters.get("metadata");
    on.onMessage(address, metadata ? JSON.parse(metadata) : Object.fromEntries(parameters));
    if (address.toLowerCase().endsWith("://connect/connected/primaryaction")) on.onDone();
  };
  window.addEventListener("message", receive);
  container.append(shell);
  return {
    goBack: () => tell({ back: true }),
    close() {
      window.removeEventListener("message", receive);
      shell.remove();
    },
  };
}

/** As an app: `undefined` where there is none, which `onError` has said by then. */
async function askAsApp({ serviceUrl, ask, getToken, onError }) {
  const response = await fetch(`${serviceUrl}/session`, {
    method: "POST",
    headers: {
      Authorization: `Bearer ${await getToken()}`,
      "Content-Type": "application/json",
      ...(ask.language && { "Accept-Language": ask.language }),
    },
    body: JSON.stringify(toBody(ask)),
  }).catch(() => undefined);
  if (!response?.ok) return onError(response ? undefined : "The service does not answer.");
  return (await response.json()).widget_url.url;
}

/** The app's link is a page here (done.html), which tells this one how it ended. */
async function openHosted({ container, serviceUrl, ask, getToken, ...on }) {
  const returns = new BroadcastChannel("done");
  const close = () => returns.close();
  const url = await askAsApp({ serviceUrl, ask, getToken, ...on });
  if (!url) return { close, goBack() {} };
  const redirect = `${location.origin}/done.html`;
  const colors = ask.options.color_scheme;
  const asked = { url, redirect, language: ask.language || undefined, color_scheme: colors };
  returns.onmessage = ({ data: { status, member_guid } }) => {
    on.onMessage("done.html", { status, member_guid });
    on.onDone(`Back in the app with status=${status}${member_guid ? `, ${member_guid}` : ""}.`);
  };
  const says =
    "The app has a widget URL. It opens this page with it, in ASWebAuthenticationSession on iOS or in a Custom Tab on Android:";
  const link = { href: toHostedAddress(serviceUrl, asked), target: "_blank", rel: "noopener" };
  const button = h("a", { className: "button", ...link }, "Open it as an app would");
  container.replaceChildren(h("div", { className: "rest" }, h("p", {}, says), button));
  on.onShown("Waiting for the page that the app opens.");
  return { close, goBack() {} };
}

function toHostedAddress(serviceUrl, asked) {
  const bytes = new TextEncoder().encode(JSON.stringify(asked));
  const base64 = btoa(String.fromCharCode(...bytes));
  return `${serviceUrl}/hosted#${base64.replaceAll("+", "-").replaceAll("/", "_")}`;
}
