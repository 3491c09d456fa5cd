/**
 * Shows one MX widget on a page: as the element `<mx-widget>`, or with `openWidget`.
 *
 * Every opening asks the service for a URL of its own, as MX's URLs open once. The element opens whenever it is in the
 * document and knows how to log in (`getToken`, or `credentials` for cookies); out of the document it leaves nothing behind.
 */

/** Adds an `<mx-widget>` to the container (an element or a selector). It leaves the page when it closes. */
export function openWidget(container: Element | string, settings: WidgetSettings): MxWidgetElement;

/** Registered as `<mx-widget>` when this module is loaded. Without a DOM, as on a server, importing it does nothing. */
export class MxWidgetElement extends HTMLElement implements TextSettings {
  sessionUrl: string;
  widgetType: string;
  credentials: "same-origin" | "include" | "";
  language: string;
  frameTitle: string;
  allow: string;
  /** Further options in MX's words. The attribute `options` takes them as JSON. */
  get options(): WidgetOptions;
  set options(options: WidgetOptions | undefined);
  /** Gives the user's token, for `Authorization: Bearer`. Setting another one does not reopen the widget. */
  getToken: GetToken | undefined;
  /** Attribute `load-timeout-ms`. Default: 20000. Applies to each of the two tries. */
  loadTimeoutMs: number;
  /** Attribute `close-on-done`: closes when the user presses Connect's "Done". */
  closeOnDone: boolean;
  /** Attribute `focus-on-load`: gives the widget the focus once it has loaded, for one that opens at the press of a button. */
  focusOnLoad: boolean;
  /** Also to be seen, and styled, as the attribute `state`. */
  readonly state: WidgetState;

  /** Opens with a new URL, whatever the state: to try again, or after `close`. */
  open(): void;
  /** Ends the widget, gives the focus back to where it was before, fires `mx-close`. */
  close(): void;
  /** Asks the widget to go back one step. `false`: it is at its first, not open, or gives no answer in five seconds. */
  back(): Promise<boolean>;

  addEventListener<K extends keyof WidgetEventMap>(
    type: K,
    listener: (this: MxWidgetElement, event: WidgetEventMap[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<K extends keyof WidgetEventMap>(
    type: K,
    listener: (this: MxWidgetElement, event: WidgetEventMap[K]) => unknown,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void;
}

/** Properties that are also attributes, with the words parted by hyphens: `session-url`. Without one they are empty. */
export type TextSettings = {
  /** Default: `/session`, on the page's own origin. */
  sessionUrl: string;
  /** Default: the service's (Connect, where it has the Platform API). */
  widgetType: string;
  /** For logins by cookie. `include` where the service has another origin. */
  credentials: "same-origin" | "include" | "";
  /** Sent as `Accept-Language`. Default: the browser's. */
  language: string;
  /** What screen readers call the frame. Default: the name of the widget, in English. */
  frameTitle: string;
  /** The frame's permissions. Default: none; MX documents no need of one. */
  allow: string;
};

/** `idle`: not in the document, or not yet told how to log in. `error`: `open()` tries again. */
export type WidgetState = "idle" | "loading" | "open" | "error" | "closed";

/** `isRefresh`: the service has refused the token before, so a cached one will not do. `signal`: nobody waits any more. */
export type GetToken = (request: {
  isRefresh: boolean;
  signal: AbortSignal;
}) => string | Promise<string>;

/** All that the service's contract (`/openapi.yaml`) lists; unknown ones are refused there. */
export type WidgetOptions = {
  color_scheme?: "light" | "dark" | "browser";
  current_member_guid?: string;
  current_institution_code?: string;
  disable_institution_search?: boolean;
  client_redirect_url?: string;
  locale?: string;
  [option: string]: unknown;
};

/** What the element takes as properties, and a callback for each of its events. */
export type WidgetSettings = Partial<
  Pick<
    MxWidgetElement,
    | "sessionUrl"
    | "widgetType"
    | "options"
    | "language"
    | "loadTimeoutMs"
    | "closeOnDone"
    | "frameTitle"
    | "allow"
    | "focusOnLoad"
  >
> & {
  /** Closes the widget, or keeps it from opening. */
  signal?: AbortSignal;
  onLoad?: () => void;
  onMessage?: (message: WidgetMessage) => void;
  onPing?: () => void;
  onDone?: () => void;
  onClose?: (detail: { reason: CloseReason }) => void;
  onError?: (error: WidgetError) => void;
} & ({ getToken: GetToken } | { credentials: "same-origin" | "include" });

/** `removed`: the element was taken out of the document. */
export type CloseReason = "done" | "closed" | "removed";

/** Cross shadow roots and bubble. */
export type WidgetEventMap = {
  /** The widget has said that it is there. */
  "mx-load": CustomEvent<null>;
  /** Each message of the widget, checked for origin and source. */
  "mx-message": CustomEvent<WidgetMessage>;
  /** The user is active; at most once a minute. A place to keep your own session alive. */
  "mx-ping": CustomEvent<null>;
  /** The user has pressed "Done" in Connect. */
  "mx-done": CustomEvent<null>;
  "mx-close": CustomEvent<{ reason: CloseReason }>;
  /** `preventDefault()` keeps the element's own words and button for it away. */
  "mx-error": CustomEvent<WidgetError>;
} & { [K in keyof MessageMap]: CustomEvent<MessageMap[K]> };

/**
 * Why there is no widget. `code` is the last part of the problem's type (`rate-limited`, `upstream-timeout`, …; the
 * service's contract lists them), or one of the names here. `message` is for developers, in English; `cause` is what the
 * callback or the browser threw.
 */
export type WidgetError = Error & {
  code: WidgetErrorCode;
  /** Whether to try again may help. Nothing is tried again without `open()` or the element's button. */
  isRetryable: boolean;
  /** From here on only where the service, or something in front of it, has answered with an error. */
  status?: number | undefined;
  /** Absolute URL of the page that explains the problem. */
  type?: string | undefined;
  title?: string | undefined;
  detail?: string | undefined;
  retryAfterSeconds?: number | undefined;
  /** What the operator can look up in the log. */
  requestId?: string | undefined;
  errors?: readonly { pointer?: string; header?: string; detail: string }[] | undefined;
};

export type WidgetErrorCode =
  /** Neither `getToken` nor `credentials` was set in time. */
  | "no-login"
  /** `getToken` threw, rejected, or gave something that is no token. */
  | "token-failed"
  /** No answer: offline, not among `CORS_ORIGINS`, or kept back by the page's `connect-src`. */
  | "network"
  /** An answer that is not the service's: a proxy's error, a redirect to a login page. */
  | "bad-answer"
  /** The attribute `options` is not JSON. */
  | "bad-options"
  /** Two URLs, and no widget from either. */
  | "load-timeout"
  | (string & {});

/** `type` is in MX's own spelling, however it came. MX may add types: have a default for what is not listed here. */
export type WidgetMessage = {
  [K in keyof MessageMap]: { type: K; metadata: MessageMap[K] };
}[keyof MessageMap];

type Guids = { user_guid?: string; session_guid?: string };
type MemberGuid = Guids & { member_guid: string };

/** Source: MX, Widget events. Each is also an event of the element, with the metadata as `detail`. */
export type MessageMap = {
  "mx/load": Guids;
  "mx/ping": Guids;
  "mx/navigation": Guids & { did_go_back: boolean };
  "mx/focusTrap": Guids;
  "mx/account/created": Guids & { guid: string };
  "mx/client/oauthComplete": Guids & { url?: string };
  "mx/connect/loaded": Guids & { initial_step: string };
  "mx/connect/stepChange": Guids & { previous: string; current: string };
  "mx/connect/institutionSearch": Guids & { query: string };
  "mx/connect/selectedInstitution": Guids & {
    code: string;
    guid: string;
    name: string;
    url: string;
  };
  "mx/connect/enterCredentials": Guids & { institution: { code: string; guid: string } };
  "mx/connect/updateCredentials": MemberGuid & { institution: { code: string; guid: string } };
  "mx/connect/submitMFA": MemberGuid;
  "mx/connect/oauthRequested": MemberGuid & { url: string };
  "mx/connect/oauthError": Guids & { member_guid?: string };
  /** The status is a number here, and a word in MX's REST API. */
  "mx/connect/memberStatusUpdate": MemberGuid & { connection_status: number };
  "mx/connect/memberConnected": MemberGuid;
  "mx/connect/connected/primaryAction": Guids;
  "mx/connect/memberError": Guids & { member: { guid: string; connection_status: number } };
  "mx/connect/createMemberError": Guids & { institution_guid: string; institution_code: string };
  "mx/connect/memberDeleted": MemberGuid;
  "mx/connect/invalidData": MemberGuid & { code: number };
  "mx/connect/backToSearch": Guids & { context?: string };
  "mx/pulse/overdraftWarning/cta/transferFunds": Guids & { account_guid: string; amount: number };
};

declare global {
  // biome-ignore lint/style/useConsistentTypeDefinitions: the DOM's own map, to be merged with
  interface HTMLElementTagNameMap {
    "mx-widget": MxWidgetElement;
  }
}
