/**
 * Linking an account by its numbers: MX sends two small deposits, and the user says later how much they were.
 *
 * The routing number 000000000 is blocked; deposits of 0.01 and 0.02 are right, others wrong.
 * Source: connect-widget, src/views/microdeposits.
 */

import { h, show } from "./dom.js";
import { randomGuid } from "./random-guid.js";

const BLOCKED = "000000000";
const RIGHT = ["0.01", "0.02"];

/** `guid`: of deposits that are under way. `leave` goes back to the search. */
export function startMicrodeposits({ root, t, tell, leave, guid }) {
  const say = (event, metadata) => tell(`connect/microdeposits/${event}`, metadata);
  say("loaded", { initial_step: guid ? "verifyDeposits" : "routingNumber" });
  if (guid) askAmounts();
  else askRoutingNumber();

  function askRoutingNumber() {
    ask(t.routingNumber, [["routing", t.routingLabel]], ({ routing }) => {
      if (routing !== BLOCKED) return askAccount();
      say("blockedRoutingNumber", { routing_number: routing, reason: "BLOCKED" });
      show(root, [
        h("h1", {}, t.failed),
        h("p", { role: "alert" }, t.routingBlocked),
        button(t.tryAgain, askRoutingNumber),
      ]);
    });
  }

  function askAccount() {
    ask(t.accountNumber, [["account", t.accountLabel]], () => {
      const microdeposit = { microdeposit_guid: randomGuid("MIC") };
      say("detailsSubmitted", microdeposit);
      end(t.comeBack, t.comeBackText, () => say("comeBack/primaryAction", microdeposit));
    });
  }

  function askAmounts() {
    const fields = [
      ["first", t.firstAmount],
      ["second", t.secondAmount],
    ];
    ask(t.amounts, fields, ({ first, second }) => {
      if (first === RIGHT[0] && second === RIGHT[1]) {
        say("verified", { microdeposit_guid: guid });
        end(t.verified, "", () => say("verified/primaryAction"));
      } else
        end(t.failed, t.amountsWrong, () =>
          say("error/primaryAction", { status: "REJECTED", guid }),
        );
    });
  }

  function ask(title, fields, submit) {
    const inputs = fields.flatMap(([name, label]) => [
      h("label", { htmlFor: name }, label),
      h("input", { id: name, name, autocomplete: "off", inputMode: "decimal", required: true }),
    ]);
    const onsubmit = (event) => {
      event.preventDefault();
      submit(Object.fromEntries(new FormData(event.target)));
    };
    show(root, [
      h("h1", {}, title),
      h("form", { onsubmit }, inputs, h("button", { className: "primary" }, t.continue)),
      h("p", { className: "soft" }, t.depositHint),
    ]);
  }

  function end(title, text, press) {
    const leaveAfter = () => {
      press();
      leave();
    };
    show(root, [h("h1", {}, title), h("p", { role: "status" }, text), button(t.done, leaveAfter)]);
  }

  function button(text, onclick) {
    return h("button", { type: "button", className: "primary", onclick }, text);
  }
}
