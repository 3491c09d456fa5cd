/** What the demo runs: its users, its widgets, and where the service is. */

/** `?widget=` in the page's address is the widget type to start with. */
export const asked = new URLSearchParams(location.search).get("widget");
export const setup = await (await fetch(`/setup?widget=${encodeURIComponent(asked ?? "")}`)).json();
