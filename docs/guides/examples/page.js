import { openWidget } from "/embed.js";

const news = document.querySelector("#news");
let widget;

document.querySelector("#link").addEventListener("click", () => {
  news.textContent = "";
  widget?.close();
  widget = openWidget("#widget", {
    widgetType: "connect_widget",
    options: { color_scheme: "light" },
    closeOnDone: true,
    focusOnLoad: true,
    getToken,
    onMessage({ type, metadata }) {
      if (type === "mx/connect/memberConnected") {
        news.textContent = `Linked: ${metadata.member_guid}`;
      }
    },
    onError({ code, message, requestId, cause }) {
      console.warn("No widget:", code, message, requestId, cause);
    },
  });
});

/** Your login's access token. `isRefresh`: the one before was refused, so do not answer a cached one. */
async function getToken({ isRefresh, signal }) {
  const response = await fetch("/token", { cache: isRefresh ? "reload" : "default", signal });
  if (!response.ok) throw new Error("Please log in again.");
  return response.text();
}
