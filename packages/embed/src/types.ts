/** What a page hands to the widget and hears from it. */

import type { MxWidgetElement } from "./element.ts";
import type { MessageMap, WidgetMessage } from "./messages.ts";
import type { WidgetOptions, WidgetType } from "./options.ts";

/** `idle`: out of the document, or waiting for its trigger. `error`: `open()` tries again. */
export type WidgetState = "idle" | "loading" | "open" | "error" | "closed";

/** `isRefresh`: the service refused the last token, so do not return a cached one. `signal`: aborts once nobody waits. */
export type GetToken = (request: {
  isRefresh: boolean;
  signal: AbortSignal;
}) => string | Promise<string>;

/** For pages that get the URL in a way of their own. Called once for each opening and each retry; never return a URL twice. */
export type GetUrl = (request: { signal: AbortSignal }) => string | Promise<string>;

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
  onClose?: (detail: { reason: CloseReason }) => void;
  onError?: (error: WidgetError) => void;
  onStalled?: () => void;
} & ({ getToken: GetToken } | { credentials: "same-origin" | "include" } | { getUrl: GetUrl });

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
  "mx-close": CustomEvent<{ reason: CloseReason }>;
  /** `preventDefault()` hides the element's own words and button. */
  "mx-error": CustomEvent<WidgetError>;
  /** A widget that pinged has sent nothing for 90 seconds. `preventDefault()` hides the offer to start it again. */
  "mx-stalled": CustomEvent<null>;
} & { [K in keyof MessageMap]: CustomEvent<MessageMap[K]> };

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
  errors?: readonly { pointer?: string; header?: string; detail: string }[] | undefined;
};

export type WidgetErrorCode =
  /** None of `getToken`, `credentials` and `getUrl` was set in time. */
  | "no-login"
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
  | "blocked-by-coep"
  | (string & {});

declare global {
  // biome-ignore lint/style/useConsistentTypeDefinitions: the DOM's own map, to be merged with
  interface HTMLElementTagNameMap {
    "mx-widget": MxWidgetElement;
  }
}
