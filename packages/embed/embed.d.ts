/** What a page hands to the widget and hears from it. */
/** `idle`: out of the document, or waiting for its trigger. `error`: `open()` tries again. */
export type WidgetState = "idle" | "loading" | "open" | "error" | "closed";
/** `isRefresh`: the service refused the last token, so do not return a cached one. `signal`: aborts once nobody waits. */
export type GetToken = (request: {
    isRefresh: boolean;
    signal: AbortSignal;
}) => string | Promise<string>;
/** For pages that get the URL in a way of their own. Called once for each opening and each retry; never return a URL twice. */
export type GetUrl = (request: {
    signal: AbortSignal;
}) => string | Promise<string>;
/** The element's properties, and a callback for each of its events. */
export type WidgetSettings = {
    sessionUrl?: string;
    widgetType?: WidgetType;
    options?: WidgetOptions;
    additionalOptions?: Record<string, unknown>;
    language?: string;
    frameTitle?: string;
    allow?: string;
    loadTimeoutMs?: number;
    closeOnDone?: boolean;
    focusOnLoad?: boolean;
    /** Id of a button. With a trigger the element stays on the page when the widget closes. */
    trigger?: string;
    prefetch?: "none" | "hover" | "visible";
    /** Closes the widget, or keeps it from opening. */
    signal?: AbortSignal;
    onLoad?: () => void;
    onMessage?: (message: WidgetMessage) => void;
    onPing?: () => void;
    onDone?: () => void;
    onClose?: (detail: {
        reason: CloseReason;
    }) => void;
    onError?: (error: WidgetError) => void;
    onStalled?: () => void;
} & ({
    getToken: GetToken;
} | {
    credentials: "same-origin" | "include";
} | {
    getUrl: GetUrl;
});
/** `removed`: the element was taken out of the document. */
export type CloseReason = "done" | "closed" | "removed";
/** All bubble, and cross shadow roots. */
export type WidgetEventMap = {
    /** The widget sent its first message. */
    "mx-load": CustomEvent<null>;
    /** Every message of the widget, checked for origin and source. */
    "mx-message": CustomEvent<WidgetMessage>;
    /** The user is active; at most once a minute. Extend your own session here. */
    "mx-ping": CustomEvent<null>;
    /** The user pressed "Done" in Connect. */
    "mx-done": CustomEvent<null>;
    "mx-close": CustomEvent<{
        reason: CloseReason;
    }>;
    /** `preventDefault()` hides the element's own words and button. */
    "mx-error": CustomEvent<WidgetError>;
    /** A widget that pinged has sent nothing for 90 seconds. `preventDefault()` hides the offer to start it again. */
    "mx-stalled": CustomEvent<null>;
} & {
    [K in keyof MessageMap]: CustomEvent<MessageMap[K]>;
};
/**
 * Why there is no widget. `code` is the last part of the problem's type (`rate-limited`, `upstream-timeout`, …; the
 * service's contract lists them), or one of the codes below. `message` is for developers, in English; `cause` is what
 * the callback or the browser threw.
 */
export type WidgetError = Error & {
    code: WidgetErrorCode;
    /** Whether a retry may help. Only `open()`, the trigger and the element's button retry. */
    isRetryable: boolean;
    /** The rest is set only if the service, or something in front of it, answered with an error. */
    status?: number | undefined;
    /** Absolute URL of the page that explains the problem. */
    type?: string | undefined;
    title?: string | undefined;
    detail?: string | undefined;
    retryAfterSeconds?: number | undefined;
    /** The operator finds the request by this id in the log. */
    requestId?: string | undefined;
    errors?: readonly {
        pointer?: string;
        header?: string;
        detail: string;
    }[] | undefined;
};
export type WidgetErrorCode = 
/** None of `getToken`, `credentials` and `getUrl` was set in time. */
"no-login"
/** `getToken` threw, rejected, or returned something that is not a token. */
 | "token-failed"
/** No answer: the service is unreachable, the origin is not in `CORS_ORIGINS`, or `connect-src` blocks the request. */
 | "network"
/** The answer is not the service's: a proxy's error, a redirect to a login page. */
 | "bad-answer"
/** The attribute `options` is not JSON. */
 | "bad-options"
/** Two URLs were opened, and neither widget sent a message. */
 | "load-timeout"
/** The URL's ten minutes passed before the widget was there, twice. */
 | "url-expired"
/** The page's own Content-Security-Policy blocks the frame. `message` names the directive. */
 | "blocked-by-csp"
/** The page's own Cross-Origin-Embedder-Policy blocks the frame. */
 | "blocked-by-coep" | (string & {});
declare global {
    interface HTMLElementTagNameMap {
        "mx-widget": MxWidgetElement;
    }
}
/**
 * MX's widget types and options. A test holds both against the service's schema.
 *
 * Source: MX Platform API, Request widget URL.
 */
export type WidgetType = "accounts_widget" | "actionable_integration_widget" | "budgets_widget" | "cash_flow_widget" | "connect_widget" | "connections_widget" | "debts_widget" | "finstrong_widget" | "goals_widget" | "help_widget" | "master_widget" | "micro_pulse_carousel_widget" | "mini_accounts_widget" | "mini_budgets_widget" | "mini_cash_flow_widget" | "mini_finstrong_widget" | "mini_net_worth_widget" | "mini_pulse_carousel_widget" | "mini_recurringtransactions_widget" | "mini_spending_plan_widget" | "mini_spending_widget" | "mini_trends_widget" | "money_dashboard_widget" | "net_worth_widget" | "notifications_settings_widget" | "pulse_widget" | "recurringtransactions_widget" | "settings_widget" | "spending_plan_widget" | "spending_widget" | "transaction_rules_widget" | "transactions_widget" | "trends_widget";
export type Product = "account_verification" | "identity_verification" | "transactions" | "transaction_history" | "statements" | "investments" | "rewards";
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
    data_request?: {
        products: Product[];
    };
    deep_link_params?: {
        account_guid?: string;
        date_range?: {
            start_date?: string;
            end_date?: string;
        };
        launch_integration?: "direct-deposit";
        view?: "manage_income" | "accounts" | "budgets" | "insights";
        widget?: "accounts" | "budgets" | "cash_flow" | "debts" | "finstrong" | "goals" | "insights" | "investments" | "networth" | "recurringtransactions" | "spending" | "transactions" | "trends";
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
    style?: {
        font_name: string;
    };
    ui_message_version?: number;
    ui_message_webview_url_scheme?: string;
    update_credentials?: boolean;
    use_cases?: ("PFM" | "MONEY_MOVEMENT")[];
};
/**
 * The messages of MX's widgets, version 4.
 *
 * Sources: MX, Widget events; widget-post-message-definitions; for what that package lacks, the code of
 * mxenabled/connect-widget (`onPostMessage`, commit 1078035).
 */
type Guids = {
    user_guid?: string;
    session_guid?: string;
};
type MemberGuid = Guids & {
    member_guid: string;
};
type MemberStatus = Guids & {
    member: {
        guid: string;
        connection_status: number;
    };
};
type MicrodepositGuid = Guids & {
    microdeposit_guid: string;
};
/** Each is also an event of the element, with the metadata as `detail`. */
export type MessageMap = {
    "mx/load": Guids;
    "mx/ping": Guids;
    "mx/navigation": Guids & {
        did_go_back: boolean;
    };
    "mx/focusTrap": Guids;
    "mx/account/created": Guids & {
        guid: string;
    };
    "mx/client/oauthComplete": Guids & {
        url?: string;
    };
    "mx/pulse/overdraftWarning/cta/transferFunds": Guids & {
        account_guid: string;
        amount: number;
    };
    "mx/connect/loaded": Guids & {
        initial_step: string;
    };
    "mx/connect/stepChange": Guids & {
        previous: string;
        current: string;
    };
    "mx/connect/institutionSearch": Guids & {
        query: string;
    };
    "mx/connect/selectedInstitution": Guids & {
        code: string;
        guid: string;
        name: string;
        url: string;
    };
    "mx/connect/enterCredentials": Guids & {
        institution: {
            code: string;
            guid: string;
        };
    };
    "mx/connect/updateCredentials": MemberGuid & {
        institution: {
            code: string;
            guid: string;
        };
    };
    "mx/connect/submitMFA": MemberGuid;
    "mx/connect/oauthRequested": MemberGuid & {
        url: string;
    };
    "mx/connect/oauthError": Guids & {
        member_guid?: string;
        error_reason?: string;
    };
    /** A number here, a word in MX's REST API. */
    "mx/connect/memberStatusUpdate": MemberGuid & {
        connection_status: number;
    };
    /** MX deprecated it on 17 October 2025; use `memberConnected`. */
    "mx/connect/initialDataReady": MemberGuid;
    "mx/connect/memberConnected": MemberGuid;
    "mx/connect/connected/primaryAction": Guids;
    "mx/connect/memberError": MemberStatus;
    "mx/connect/memberError/primaryAction": MemberStatus;
    "mx/connect/createMemberError": Guids & {
        institution_guid: string;
        institution_code: string;
    };
    "mx/connect/memberDeleted": MemberGuid;
    "mx/connect/invalidData": MemberGuid & {
        code: number;
    };
    "mx/connect/backToSearch": Guids & {
        context?: string;
    };
    "mx/connect/backButtonClicked": Guids;
    "mx/connect/microdeposits/loaded": Guids & {
        initial_step: string;
    };
    "mx/connect/microdeposits/blockedRoutingNumber": Guids & {
        routing_number: string;
        reason: string;
    };
    "mx/connect/microdeposits/detailsSubmitted": MicrodepositGuid;
    "mx/connect/microdeposits/verified": MicrodepositGuid;
    "mx/connect/microdeposits/verified/primaryAction": Guids;
    "mx/connect/microdeposits/comeBack/primaryAction": MicrodepositGuid;
    "mx/connect/microdeposits/error/primaryAction": Guids & {
        guid: string;
        status: string;
    };
};
/** `type` is in MX's spelling, however it arrived. MX may add types, so have a default for what is not listed. */
export type WidgetMessage = {
    [K in keyof MessageMap]: {
        type: K;
        metadata: MessageMap[K];
    };
}[keyof MessageMap];
export type ReadMessage = {
    type: string;
    /** Unknown types make no event of their own, or a widget could make any event happen. */
    isKnown: boolean;
    metadata: Record<string, unknown>;
};
/** `undefined` for anything that is not of MX's form. */
export declare function readMessage(data: unknown): ReadMessage | undefined;
/** The settings of the element: properties, most of them also attributes. On a server, without a DOM, it is never used. */
/** Before the DOM's own, so that the events of the widget are found first. */
type Listening = {
    addEventListener<K extends keyof WidgetEventMap>(type: K, listener: (event: WidgetEventMap[K]) => unknown, options?: boolean | AddEventListenerOptions): void;
    removeEventListener<K extends keyof WidgetEventMap>(type: K, listener: (event: WidgetEventMap[K]) => unknown, options?: boolean | EventListenerOptions): void;
};
declare const Base: new () => Listening & HTMLElement;
/** Texts and flags are attributes too, with hyphens between the words: `session-url`. A text that is not set is empty. */
export declare class SettingsElement extends Base {
    #private;
    /** Default: `/session`, on the page's own origin. */
    sessionUrl: string;
    /** Default: the service's own, which is Connect wherever the Platform API is configured. */
    widgetType: WidgetType | "";
    /** For logins by cookie. `include` if the service has another origin. */
    credentials: "same-origin" | "include" | "";
    /** Sent as `Accept-Language`; also the language of the element's own words. Default: the page's, then the browser's. */
    language: string;
    /** What screen readers call the frame. Default: the name of the widget, in English. */
    frameTitle: string;
    /** The frame's permissions. Default: none; MX documents no need of one. */
    allow: string;
    /** Id of the button that opens the widget. Until then the element is `idle`; an empty id leaves it to `open()`. */
    trigger: string;
    /** When to ask for the URL before the trigger is pressed. Default: `none`. */
    prefetch: "none" | "hover" | "visible" | "";
    /** Closes when the user presses Connect's "Done". */
    closeOnDone: boolean;
    /** Gives the loaded widget the focus, for one that opens at the press of a button. */
    focusOnLoad: boolean;
    /** Options that MX has added since this version. The service refuses what it does not know. */
    additionalOptions: Record<string, unknown> | undefined;
    /** Returns the user's token, for `Authorization: Bearer`. Setting another one does not reopen the widget. */
    getToken: GetToken | undefined;
    /** For pages that get the URL in a way of their own: instead of asking the service. */
    getUrl: GetUrl | undefined;
    /** For each of the two tries; up to three times as long on a slow connection. Default: 20000. */
    loadTimeoutMs: number;
    /** Options in MX's words. The attribute `options` takes them as JSON; reading throws if it is not JSON. */
    get options(): WidgetOptions;
    set options(options: WidgetOptions | undefined);
}
/** The element `<mx-widget>`: opens, listens, fails, closes. */
/**
 * Registered as `<mx-widget>` when this module is loaded. Without a DOM, as on a server, importing it does nothing.
 *
 * Every opening asks for a URL of its own, as MX's URLs open once. The element opens whenever it is in the document and
 * knows how to log in, or waits for its trigger; out of the document it leaves nothing behind.
 */
export declare class MxWidgetElement extends SettingsElement {
    #private;
    constructor();
    /** Also the attribute `state`, for style sheets. */
    get state(): WidgetState;
    /** Opens with a new URL, whatever the state: to try again, or after `close`. Waits for the time of a `Retry-After`. */
    open(): void;
    /** Asks for the URL that `open()` then uses, within nine minutes. Resolves to whether there is one. */
    prepare(): Promise<boolean>;
    /** Ends the widget, returns the focus to where it was before, fires `mx-close`. */
    close(): void;
    /** Asks the widget to go back one step. `false`: it is at its first step, not open, or silent for five seconds. */
    back(): Promise<boolean>;
    focus(options?: FocusOptions): void;
}
/** The element as a function call. */
/**
 * Adds an `<mx-widget>` to the container (an element or a selector). It leaves the page when it closes, unless it has a
 * trigger. Throws a TypeError for settings that cannot work.
 */
export declare function openWidget(container: Element | string, { signal, ...settings }: WidgetSettings): MxWidgetElement;
export {};
