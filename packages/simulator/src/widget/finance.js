/**
 * The personal finance widgets as simple pages: made-up accounts as tables and plots.
 *
 * The master widget has the others as views. A view opened from another one can be left with the back message.
 */

import {
  ACCOUNTS,
  BUDGETS,
  GOALS,
  MONTHS,
  NET_WORTH,
  RECURRING,
  SPENDING,
  TRANSACTIONS,
  toDollars,
} from "./accounts.js";
import { h, show, svg } from "./dom.js";

const MASTER_VIEWS = ["accounts", "transactions", "spending", "budgets", "net_worth"];

/** @returns {{ goBack: () => boolean }} */
export function startFinance({ root, tell, options, widget }) {
  const trail = [];
  open(widget === "master" ? firstMasterView(options) : widget);
  return {
    goBack() {
      const previous = trail.pop();
      if (previous) previous();
      return previous !== undefined;
    },
  };

  function open(name) {
    const parts = toParts(name, { tell, openAccount, options });
    show(root, [
      ...(widget === "master" ? [toTabs(name)] : []),
      h("h1", {}, toTitle(name)),
      ...parts,
    ]);
  }

  function toTabs(current) {
    const buttons = MASTER_VIEWS.map((name) => {
      const go = () => {
        trail.push(() => open(current));
        open(name);
      };
      const marked = name === current ? { "aria-current": "page" } : {};
      return h("button", { type: "button", onclick: go, ...marked }, toTitle(name));
    });
    return h("nav", { className: "tabs", "aria-label": "Views" }, buttons);
  }

  function openAccount(account, from) {
    trail.push(() => open(from));
    const rows = TRANSACTIONS.filter((transaction) => transaction.account === account.guid);
    show(root, [h("h1", {}, account.name), toTransactions(rows)]);
  }
}

function firstMasterView({ deep_link_params: link }) {
  const wanted = (link?.widget ?? link?.view ?? "accounts").replace("networth", "net_worth");
  return MASTER_VIEWS.includes(wanted) ? wanted : "accounts";
}

/** The mini and micro widgets show the same, smaller; the page around them is narrow. */
function toParts(name, context) {
  const { tell, openAccount, options } = context;
  switch (name.replace(/^(mini|micro)_/, "")) {
    case "accounts":
    case "connections":
    case "money_dashboard":
      return [toAccounts(ACCOUNTS, (account) => openAccount(account, name))];
    case "debts":
      return [toAccounts(ACCOUNTS.filter(({ balance }) => balance < 0))];
    case "transactions":
      return [toTransactions(TRANSACTIONS)];
    case "recurringtransactions":
      return [toTransactions(RECURRING)];
    case "spending":
      return toSpending(options.deep_link_params);
    case "budgets":
    case "spending_plan":
      return [toMeters(BUDGETS, "spent")];
    case "goals":
      return [toMeters(GOALS, "saved")];
    case "net_worth":
    case "trends":
    case "cash_flow":
      return toTrend();
    case "finstrong":
      return [h("p", { className: "figure" }, "72 of 100"), toMeters(GOALS, "saved")];
    case "pulse":
    case "pulse_carousel":
      return [toOverdraftWarning(tell)];
    default:
      return [h("p", {}, "This view has settings and help. The simulator has none to show.")];
  }
}

function toAccounts(accounts, open) {
  const rows = accounts.map((account) => {
    const name = open
      ? h(
          "button",
          { type: "button", className: "link", onclick: () => open(account) },
          account.name,
        )
      : account.name;
    return [name, account.bank, toDollars(account.balance)];
  });
  return toTable(["Account", "Bank", "Balance"], rows);
}

function toTransactions(transactions) {
  const rows = transactions.map(({ date, text, amount }) => [date, text, toDollars(amount)]);
  return toTable(["Date", "What", "Amount"], rows);
}

function toTable(names, rows) {
  const head = h(
    "tr",
    {},
    names.map((name) => h("th", { scope: "col" }, name)),
  );
  const body = rows.map((cells) =>
    h(
      "tr",
      {},
      cells.map((cell) => h("td", {}, cell)),
    ),
  );
  return h("table", {}, h("thead", {}, head), h("tbody", {}, body));
}

function toSpending(link) {
  const { start_date: start, end_date: end } = link?.date_range ?? {};
  const span =
    start || end ? `From ${start ?? "the beginning"} to ${end ?? "today"}` : "This month";
  return [h("p", { className: "soft" }, span), toMeters(SPENDING, "of all spending")];
}

function toMeters(items, word) {
  const rows = items.map(({ name, amount, limit }) => {
    const label = `${name}: ${toDollars(amount)} of ${toDollars(limit)} ${word}`;
    const meter = h("meter", { min: 0, max: limit, value: amount, "aria-label": label });
    return h("li", {}, h("span", {}, name), h("span", {}, toDollars(amount)), meter);
  });
  return h("ul", { className: "meters" }, rows);
}

function toTrend() {
  const highest = Math.max(...NET_WORTH);
  const points = NET_WORTH.map((value, index) => {
    return `${10 + index * 56},${110 - (value / highest) * 90}`;
  });
  const line = svg("polyline", { points: points.join(" ") });
  const label = `From ${toDollars(NET_WORTH[0])} to ${toDollars(NET_WORTH.at(-1))} in six months`;
  const plot = { viewBox: "0 0 300 120", class: "plot", role: "img", "aria-label": label };
  const rows = MONTHS.map((month, index) => [month, toDollars(NET_WORTH[index])]);
  return [
    h("p", { className: "figure" }, toDollars(NET_WORTH.at(-1))),
    svg("svg", plot, line),
    toTable(["Month", "Net worth"], rows),
  ];
}

/** Source: MX, Widget events, `mx/pulse/overdraftWarning/cta/transferFunds`. */
function toOverdraftWarning(tell) {
  const { guid, name } = ACCOUNTS[0];
  const transfer = () =>
    tell("pulse/overdraftWarning/cta/transferFunds", { account_guid: guid, amount: 120 });
  return h(
    "section",
    { className: "insight", "aria-label": "Overdraft warning" },
    h("p", {}, `${name} may be overdrawn by ${toDollars(120)} on Friday.`),
    h("button", { type: "button", className: "primary", onclick: transfer }, "Transfer funds"),
  );
}

/** "mini_budgets": Mini budgets. */
function toTitle(name) {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
