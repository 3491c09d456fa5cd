/**
 * MX's options as a form, grouped by purpose. A dot in a name leads into an object.
 *
 * Source: MX Platform API, Request widget URL; openapi.yaml has the words for each.
 */

/**
 * @typedef {object} Option
 * @property {string} name
 * @property {string} label
 * @property {"choice" | "flag" | "list" | "text" | "date" | "integer"} kind
 * @property {readonly string[]} [choices]
 * @property {string} [example]
 */

const flag = (name, label) => ({ name, label, kind: "flag" });
const text = (name, label, example = "") => ({ name, label, kind: "text", example });
const choice = (name, label, ...choices) => ({ name, label, kind: "choice", choices });
const list = (name, label, ...choices) => ({ name, label, kind: "list", choices });
const date = (name, label) => ({ name, label, kind: "date" });

/** @type {readonly { title: string, says: string, options: readonly Option[] }[]} */
export const OPTION_GROUPS = [
  {
    title: "Appearance",
    says: "Connect takes its language from Accept-Language. The other widgets use locale.",
    options: [
      choice("color_scheme", "Colours", "light", "dark", "browser"),
      text("locale", "Locale", "fr-CA"),
      text("style.font_name", "Font", "Georgia"),
    ],
  },
  {
    title: "Data to ask for",
    says: "The data that Connect fetches once a bank is linked.",
    options: [
      list(
        "data_request.products",
        "Products",
        "account_verification",
        "identity_verification",
        "transactions",
        "transaction_history",
        "statements",
        "investments",
        "rewards",
      ),
      list("use_cases", "Use cases", "PFM", "MONEY_MOVEMENT"),
      flag("disable_background_agg", "No updates in the background"),
    ],
  },
  {
    title: "Where Connect starts",
    says: "Opens at a bank, or at a connection that needs repair, instead of the search.",
    options: [
      text("current_institution_code", "Bank, by code", "mxbank"),
      text("current_institution_guid", "Bank, by guid", "INS-…"),
      text("current_member_guid", "Connection", "MBR-…"),
      text("current_microdeposit_guid", "Micro-deposit", "MCD-…"),
      flag("update_credentials", "Ask for the credentials again"),
      flag("disable_institution_search", "No search for other banks"),
      list("iso_country_code", "Countries", "US", "CA", "MX"),
    ],
  },
  {
    title: "Apps and OAuth",
    says: "In a WebView the widget sends navigations instead of messages. A page in a browser cannot receive those.",
    options: [
      flag("is_mobile_webview", "Shown in a WebView"),
      text("ui_message_webview_url_scheme", "Scheme of the messages", "examplebank"),
      text("client_redirect_url", "Where OAuth ends", "examplebank://oauth"),
      choice("oauth_referral_source", "OAuth starts in", "BROWSER", "APP"),
      flag("enable_app2app", "Open the bank's app"),
    ],
  },
  {
    title: "Deep links and insights",
    says: "For the personal finance and the Insights widgets.",
    options: [
      choice(
        "deep_link_params.widget",
        "Widget in the master widget",
        "accounts",
        "budgets",
        "cash_flow",
        "debts",
        "finstrong",
        "goals",
        "insights",
        "investments",
        "networth",
        "recurringtransactions",
        "spending",
        "transactions",
        "trends",
      ),
      choice("deep_link_params.view", "View", "manage_income", "accounts", "budgets", "insights"),
      text("deep_link_params.account_guid", "Account", "ACT-…"),
      date("deep_link_params.date_range.start_date", "From"),
      date("deep_link_params.date_range.end_date", "To"),
      choice("deep_link_params.launch_integration", "Integration", "direct-deposit"),
      text("insight_guid", "Insight", "BET-…"),
      text("microwidget_instance_id", "Micro widget instance", "home"),
    ],
  },
  {
    title: "Options of MX's SDKs",
    says: "MX has newer options for these, but its SDKs still send them. The service translates most of them to data_request.products.",
    options: [
      choice("mode", "Mode", "aggregation", "verification"),
      flag("include_transactions", "With transactions"),
      flag("include_identity", "With identity"),
      choice(
        "additional_product_option",
        "One more product",
        "account_verification",
        "transactions",
      ),
      flag("connections_use_case_filter", "Filter by use case (v20111101)"),
      { name: "ui_message_version", label: "Message version", kind: "integer", example: "4" },
    ],
  },
];

export const OPTIONS = OPTION_GROUPS.flatMap(({ options }) => options);

/** The options that were set, with MX's types. @param {FormData} form */
export function toOptions(form) {
  const options = {};
  for (const option of OPTIONS) {
    const value = toValue(
      option,
      form.getAll(option.name).filter((entry) => entry !== ""),
    );
    if (value !== undefined) setPath(options, option.name.split("."), value);
  }
  return options;
}

function toValue({ kind }, entries) {
  const [first] = entries;
  if (first === undefined) return undefined;
  if (kind === "list") return entries;
  if (kind === "flag") return first === "true";
  return kind === "integer" ? Number(first) : first;
}

function setPath(target, [name, ...rest], value) {
  if (rest.length === 0) {
    target[name] = value;
    return;
  }
  target[name] ??= {};
  setPath(target[name], rest, value);
}
