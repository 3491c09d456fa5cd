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
  const { props, rest } = splitForSdk(options);
  const name = toClassName(widgetType);
  const known = SDK_CLASSES.has(name) ? name : "Widget";
  const settings = {
    container: "#widget",
    proxy: `${serviceUrl}/session`,
    ...(known === "Widget" && { widgetType }),
    ...(language && { language }),
    ...props,
  };
  const body = Object.keys(rest).length > 0;
  return `import { ${known} } from "@mxenabled/web-widget-sdk";

const token = await getToken(); // your user's, from your login
const widget = new ${known}({
${toLines(settings)}
  ssoRequestPreprocess({ url, options }) {
    const headers = { ...options.headers, Authorization: \`Bearer \${token}\` };
${body ? BODY_LINES(rest) : "    return { url, options: { ...options, headers } };"}
  },
  onSsoUrlLoadError: (error) => console.error(error.statusCode),
  onConnectedPrimaryAction: () => widget.unmount(),
});
`;
}

const BODY_LINES = (rest) => `    const { widget_url } = JSON.parse(options.body);
    const more = ${JSON.stringify(rest)}; // the SDK has no names for these
    const body = JSON.stringify({ widget_url: { ...widget_url, ...more } });
    return { url, options: { ...options, headers, body } };`;

function toLines(settings) {
  return Object.entries(settings)
    .map(([name, value]) => `  ${name}: ${JSON.stringify(value)},`)
    .join("\n");
}

/** Source: @mxenabled/web-widget-sdk 0.0.15. */
const SDK_PROPS = new Map([
  ["additional_product_option", "additionalProductOption"],
  ["client_redirect_url", "clientRedirectUrl"],
  ["color_scheme", "colorScheme"],
  ["connections_use_case_filter", "connectionsUseCaseFilter"],
  ["current_institution_code", "currentInstitutionCode"],
  ["current_institution_guid", "currentInstitutionGuid"],
  ["current_member_guid", "currentMemberGuid"],
  ["disable_institution_search", "disableInstitutionSearch"],
  ["include_transactions", "includeTransactions"],
  ["is_mobile_webview", "isMobileWebview"],
  ["mode", "mode"],
  ["oauth_referral_source", "oauthReferralSource"],
  ["ui_message_version", "uiMessageVersion"],
  ["ui_message_webview_url_scheme", "uiMessageWebviewUrlScheme"],
  ["update_credentials", "updateCredentials"],
  ["use_cases", "useCases"],
]);

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

/** The SDK's own names, and the options that it has no name for. */
export function splitForSdk(options) {
  const props = {};
  const rest = {};
  for (const [name, value] of Object.entries(options)) {
    const prop = SDK_PROPS.get(name);
    if (prop) props[prop] = value;
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
