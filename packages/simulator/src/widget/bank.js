/**
 * The bank's own login page, in a window of its own: allows, cancels or fails, and goes back to where it came from.
 *
 * To the widget that opened it, or to an app's address with the result in the query.
 * Source: MX, OAuth in browsers, OAuth in mobile apps.
 */

const query = new URLSearchParams(window.location.search);
const memberGuid = query.get("member_guid") ?? "";
const bank = query.get("bank") ?? "The bank";

document.getElementById("bank").textContent = bank;
for (const button of document.querySelectorAll("button")) {
  button.addEventListener("click", () => finish(button.dataset.reason));
}

/** Without a reason the user has allowed it. */
function finish(reason) {
  const returnTo = query.get("return_to");
  if (returnTo) window.location.assign(toReturnUrl(returnTo, reason));
  else tellOpener(reason);
  document.getElementById("after").hidden = false;
}

function toReturnUrl(returnTo, reason) {
  const result = new URLSearchParams({
    status: reason ? "error" : "success",
    member_guid: memberGuid,
    ...(reason && { error_reason: reason }),
  });
  return `${returnTo}${returnTo.includes("?") ? "&" : "?"}${result}`;
}

function tellOpener(reason) {
  const message = {
    mx: true,
    type: reason ? "oauthComplete/error" : "oauthComplete/success",
    metadata: { member_guid: memberGuid, ...(reason && { error_reason: reason }) },
  };
  window.opener?.postMessage(message, window.location.origin);
  window.close();
}
