/** Variables about MX: its APIs, Member credentials, and widgets. */

import { WIDGET_TYPES } from "../../session/widget-options.ts";
import * as url from "../url-values.ts";
import * as v from "../values.ts";

const APIS = {
  MX_ENVIRONMENT: {
    schema: v.choice(["integration", "production"]),
    scope: "tenant",
    default: "integration",
    description:
      "MX's environment; decides the base URLs. Production keys are never sent to integration or loopback.",
  },
  MX_PLATFORM_CLIENT_ID: {
    schema: v.basicUser,
    scope: "tenant",
    example: "",
    description: "Platform API: the client id from MX's dashboard.",
  },
  MX_PLATFORM_API_KEY: {
    schema: v.secret,
    scope: "tenant",
    secret: true,
    example: "",
    description: "Platform API: the API key from MX's dashboard.",
  },
  MX_PLATFORM_VERSION: {
    schema: v.choice(["v20250224", "v20111101"]),
    scope: "tenant",
    default: "v20250224",
    description:
      "Platform API: `v20250224` is current. `v20111101` is legacy: there, your own user ids do not work in paths.",
  },
  MX_PLATFORM_BASE_URL: {
    schema: url.baseUrl,
    scope: "tenant",
    description: "Platform API: another address than MX's, such as the simulator's.",
  },
  MX_SSO_API_KEY: {
    schema: v.secret,
    scope: "tenant",
    secret: true,
    description: "SSO API v2: the key (`k` in MX's documentation).",
  },
  MX_SSO_CLIENT_GUID: {
    schema: v.guid,
    scope: "tenant",
    description:
      "SSO API v2: the client (`c` in MX's documentation), `CLT-…` or your own id for it.",
  },
  MX_SSO_BASE_URL: {
    schema: url.baseUrl,
    scope: "tenant",
    description: "SSO API v2: another address than MX's.",
  },
  MX_CONNECTIONS: {
    schema: v.count(1, 2000),
    scope: "tenant",
    default: "100",
    description: "Connections per tenant, MX host and replica. MX allows 2,000 per address.",
  },
} as const satisfies Record<string, v.Variable>;

const MEMBERS = {
  MEMBER_CREDENTIALS: {
    schema: v.choice(["none", "claim", "derived", "lookup"]),
    scope: "tenant",
    default: "none",
    description:
      "Where the credentials of a user's Member come from. `none`: Platform API only. `claim`: a userkey is in a claim of the token. `derived`: a keyed hash of the user id. `lookup`: your own endpoint is asked.",
  },
  MEMBER_USERKEY_CLAIM: {
    schema: v.shortText,
    scope: "tenant",
    description: "With `claim`: the name of the claim that holds the userkey.",
  },
  MEMBER_USERKEY_EXPIRES: {
    schema: v.flag,
    scope: "tenant",
    default: "false",
    description:
      "With `claim`: whether the userkey expires. If `true`, MX receives the new one on every login.",
  },
  MEMBER_USERKEY_SECRET: {
    schema: v.strongSecret,
    scope: "tenant",
    secret: true,
    description: "With `derived`: the key of the hash, at least 32 characters. Never change it.",
  },
  MEMBER_LOOKUP_URL: {
    schema: url.upstream,
    scope: "tenant",
    description:
      'With `lookup`: your endpoint. It receives `POST {"user_id","issuer","subject"}`, and answers `{"userkey","expires"}` or `{"login","password"}`.',
  },
  MEMBER_LOOKUP_TOKEN: {
    schema: v.ownToken,
    scope: "tenant",
    secret: true,
    description:
      "With `lookup`: the bearer token that your endpoint expects, at least 12 characters.",
  },
} as const satisfies Record<string, v.Variable>;

const WIDGETS = {
  WIDGET_TYPES: {
    schema: url.widgetTypes,
    scope: "tenant",
    default: WIDGET_TYPES.join(","),
    description: "Widget types that callers may ask for.",
  },
  WIDGET_DEFAULTS: {
    schema: url.options,
    scope: "tenant",
    default: "{}",
    description:
      'Options for what a caller leaves out, as JSON with MX\'s names, such as `{"color_scheme":"dark"}`.',
  },
  WIDGET_FORCED: {
    schema: url.options,
    scope: "tenant",
    default: "{}",
    description: "Options that a caller cannot change, as JSON with MX's names.",
  },
  CLIENT_REDIRECT_URLS: {
    schema: url.redirects,
    scope: "tenant",
    default: "",
    description:
      "Where a bank's OAuth login may end: exact URLs, app schemes included (`myapp://done`).",
  },
  WEBVIEW_SCHEMES: {
    schema: url.schemes,
    scope: "tenant",
    default: "mx",
    description: "Schemes by which an app may receive messages in a WebView.",
  },
  WIDGET_URL_ORIGINS: {
    schema: url.origins,
    scope: "tenant",
    default: "",
    description:
      "Origins that a widget URL may have, such as `https://widgets.moneydesktop.com`. If empty, any https origin.",
  },
  ALLOW_CALLBACK_PAYLOAD: {
    schema: v.flag,
    scope: "tenant",
    default: "false",
    description:
      "Whether the header `X-Callback-Payload` is passed on to MX, which repeats it in webhooks.",
  },
} as const satisfies Record<string, v.Variable>;

export const MX_VARIABLES = { ...APIS, ...MEMBERS, ...WIDGETS };

export const MX_SECTIONS: readonly v.Section[] = [
  {
    title: "MX",
    introduction:
      "Configure the Platform API (all widgets), the SSO API (seven widgets, without options), or both: then the SSO API provisions users and the Platform API makes the URLs. MX answers only addresses on its allow list.",
    variables: APIS,
  },
  { title: "Member credentials (SSO API only)", variables: MEMBERS },
  { title: "Widgets", variables: WIDGETS },
];
