/**
 * The configuration options of a widget URL, with their JSON types, per version.
 *
 * Options that a version does not know are ignored (assumed; MX does not say). Whether an option suits the widget type
 * is not checked either. Source: MX OpenAPI files, `WidgetRequest`; the view, widget, account and date range of
 * `deep_link_params` from the newer file on docs.mx.com.
 */

import { z } from "zod";

/**
 * The request field is a free string in MX's files; these are the types of the answer's enum, and the Insights types
 * that other texts name. Source: MX Platform API, Widget types.
 */
const WIDGET_TYPES = [
  "accounts_widget",
  "mini_accounts_widget",
  "actionable_integration_widget",
  "budgets_widget",
  "mini_budgets_widget",
  "cash_flow_widget",
  "mini_cash_flow_widget",
  "connect_widget",
  "connections_widget",
  "debts_widget",
  "finstrong_widget",
  "mini_finstrong_widget",
  "goals_widget",
  "help_widget",
  "master_widget",
  "money_dashboard_widget",
  "net_worth_widget",
  "mini_net_worth_widget",
  "notifications_settings_widget",
  "recurringtransactions_widget",
  "mini_recurringtransactions_widget",
  "settings_widget",
  "spending_widget",
  "mini_spending_widget",
  "spending_plan_widget",
  "mini_spending_plan_widget",
  "transaction_rules_widget",
  "transactions_widget",
  "trends_widget",
  "mini_trends_widget",
  "pulse_widget",
  "mini_pulse_carousel_widget",
  "micro_pulse_carousel_widget",
] as const;

const text = z.string().optional();
const flag = z.boolean().optional();
const nullableText = z.string().nullish();

const common = {
  widget_type: z.enum(WIDGET_TYPES),
  client_redirect_url: text,
  current_institution_guid: text,
  disable_background_agg: flag,
  enable_app2app: flag,
  include_identity: flag,
  include_transactions: flag,
  insight_guid: nullableText,
  is_mobile_webview: flag,
  iso_country_code: z.array(z.string()).optional(),
  microwidget_instance_id: nullableText,
  mode: text,
  oauth_referral_source: text,
  ui_message_version: z.int().optional(),
  ui_message_webview_url_scheme: text,
  update_credentials: flag,
  use_cases: z.array(z.enum(["MONEY_MOVEMENT", "PFM"])).optional(),
};

export const WidgetOptions2011 = z.object({
  ...common,
  color_scheme: text,
  connections_use_case_filter: flag,
  current_institution_code: text,
  current_member_guid: text,
  disable_institution_search: flag,
});

const Product = z.enum([
  "account_verification",
  "identity_verification",
  "transactions",
  "transaction_history",
  "statements",
  "investments",
  "rewards",
]);

const DeepLinkParams = z.object({
  launch_integration: text,
  view: text,
  widget: text,
  account_guid: text,
  date_range: z.object({ start_date: text, end_date: text }).optional(),
});

export const WidgetOptions2025 = z.object({
  ...common,
  color_scheme: z.enum(["light", "browser", "dark"]).nullish(),
  current_institution_code: nullableText,
  current_member_guid: nullableText,
  current_microdeposit_guid: text,
  data_request: z.object({ products: z.array(Product) }).optional(),
  deep_link_params: DeepLinkParams.optional(),
  disable_institution_search: z.boolean().nullish(),
  locale: text,
  style: z.object({ font_name: z.string() }).optional(),
});
