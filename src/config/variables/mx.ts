/** Variables about MX: its APIs, Member credentials, and widgets. */

import { DEFAULT_TEMPLATE } from "../../session/member.ts";
import { WIDGET_TYPES } from "../../session/widget-options.ts";
import * as secrets from "../secret-values.ts";
import * as url from "../url-values.ts";
import * as user from "../user-values.ts";
import * as v from "../values.ts";
import { clientCertificate, ofTenant } from "./row.ts";

export const APIS = ofTenant({
  MX_ENVIRONMENT: {
    schema: v.choice(["integration", "production"]),
    default: "integration",
    description:
      "MX's environment. It selects the base URLs. Production keys are never sent to integration or loopback.",
  },
  MX_PLATFORM_CLIENT_ID: {
    schema: v.basicUser,
    example: "",
    description: "Platform API: the client id from MX's dashboard.",
  },
  MX_PLATFORM_API_KEY: {
    schema: secrets.secret,
    secret: true,
    example: "",
    description: "Platform API: the API key from MX's dashboard.",
  },
  MX_PLATFORM_VERSION: {
    schema: v.choice(["v20250224", "v20111101"]),
    default: "v20250224",
    description:
      "Platform API: `v20250224` is current. `v20111101` is the older version, in which your own user ids do not work in paths.",
  },
  MX_PLATFORM_BASE_URL: {
    schema: url.baseUrl,
    description: "Platform API: an address to use instead of MX's, such as the simulator's.",
  },
  MX_SSO_VERSION: {
    schema: v.choice(["v2", "v3"]),
    default: "v2",
    description:
      "Which SSO API you have. `v2` creates users, Members and URLs. `v3` creates URLs, and MDX Real Time creates users and Members.",
  },
  MX_SSO_API_KEY: {
    schema: secrets.secret,
    secret: true,
    description: "SSO API: the key. MX's documentation calls it `k` (v2) or `MD-API-KEY` (v3).",
  },
  MX_SSO_CLIENT_GUID: {
    schema: v.guid,
    description:
      "SSO API v2: the client (`c` in MX's documentation), `CLT-…` or your own id for it.",
  },
  MX_SSO_CLIENT_ID: {
    schema: v.guid,
    description: "SSO API v3: your client id, which is in the path of each call.",
  },
  MX_SSO_BASE_URL: {
    schema: url.baseUrl,
    description: "SSO API: an address to use instead of MX's. With v3, leave out the client id.",
  },
  MX_MDX_API_KEY: {
    schema: secrets.secret,
    secret: true,
    description: "SSO API v3: the key of MDX Real Time. Default: the value of `MX_SSO_API_KEY`.",
  },
  MX_MDX_BASE_URL: {
    schema: url.baseUrl,
    description:
      "SSO API v3: an address of MDX Real Time to use instead of MX's, without the client id.",
  },
  MX_CONNECTIONS: {
    schema: v.count(1, 2000),
    default: "100",
    description:
      "The maximum number of connections per tenant, MX host and replica. MX allows 2,000 per address.",
  },
  ...clientCertificate("MX_CLIENT", "MX's addresses"),
});

export const MEMBERS = ofTenant({
  MEMBER_CREDENTIALS: {
    schema: v.choice(["none", "claim", "derived", "lookup"]),
    default: "none",
    description:
      "Where the credentials of a user's Member come from (docs/mx-apis.md explains Members). `none`: no Member is created. The SSO API v2 needs one of the other values. `claim`: a claim in the token contains the userkey. `derived`: the userkey is a keyed hash of the user id. `lookup`: your own endpoint returns the credentials.",
  },
  MEMBER_USERKEY_CLAIM: {
    schema: v.textUpTo(255),
    description: "With `claim`: the name of the claim that holds the userkey.",
  },
  MEMBER_USERKEY_EXPIRES: {
    schema: v.flag,
    default: "false",
    description:
      "With `claim`: whether the userkey expires. If `true`, MX receives the new one on every login.",
  },
  MEMBER_USERKEY_SECRET: {
    schema: secrets.strongSecret,
    secret: true,
    description: "With `derived`: the key of the hash, at least 32 characters. Never change it.",
  },
  MEMBER_LOOKUP_URL: {
    schema: url.upstream,
    description:
      'With `lookup`: your endpoint. It receives `POST {"user_id","issuer","subject"}`, and answers `{"userkey","expires"}` or `{"login","password"}`, optionally with `member_id` and `profile`.',
  },
  MEMBER_LOOKUP_TOKEN: {
    schema: secrets.ownToken,
    secret: true,
    description:
      "With `lookup`: the bearer token that your endpoint expects, at least 12 characters.",
  },
  ...clientCertificate("MEMBER_LOOKUP_CLIENT", "the host of `MEMBER_LOOKUP_URL`"),
  MEMBER_ID_TEMPLATE: {
    schema: user.memberIdTemplate,
    default: DEFAULT_TEMPLATE,
    description:
      "The id of a user's Member. `{user_id}` stands for the user id. Keep the default, which is MX's convention, unless your users already have Members under other ids. See docs/existing-users.md.",
  },
  MEMBER_ID_CLAIM: {
    schema: v.claimName,
    description:
      "The claim that contains the id of the user's Member. Replaces the template. With `MEMBER_CREDENTIALS=lookup`, your endpoint can also answer with `member_id`.",
  },
});

export const PROFILE = ofTenant({
  PROFILE_FIELDS: {
    schema: user.profileFields,
    default: "all",
    description:
      "Which personal data may be sent to MX when a user is created: `all`, `none`, or a list of MX's field names. `metadata` is a text field of the Platform API. It contains first and last name, if they are in the list too. MX asks for as many fields as possible, above all names and e-mail address. See docs/privacy.md.",
  },
  PROFILE_CLAIMS: {
    schema: user.profileClaims,
    default: "{}",
    description:
      'Which of your claims contain the values for MX\'s fields, if they are not in the standard claims of OpenID Connect. JSON, such as `{"credit_score":"fico","zip_code":"address.postal_code"}`. A dot leads into an object, unless a claim has exactly that name. The service leaves out a value that MX would refuse.',
  },
  PROFILE_SOURCE: {
    schema: v.choice(["claims", "userinfo", "lookup"]),
    default: "claims",
    description:
      "Where the profile of a new user comes from. `claims`: the claims of the login. Access tokens for APIs rarely contain them. `userinfo`: the issuer's userinfo endpoint, called with the user's token. `lookup`: `profile` in the answer of `MEMBER_LOOKUP_URL`, with MX's field names. Existing users are neither looked up nor updated.",
  },
});

export const WIDGETS = ofTenant({
  WIDGET_TYPES: {
    schema: url.widgetTypes,
    default: WIDGET_TYPES.join(","),
    description: "Widget types that callers may request.",
  },
  WIDGET_DEFAULTS: {
    schema: url.options,
    default: "{}",
    description:
      'Widget options that apply if the caller does not set them, as JSON with MX\'s names, such as `{"color_scheme":"dark"}`.',
  },
  WIDGET_FORCED: {
    schema: url.options,
    default: "{}",
    description: "Widget options that a caller cannot change, as JSON with MX's names.",
  },
  CLIENT_REDIRECT_URLS: {
    schema: url.redirects,
    default: "",
    description:
      "Exact URLs to which a bank's OAuth login and the page of `HOSTED_NAME` may return, including app schemes (`myapp://done`).",
  },
  WEBVIEW_SCHEMES: {
    schema: url.schemes,
    default: "mx",
    description:
      "URL schemes that a request may choose for the widget's navigations in an app's WebView.",
  },
  WIDGET_URL_ORIGINS: {
    schema: url.origins,
    default: "",
    description:
      "Origins that a widget URL may have, such as `https://widgets.moneydesktop.com`. If empty, any https origin is accepted.",
  },
  ALLOW_CALLBACK_PAYLOAD: {
    schema: v.flag,
    default: "false",
    description:
      "Whether the header `X-Callback-Payload` is sent to MX, which repeats it in webhooks.",
  },
});
