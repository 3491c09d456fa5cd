/**
 * A native app's shell, played by a page: shows a widget, and sees each of its navigations before it happens.
 *
 * A real app does this in its WebView's navigation delegate. A browser lets a page do it only for frames of its own
 * origin, which is why the simulator, as the widget's origin, has this page. The page around it is told what an app would see.
 * Needs the Navigation API. Source: MX, Webviews; ios-connect-demo.
 */

const frame = document.getElementById("webview");
const browser = document.getElementById("browser");
const host = { origin: document.referrer && new URL(document.referrer).origin };

window.addEventListener("message", ({ source, data }) => {
  if (source !== window.parent) return;
  if (data?.open) openWidget(data.open);
  if (data?.back) tellWidget({ mx: true, type: "mx/navigation", payload: { action: "back" } });
});
frame.addEventListener("load", () => watch(frame.contentWindow));
document.getElementById("close-browser").addEventListener("click", closeBrowser);
tellHost(window.navigation ? { shell: "ready" } : { shell: "unsupported" });

function openWidget(url) {
  closeBrowser();
  if (new URL(url).origin !== window.location.origin) return tellHost({ shell: "foreign" });
  frame.src = url;
}

function watch(view) {
  view.navigation?.addEventListener("navigate", (event) => {
    const url = event.destination.url;
    if (/^https?:/.test(url) || !event.cancelable) return;
    event.preventDefault();
    tellHost({ shell: "navigation", url });
    receive(url);
  });
}

/** Two of them mean something to the shell itself; the rest is the app's. */
function receive(url) {
  const { host: name, pathname, searchParams } = new URL(url.replace(/^[^:]+:/, "https:"));
  const event = `${name}${pathname}`.toLowerCase();
  if (event === "connect/oauthrequested") openBrowser(JSON.parse(searchParams.get("metadata")).url);
  if (searchParams.has("status")) {
    closeBrowser();
    tellWidget(toOauthMessage(searchParams));
  }
}

/** Stands for the device's own browser: banks refuse to be shown in a WebView. */
function openBrowser(url) {
  const view = document.createElement("iframe");
  view.title = "The device's browser";
  view.src = url;
  view.addEventListener("load", () => watch(view.contentWindow));
  browser.querySelector("iframe")?.remove();
  browser.append(view);
  browser.hidden = false;
}

function closeBrowser() {
  browser.querySelector("iframe")?.remove();
  browser.hidden = true;
}

/** MX's React Native SDK says it in the same words. */
function toOauthMessage(result) {
  const isGood = result.get("status") === "success";
  return {
    mx: true,
    type: isGood ? "oauthComplete/success" : "oauthComplete/error",
    metadata: { member_guid: result.get("member_guid"), error_reason: result.get("error_reason") },
  };
}

function tellWidget(message) {
  frame.contentWindow.postMessage(message, window.location.origin);
}

function tellHost(message) {
  if (window.parent !== window && host.origin) window.parent.postMessage(message, host.origin);
}
