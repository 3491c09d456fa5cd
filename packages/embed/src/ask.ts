/** Asks the service, or the page, for one widget URL. */

import { failure, toFailure } from "./failure.ts";
import { listen } from "./listen.ts";
import { findMember, forgetMember, readUser } from "./member.ts";
import type { SettingsElement } from "./settings-element.ts";
import type { Step } from "./texts.ts";
import { endOf, within } from "./time.ts";
import type { WidgetError, WidgetErrorCode } from "./types.ts";

const REQUEST_TIMEOUT_MS = 65_000; // The service answers within 60 s.

/** https; or this machine, for a simulator. */
const SAFE_URL = /^(https:\/\/[\w.-]|http:\/\/(localhost|127(\.\d+){3}|\[::1])(:\d+)?\/)/;

/** A URL is used once, and appears nowhere but in the `src` of its frame. */
export type Grant = {
  url: string;
  /** The widget's type. */
  type: string;
  token: string;
  /** When the last request was sent, so the URL is never older; in ms, as `Date.now()`. */
  askedAt: number;
  /** How long the answer took. */
  tookMs: number;
};

/** A page that is rendered before anybody visits it spends no URL. Throws if there is no way to log in in time. */
export async function waitForVisitor(element: SettingsElement, signal: AbortSignal): Promise<void> {
  if ((document as { prerendering?: boolean }).prerendering)
    await within(0, signal, (settle, ended) =>
      listen(document, "prerenderingchange", settle, ended),
    );
  if (canAsk(element)) return;
  await within(element.loadTimeoutMs, signal); // Once there is one, the element opens anew.
  throw failure("no-login", NO_LOGIN);
}

type OnStep = (step: Step) => void;

export const NO_LOGIN = "Set getToken, or credentials for logins by cookie.";

/** Whether the page has said how its users log in. */
export function canAsk({ getToken, credentials, getUrl }: SettingsElement): boolean {
  return Boolean(getToken || credentials || getUrl);
}

function isOffline(): boolean {
  return navigator.onLine === false;
}

export function onReconnect(signal: AbortSignal, run: () => void, onOffline = () => {}): void {
  let wasOffline = isOffline();
  const note = ({ type }: Event) => {
    if (type === "online") return wasOffline && run();
    wasOffline = true;
    onOffline();
  };
  listen(window, "offline online", note, signal);
}

/** Whether another try may end otherwise once the connection is back. */
export function isOfConnection({ code }: WidgetError): boolean {
  return /^(network|token-failed)$/.test(code);
}

/**
 * Throws a WidgetError. What fails offline is repeated once the connection is back. A browser may say that it is offline
 * while this machine's own service answers, so each try is made, and only a failed one waits.
 */
export async function askPatiently(
  element: SettingsElement,
  signal: AbortSignal,
  onStep: OnStep,
): Promise<Grant> {
  for (;;) {
    try {
      return await askForUrl(element, signal, onStep);
    } catch (error) {
      if (signal.aborted || !isOffline() || !isOfConnection(error as WidgetError)) throw error;
    }
    onStep("offline");
    await within<void>(0, signal, (settle, ended) => onReconnect(ended, settle));
  }
}

/** Throws a WidgetError. After an abort the error is without meaning. */
export async function askForUrl(
  element: SettingsElement,
  signal: AbortSignal,
  onStep: OnStep,
): Promise<Grant> {
  for (;;) {
    signal.throwIfAborted();
    const attempt = new AbortController();
    let isBack = false;
    listen(signal, "abort", () => attempt.abort(), attempt.signal);
    onReconnect(
      attempt.signal,
      () => {
        isBack = true; // What was asked for on the connection that is gone may never be answered.
        attempt.abort();
      },
      () => onStep("offline"),
    );
    try {
      return await askOnce(element, attempt.signal, (step) =>
        onStep(isOffline() ? "offline" : step),
      );
    } catch (error) {
      if (!isBack) throw error;
    } finally {
      attempt.abort();
    }
  }
}

async function askOnce(
  element: SettingsElement,
  signal: AbortSignal,
  onStep: OnStep,
): Promise<Grant> {
  const { getUrl, widgetType } = element;
  let askedAt = Date.now();
  let token = "";
  const toGrant = (url: unknown, type: unknown): Grant => ({
    url: toSafeUrl(url),
    type: String(type),
    token,
    askedAt,
    tookMs: Date.now() - askedAt,
  });
  if (getUrl) {
    onStep("server");
    const call = () => getUrl({ signal });
    const url = await waitFor(call, signal, "network", "getUrl has failed.");
    return toGrant(url, widgetType || "widget");
  }
  onStep("login");
  token = await askForToken(element, signal);
  let body = "";
  const send = (member?: string) => {
    onStep("server");
    askedAt = Date.now();
    body = toBody(element, member);
    return post(element, token, body, signal);
  };
  const resume = () => send(findMember(readUser(token), widgetType));
  let [response, answer] = await resume();
  if (response.status === 401 && element.getToken) {
    onStep("login");
    token = await askForToken(element, signal, true);
    [response, answer] = await resume();
  }
  if (body !== toBody(element) && [400, 502].includes(response.status)) {
    forgetMember(widgetType); // The member is gone, or this service takes no options: open without it.
    [response, answer] = await send();
  }
  if (!response.ok) throw toFailure(response, answer);
  const { url, type } = answer?.widget_url ?? {};
  return toGrant(url, type);
}

/** Empty for logins by cookie. */
export async function askForToken(
  { getToken }: SettingsElement,
  signal: AbortSignal,
  isRefresh = false,
): Promise<string> {
  if (!getToken) return "";
  const token = await waitFor(
    () => getToken({ isRefresh, signal }),
    signal,
    "token-failed",
    "getToken has failed.",
    0,
  );
  if (typeof token === "string" && /^[\w.~+/-]+=*$/.test(token)) return token;
  throw failure("token-failed", "getToken must return the token alone, as a string.");
}

/** Of somebody who may never answer. `ms`: how long to wait; 0: for ever, as for a login. */
async function waitFor<T>(
  call: () => T | Promise<T>,
  signal: AbortSignal,
  code: WidgetErrorCode,
  message: string,
  ms = REQUEST_TIMEOUT_MS,
): Promise<T> {
  try {
    return await Promise.race([call(), endOf(signal, ms)]);
  } catch (cause) {
    throw failure(code, message, { cause });
  }
}

function post(
  { sessionUrl, credentials, language, getToken }: SettingsElement,
  token: string,
  body: string,
  signal: AbortSignal,
): Promise<Answered> {
  const send = () =>
    fetch(sessionUrl || "/session", {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        ...(getToken ? { Authorization: `Bearer ${token}` } : { "X-CSRF": "1" }),
        ...(language && { "Accept-Language": language }),
      },
      body,
      credentials: credentials || "same-origin",
      redirect: "manual",
      signal,
    }).then(read);
  const message = "No answer: offline, not in CORS_ORIGINS, or blocked by connect-src.";
  return waitFor(send, signal, "network", message);
}

type Answered = [response: Response, body: { widget_url?: Record<string, unknown> } | undefined];

async function read(response: Response): Promise<Answered> {
  return [response, await response.json().catch(() => undefined)];
}

/** An option that the page sets wins over the member that is resumed. */
function toBody({ options, additionalOptions, widgetType }: SettingsElement, member = ""): string {
  const own = { ...additionalOptions, ...options };
  const isFree = !Object.keys(own).some((name) => name.startsWith("current_"));
  return JSON.stringify({
    widget_url: {
      ...(member && isFree && { current_member_guid: member }),
      ...own,
      ...(widgetType && { widget_type: widgetType }),
    },
  });
}

function toSafeUrl(url: unknown): string {
  if (typeof url === "string" && SAFE_URL.test(url)) return url;
  throw failure("bad-answer", "The answer has no usable widget URL.");
}
