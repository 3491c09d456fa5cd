/**
 * What a caller may ask of a widget, in MX's own words and with MX's own types.
 *
 * The one source for what is accepted; a test compares openapi.yaml with it. widget-policy.ts decides what a deployment
 * allows.
 * Source: MX Platform API, Request widget URL (v20250224 and v20111101); for `additional_product_option`,
 * `@mxenabled/web-widget-sdk` 0.0.15.
 */

import * as z from "zod";
import { isPlainText, PLAIN_TEXT_DETAIL } from "../text.ts";

/** MX's widget types. Source: the response enum of v20250224, and the Insights guides for the three pulse widgets. */
export const WIDGET_TYPES = [
  "accounts_widget",
  "actionable_integration_widget",
  "budgets_widget",
  "cash_flow_widget",
  "connect_widget",
  "connections_widget",
  "debts_widget",
  "finstrong_widget",
  "goals_widget",
  "help_widget",
  "master_widget",
  "micro_pulse_carousel_widget",
  "mini_accounts_widget",
  "mini_budgets_widget",
  "mini_cash_flow_widget",
  "mini_finstrong_widget",
  "mini_net_worth_widget",
  "mini_pulse_carousel_widget",
  "mini_recurringtransactions_widget",
  "mini_spending_plan_widget",
  "mini_spending_widget",
  "mini_trends_widget",
  "money_dashboard_widget",
  "net_worth_widget",
  "notifications_settings_widget",
  "pulse_widget",
  "recurringtransactions_widget",
  "settings_widget",
  "spending_plan_widget",
  "spending_widget",
  "transaction_rules_widget",
  "transactions_widget",
  "trends_widget",
] as const;

/** The seven whose URL is in the answer to an SSO User read. Source: MX SSO API v2, Read user. */
export const SSO_WIDGET_TYPES = [
  "accounts_widget",
  "budgets_widget",
  "debts_widget",
  "master_widget",
  "net_worth_widget",
  "spending_widget",
  "transactions_widget",
] as const;

export const PRODUCTS = [
  "account_verification",
  "identity_verification",
  "transactions",
  "transaction_history",
  "statements",
  "investments",
  "rewards",
] as const;

/** Free text. Every other text here is one of a list, or has a pattern that admits printable characters only. */
const text = (maxLength: number) =>
  z.string().min(1).max(maxLength).refine(isPlainText, { error: PLAIN_TEXT_DETAIL, abort: true });

/** MX's code, guid or label for something. */
const name = text(255);

/** Every documented option but `widget_type`. Error messages use these types. */
export const WidgetOptions = z.strictObject({
  additional_product_option: z.enum(["account_verification", "transactions"]).optional(),
  client_redirect_url: text(2048).optional(),
  color_scheme: z.enum(["light", "dark", "browser"]).nullable().optional(),
  connections_use_case_filter: z.boolean().optional(),
  current_institution_code: name.nullable().optional(),
  current_institution_guid: name.optional(),
  current_member_guid: name.nullable().optional(),
  current_microdeposit_guid: name.optional(),
  data_request: z.strictObject({ products: z.array(z.enum(PRODUCTS)).min(1).max(7) }).optional(),
  deep_link_params: z
    .strictObject({
      account_guid: name.optional(),
      date_range: z
        .strictObject({ start_date: z.iso.date().optional(), end_date: z.iso.date().optional() })
        .optional(),
      launch_integration: z.enum(["direct-deposit"]).optional(),
      view: z.enum(["manage_income", "accounts", "budgets", "insights"]).optional(),
      widget: z
        .enum([
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
        ])
        .optional(),
    })
    .optional(),
  disable_background_agg: z.boolean().optional(),
  disable_institution_search: z.boolean().nullable().optional(),
  enable_app2app: z.boolean().optional(),
  include_identity: z.boolean().optional(),
  include_transactions: z.boolean().optional(),
  insight_guid: name.nullable().optional(),
  is_mobile_webview: z.boolean().optional(),
  iso_country_code: z
    .array(z.enum(["US", "CA", "MX"]))
    .min(1)
    .max(3)
    .optional(),
  locale: z
    .string()
    .max(35)
    .regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, "must be a language tag such as fr-CA")
    .optional(),
  microwidget_instance_id: name.nullable().optional(),
  mode: z
    .string()
    .max(255)
    .regex(
      /^(aggregation|verification)(,(aggregation|verification))*$/,
      "must be aggregation, verification, or a comma-separated list of them",
    )
    .optional(),
  oauth_referral_source: z.enum(["BROWSER", "APP"]).optional(),
  style: z.strictObject({ font_name: text(100) }).optional(),
  ui_message_version: z.int().min(1).max(4).optional(),
  ui_message_webview_url_scheme: z
    .string()
    .max(64)
    .regex(/^[A-Za-z][A-Za-z0-9+.-]*$/, "must be a URL scheme without the colon")
    .optional(),
  update_credentials: z.boolean().optional(),
  use_cases: z
    .array(z.enum(["PFM", "MONEY_MOVEMENT"]))
    .min(1)
    .max(2)
    .optional(),
});

export type WidgetOptions = z.infer<typeof WidgetOptions>;

/** The body of `POST /session`, for a deployment that knows these widget types. */
export function createWidgetUrlBody(widgetTypes: readonly string[]) {
  return z.strictObject({
    widget_url: WidgetOptions.extend({ widget_type: z.enum(widgetTypes).optional() }).optional(),
  });
}
