/** What a developer would write for the request that the form describes. */

/**
 * @typedef {object} Ask
 * @property {string} serviceUrl
 * @property {string} pageUrl
 * @property {string} user
 * @property {string} widgetType
 * @property {string} language Empty: not sent.
 * @property {object} options
 */

/** @type {Record<string, (ask: Ask) => string>} */
export const SNIPPETS = { json: toJson, curl: toCurl, sdk: toSdk, embed: toEmbed };

/** @param {Ask} ask */
export function toBody({ widgetType, options }) {
  return { widget_url: { widget_type: widgetType, ...options } };
}

function toJson(ask) {
  return JSON.stringify(toBody(ask), null, 2);
}

function toCurl(ask) {
  const { serviceUrl, pageUrl, user, language } = ask;
  return [
    `curl -s -X POST ${serviceUrl}/session`,
    `-H "Authorization: Bearer $(curl -s ${pageUrl}/token/${user})"`,
    `-H "Content-Type: application/json"`,
    ...(language ? [`-H ${inShell(`Accept-Language: ${language}`)}`] : []),
    `-d ${inShell(JSON.stringify(toBody(ask)))}`,
  ].join(" \\\n  ");
}

function inShell(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function toSdk(ask) {
  const { serviceUrl, widgetType, language, options } = ask;
  const { props, rest } = splitForSdk(widgetType, options);
  const name = toClassName(widgetType);
  const isKnown = SDK_CLASSES.has(name);
  const settings = {
    container: "#widget",
    proxy: `${serviceUrl}/session`,
    ...(language && { language }),
    ...props,
  };
  const body = Object.keys(rest).length > 0;
  return `import { ${isKnown ? name : "Widget"} } from "@mxenabled/web-widget-sdk";
${isKnown ? "" : toOwnClass(name, widgetType)}
const token = await getToken(); // your user's, from your login
${name === "ConnectWidget" ? "const widget = " : ""}new ${name}({
${toLines(settings)}
  ssoRequestPreprocess({ url, options }) {
    const headers = new Headers(options.headers);
    headers.set("Authorization", \`Bearer \${token}\`);
${body ? BODY_LINES(rest) : "    return { url, options: { ...options, headers } };"}
  },
  onSsoUrlLoadError: (error) => console.error(error),
${name === "ConnectWidget" ? "  onConnectedPrimaryAction: () => widget.unmount(),\n" : ""}});
`;
}

/** For a widget type that the SDK has no class for. */
const toOwnClass = (name, widgetType) => `
class ${name} extends Widget {
  get widgetType() {
    return "${widgetType}" as never; // not in the SDK's list of types
  }
}
`;

const BODY_LINES = (rest) => `    const { widget_url } = JSON.parse(String(options.body));
    const more = ${JSON.stringify(rest)}; // the SDK has no names for these
    const body = JSON.stringify({ widget_url: { ...widget_url, ...more } });
    return { url, options: { ...options, headers, body } };`;

function toLines(settings) {
  return Object.entries(settings)
    .map(([name, value]) => `  ${name}: ${JSON.stringify(value)},`)
    .join("\n");
}

/** By the widgets that have them, as the SDK's types say. Source: @mxenabled/web-widget-sdk 0.0.15. */
const SDK_PROPS = {
  any: new Map([
    ["color_scheme", "colorScheme"],
    ["is_mobile_webview", "isMobileWebview"],
    ["oauth_referral_source", "oauthReferralSource"],
    ["ui_message_version", "uiMessageVersion"],
    ["ui_message_webview_url_scheme", "uiMessageWebviewUrlScheme"],
  ]),
  connect_widget: new Map([
    ["additional_product_option", "additionalProductOption"],
    ["client_redirect_url", "clientRedirectUrl"],
    ["current_institution_code", "currentInstitutionCode"],
    ["current_institution_guid", "currentInstitutionGuid"],
    ["current_member_guid", "currentMemberGuid"],
    ["disable_institution_search", "disableInstitutionSearch"],
    ["include_transactions", "includeTransactions"],
    ["mode", "mode"],
    ["update_credentials", "updateCredentials"],
    ["use_cases", "useCases"],
  ]),
  connections_widget: new Map([
    ["additional_product_option", "additionalProductOption"],
    ["connections_use_case_filter", "connectionsUseCaseFilter"],
    ["use_cases", "useCases"],
  ]),
};

const SDK_CLASSES = new Set(
  [
    "Accounts Budgets Connect Connections Debts Finstrong Goals Help Master MiniBudgets MiniFinstrong",
    "MiniPulseCarousel MiniSpending Pulse Settings Spending Transactions Trends",
  ]
    .join(" ")
    .split(" ")
    .map((name) => `${name}Widget`),
);

/** "mini_budgets_widget": MiniBudgetsWidget. */
export function toClassName(widgetType) {
  return widgetType.replace(/(?:^|_)([a-z])/g, (_match, letter) => letter.toUpperCase());
}

/** The SDK's own names, and what it has no names or no types for. */
export function splitForSdk(widgetType, options) {
  const props = {};
  const rest = {};
  for (const [name, value] of Object.entries(options)) {
    const prop = SDK_PROPS.any.get(name) ?? SDK_PROPS[widgetType]?.get(name);
    const hasType = !(name === "color_scheme" && value === "browser");
    if (prop && hasType) props[prop] = value;
    else rest[name] = value;
  }
  return { props, rest };
}

function toEmbed({ serviceUrl, widgetType, language, options }) {
  const attributes = [
    ["session-url", `${serviceUrl}/session`],
    ["widget-type", widgetType],
    ...(language ? [["language", language]] : []),
    ...(Object.keys(options).length > 0 ? [["options", JSON.stringify(options)]] : []),
  ];
  const lines = attributes.map(([name, value]) => `  ${name}=${inHtml(value)}`);
  return `<mx-widget
${lines.join("\n")}
  close-on-done
></mx-widget>

<script type="module">
  import "${serviceUrl}/embed.js";

  const widget = document.querySelector("mx-widget");
  widget.getToken = async () => getToken(); // your user's, from your login
  widget.addEventListener("mx-message", ({ detail }) => console.log(detail.type, detail.metadata));
  widget.addEventListener("mx-error", ({ detail }) => console.error(detail.code, detail.message));
</script>
`;
}

function inHtml(text) {
  return `'${text.replaceAll("&", "&amp;").replaceAll("'", "&#39;")}'`;
}
