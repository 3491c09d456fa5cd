/** The app's link: what a phone would open at the end of /hosted. Tells the partner's page, in the other tab. */

import { byId } from "./dom.js";

const { status, member_guid } = Object.fromEntries(new URLSearchParams(location.search));
byId("status").textContent = status ?? "none";
byId("member").textContent = member_guid ?? "none";
new BroadcastChannel("done").postMessage({ status, member_guid });
