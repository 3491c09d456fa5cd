/**
 * MX's widget types and options. A test holds both against the service's schema.
 *
 * Source: MX Platform API, Request widget URL.
 */

export type WidgetType =
  | "accounts_widget"
  | "actionable_integration_widget"
  | "budgets_widget"
  | "cash_flow_widget"
  | "connect_widget"
  | "connections_widget"
  | "debts_widget"
  | "finstrong_widget"
  | "goals_widget"
  | "help_widget"
  | "master_widget"
  | "micro_pulse_carousel_widget"
  | "mini_accounts_widget"
  | "mini_budgets_widget"
  | "mini_cash_flow_widget"
  | "mini_finstrong_widget"
  | "mini_net_worth_widget"
  | "mini_pulse_carousel_widget"
  | "mini_recurringtransactions_widget"
  | "mini_spending_plan_widget"
  | "mini_spending_widget"
  | "mini_trends_widget"
  | "money_dashboard_widget"
  | "net_worth_widget"
  | "notifications_settings_widget"
  | "pulse_widget"
  | "recurringtransactions_widget"
  | "settings_widget"
  | "spending_plan_widget"
  | "spending_widget"
  | "transaction_rules_widget"
  | "transactions_widget"
  | "trends_widget";

export type Product =
  | "account_verification"
  | "identity_verification"
  | "transactions"
  | "transaction_history"
  | "statements"
  | "investments"
  | "rewards";

/** Options in MX's words; the service's contract (`/openapi.yaml`) explains each. Newer ones go into `additionalOptions`. */
export type WidgetOptions = {
  additional_product_option?: "account_verification" | "transactions";
  client_redirect_url?: string;
  color_scheme?: "light" | "dark" | "browser" | null;
  connections_use_case_filter?: boolean;
  current_institution_code?: string | null;
  current_institution_guid?: string;
  current_member_guid?: string | null;
  current_microdeposit_guid?: string;
  data_request?: { products: Product[] };
  deep_link_params?: {
    account_guid?: string;
    date_range?: { start_date?: string; end_date?: string };
    launch_integration?: "direct-deposit";
    view?: "manage_income" | "accounts" | "budgets" | "insights";
    widget?:
      | "accounts"
      | "budgets"
      | "cash_flow"
      | "debts"
      | "finstrong"
      | "goals"
      | "insights"
      | "investments"
      | "networth"
      | "recurringtransactions"
      | "spending"
      | "transactions"
      | "trends";
  };
  disable_background_agg?: boolean;
  disable_institution_search?: boolean | null;
  enable_app2app?: boolean;
  include_identity?: boolean;
  include_transactions?: boolean;
  insight_guid?: string | null;
  is_mobile_webview?: boolean;
  iso_country_code?: ("US" | "CA" | "MX")[];
  locale?: string;
  microwidget_instance_id?: string | null;
  mode?: string;
  oauth_referral_source?: "BROWSER" | "APP";
  style?: { font_name: string };
  ui_message_version?: number;
  ui_message_webview_url_scheme?: string;
  update_credentials?: boolean;
  use_cases?: ("PFM" | "MONEY_MOVEMENT")[];
};
