/**
 * What a deployment does with a caller's options: it refuses some, adds defaults, forces values, and translates them for its API
 * version.
 *
 * Order: the caller's body is checked; operator defaults fill what it leaves open; forced values win.
 */

import type { BodyError } from "../errors.ts";
import { createBodyExplanation, invalidBody } from "./body-errors.ts";
import type { WidgetRequest } from "./types.ts";
import {
  createWidgetUrlBody,
  type PRODUCTS,
  SSO_WIDGET_TYPES,
  type WidgetOptions,
} from "./widget-options.ts";

export type WidgetPolicyOptions = {
  /** Where URLs come from: a Platform API version, the answers of the SSO API v2, or the SSO API v3. */
  source: "v20250224" | "v20111101" | "sso" | "sso_v3";
  widgetTypes: readonly string[];
  defaults: PolicyValues;
  forced: PolicyValues;
  /** Serialised as `new URL(...).href` does. */
  clientRedirectUrls: readonly string[];
  /** Lower case, without the colon. */
  webviewSchemes: readonly string[];
};

/** Options set by the operator. */
export type PolicyValues = WidgetOptions & { widget_type?: string | undefined };

/** The other version's schema does not have them, and would silently ignore them. */
const ONLY_IN_VERSION: Record<string, "v20250224" | "v20111101"> = {
  connections_use_case_filter: "v20111101",
  current_microdeposit_guid: "v20250224",
  data_request: "v20250224",
  deep_link_params: "v20250224",
  locale: "v20250224",
  style: "v20250224",
};

/** In v20250224 `data_request` took the place of these; MX's SDKs still send them. */
const LEGACY_OPTIONS = [
  "mode",
  "include_transactions",
  "include_identity",
  "additional_product_option",
] as const;

/** MX's widgets and this service speak version 4 of the message protocol. */
const UI_MESSAGE_VERSION = 4;

/** Returns the parser of a tenant's request bodies. The parser throws `invalid_request` that names each faulty field. */
export function createWidgetRequestParser(
  policy: WidgetPolicyOptions,
): (body: unknown) => WidgetRequest {
  const widgetTypes = allowedTypes(policy);
  const Body = createWidgetUrlBody(widgetTypes);
  const fallbackType = toFallbackType(policy, widgetTypes);
  const explain = createBodyExplanation(widgetTypes, fallbackType);

  return function parseWidgetRequest(body) {
    const parsed = Body.safeParse(body ?? {}, { reportInput: true });
    if (!parsed.success) throw invalidBody(explain(parsed.error.issues));
    const asked = parsed.data.widget_url ?? {};
    const errors =
      policy.source === "sso" ? unsupportedBySso(asked) : unsupportedByPolicy(policy, asked);
    if (errors.length > 0) throw invalidBody(errors);

    const merged = [asked, policy.forced].reduce(merge, policy.defaults);
    const widgetType = merged.widget_type ?? fallbackType;
    const options = {
      ...translate(policy.source, merged),
      widget_type: widgetType,
      ui_message_version: UI_MESSAGE_VERSION,
    };
    return {
      widgetType,
      options: policy.source === "v20111101" ? withoutNulls(options) : options,
      callerOptions: namesOfCaller(asked, merged, policy.source),
    };
  };
}

/**
 * The options that reach MX as the caller wrote them. Three do not count, as MX's SDKs always send them: the type, the
 * version, and `is_mobile_webview: false`.
 */
function namesOfCaller(
  asked: PolicyValues,
  merged: PolicyValues,
  source: WidgetPolicyOptions["source"],
): string[] {
  const { widget_type: _type, ui_message_version: _version, ...others } = asked;
  const sent = new Map<string, unknown>(Object.entries(merged));
  return Object.entries(others).flatMap(([name, value]) => {
    const isReplaced = sent.get(name) !== value;
    const isUsual = name === "is_mobile_webview" && value === false;
    const isDropped = value === null && source === "v20111101";
    return isReplaced || isUsual || isDropped ? [] : [name];
  });
}

/** Which of an operator's defaults or forced values this version does not support, as for a caller's options. */
export function findUnsupportedOptions(
  source: WidgetPolicyOptions["source"],
  values: PolicyValues,
): BodyError[] {
  return source === "sso" ? unsupportedBySso(values) : unsupportedByVersion(source, values);
}

function allowedTypes({ source, widgetTypes }: WidgetPolicyOptions): readonly string[] {
  if (source !== "sso") return widgetTypes;
  return widgetTypes.filter((type) => SSO_WIDGET_TYPES.some((known) => known === type));
}

/** For a body without a type. */
function toFallbackType({ source }: WidgetPolicyOptions, widgetTypes: readonly string[]): string {
  const usual = source === "sso" ? "master_widget" : "connect_widget";
  return widgetTypes.includes(usual) ? usual : (widgetTypes[0] ?? usual);
}

/** What the upper layer leaves out must not hide the lower one's. If both name products, the upper one wins. */
function merge(lower: PolicyValues, upper: PolicyValues): PolicyValues {
  const merged: PolicyValues = { ...lower, ...upper };
  if (upper.data_request) for (const name of LEGACY_OPTIONS) delete merged[name];
  else if (LEGACY_OPTIONS.some((name) => upper[name] !== undefined)) delete merged.data_request;
  return merged;
}

/**
 * For v20250224 also the old Connect options, as `data_request.products`. Options that come with a `data_request` keep it.
 * Source: MX Platform API, Migration guide.
 */
function translate(source: WidgetPolicyOptions["source"], values: PolicyValues): PolicyValues {
  const options = { ...values };
  if (options.client_redirect_url) {
    options.client_redirect_url = serialise(options.client_redirect_url);
  }
  if (source !== "v20250224") return options;
  const products = toProducts(options);
  for (const name of LEGACY_OPTIONS) delete options[name];
  if (options.data_request === undefined && products.length > 0)
    options.data_request = { products };
  return options;
}

function toProducts(options: WidgetOptions): (typeof PRODUCTS)[number][] {
  const modes = options.mode?.split(",") ?? [];
  const products = new Set<(typeof PRODUCTS)[number]>();
  for (const mode of modes) {
    if (mode === "verification") products.add("account_verification");
    else if (options.include_transactions !== false) products.add("transactions");
  }
  if (options.include_identity) products.add("identity_verification");
  if (options.include_transactions) products.add("transactions");
  if (options.additional_product_option) products.add(options.additional_product_option);
  return [...products];
}

function unsupportedBySso(asked: PolicyValues): BodyError[] {
  const { widget_type: _type, ui_message_version, is_mobile_webview, ...others } = asked;
  const names = Object.keys(others);
  if (ui_message_version !== undefined && ui_message_version !== UI_MESSAGE_VERSION)
    names.push("ui_message_version");
  if (is_mobile_webview) names.push("is_mobile_webview");
  return names.map((name) => ({
    pointer: `/widget_url/${name}`,
    detail:
      "needs MX's Platform API; this deployment takes widget URLs from the SSO API, which has no options",
  }));
}

function unsupportedByVersion(
  source: WidgetPolicyOptions["source"],
  values: PolicyValues,
): BodyError[] {
  if (source === "sso_v3") return []; // MX has published no table of its options; the Platform API's are taken.
  return Object.keys(values).flatMap((name) => {
    const version = ONLY_IN_VERSION[name];
    if (!version || version === source) return [];
    const detail = `exists in MX's ${version} only; this deployment uses ${source}`;
    return [{ pointer: `/widget_url/${name}`, detail }];
  });
}

function unsupportedByPolicy(policy: WidgetPolicyOptions, asked: PolicyValues): BodyError[] {
  const errors = unsupportedByVersion(policy.source, asked);
  const { client_redirect_url: redirect, ui_message_webview_url_scheme: scheme } = asked;
  if (redirect !== undefined && !isListed(redirect, policy.clientRedirectUrls)) {
    errors.push({
      pointer: "/widget_url/client_redirect_url",
      detail: "is not a redirect target that the operator allows (CLIENT_REDIRECT_URLS)",
    });
  }
  if (scheme !== undefined && !policy.webviewSchemes.includes(scheme.toLowerCase())) {
    errors.push({
      pointer: "/widget_url/ui_message_webview_url_scheme",
      detail: "is not a scheme that the operator allows (WEBVIEW_SCHEMES)",
    });
  }
  return errors;
}

/** Compared as a browser would read it. What `URL` drops or turns in silence (white space, control characters, `\`) never matches. */
function isListed(redirect: string, listed: readonly string[]): boolean {
  if (!/^[\x21-\x5b\x5d-\x7e]+$/.test(redirect) || !URL.canParse(redirect)) return false;
  return listed.includes(serialise(redirect));
}

function serialise(url: string): string {
  return new URL(url).href;
}

/** v20111101 knows no null; v20250224 takes it for "not set". */
function withoutNulls(options: object): WidgetRequest["options"] {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== null));
}
