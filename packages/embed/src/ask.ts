/** Asks the service, or the page, for one widget URL. */

import { failure, toFailure } from "./failure.ts";
import { listen } from "./listen.ts";
import { findMember, forgetMember, readUser } from "./member.ts";
import type { SettingsElement } from "./settings-element.ts";
import type { Step } from "./texts.ts";
import { pause, within } from "./time.ts";
import type { WidgetError } from "./types.ts";

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
  await pause(element.loadTimeoutMs, signal); // Once there is one, the element opens anew.
  throw failure("no-login", NO_LOGIN);
}

type OnStep = (step: Step) => void;

export const NO_LOGIN = "Set getToken, or credentials for logins by cookie.";

/** Whether the page has said how its users log in. */
export function canAsk({ getToken, credentials, getUrl }: SettingsElement): boolean {
  return Boolean(getToken || credentials || getUrl);
}

export function isOffline(): boolean {
  return navigator.onLine === false;
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
    await within<Event>(0, signal, (settle, ended) => listen(window, "online", settle, ended));
    signal.throwIfAborted();
  }
}

/** Throws a WidgetError. After an abort the error is without meaning. */
export async function askForUrl(
  element: SettingsElement,
  signal: AbortSignal,
  onStep: OnStep,
): Promise<Grant> {
  const { getUrl, widgetType } = element;
  let askedAt = Date.now();
  if (getUrl) {
    onStep("server");
    const url = toSafeUrl(await calling("getUrl", () => getUrl({ signal })));
    signal.throwIfAborted();
    return { url, type: widgetType || "widget", token: "", askedAt, tookMs: Date.now() - askedAt };
  }
  onStep("login");
  let token = await askForToken(element, signal);
  const send = (body: string) => {
    onStep("server");
    askedAt = Date.now();
    return post(element, token, body, signal);
  };
  const plain = toBody(element);
  const body = toBody(element, findMember(readUser(token), widgetType));
  let response = await send(body);
  if (response.status === 401 && element.getToken) {
    onStep("login");
    token = await askForToken(element, signal, true);
    response = await send(body);
  }
  if (body !== plain && [400, 502].includes(response.status)) {
    forgetMember(); // The member is gone, or this service takes no options: open without it.
    response = await send(plain);
  }
  const answer = await response.json().catch(() => undefined);
  signal.throwIfAborted();
  if (!response.ok) throw toFailure(response, answer);
  const { url, type } = answer?.widget_url ?? {};
  const tookMs = Date.now() - askedAt;
  return { url: toSafeUrl(url), type: String(type), token, askedAt, tookMs };
}

/** Empty for logins by cookie. */
export async function askForToken(
  { getToken }: SettingsElement,
  signal: AbortSignal,
  isRefresh = false,
): Promise<string> {
  if (!getToken) return "";
  const token = await calling("getToken", () => getToken({ isRefresh, signal }));
  signal.throwIfAborted();
  if (typeof token === "string" && /^[\w.~+/-]+=*$/.test(token)) return token;
  throw failure("token-failed", "getToken must return the token alone, as a string.");
}

async function calling<T>(name: string, call: () => T | Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    throw failure(name === "getUrl" ? "network" : "token-failed", `${name} has failed.`, { cause });
  }
}

async function post(
  { sessionUrl, credentials, language, getToken }: SettingsElement,
  token: string,
  body: string,
  signal: AbortSignal,
): Promise<Response> {
  try {
    return await fetch(sessionUrl || "/session", {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        ...(getToken ? { Authorization: `Bearer ${token}` } : { "X-CSRF": "1" }),
        ...(language && { "Accept-Language": language }),
      },
      body,
      credentials: credentials || "same-origin",
      redirect: "manual",
      signal: AbortSignal.any?.([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]) ?? signal,
    });
  } catch (cause) {
    throw failure(
      "network",
      "No answer: offline, not in CORS_ORIGINS, or blocked by connect-src.",
      { cause },
    );
  }
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
  throw failure("bad-answer", "The answer holds no usable widget URL.");
}
