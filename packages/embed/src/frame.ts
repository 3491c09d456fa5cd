/** One frame with one URL, until its widget sends the first message or will not. */

import { type Grant, onReconnect } from "./ask.ts";
import { failure } from "./failure.ts";
import { listen } from "./listen.ts";
import { h } from "./panel.ts";
import type { SettingsElement } from "./settings-element.ts";
import { after, isWithin, within } from "./time.ts";
import type { WidgetError } from "./types.ts";

/** MX: a URL opens within ten minutes. */
const URL_LIFETIME_MS = 600_000;
/** In which a page that embeds only what opts in shows that it blocked a frame. */
const BLOCK_MS = 2500;

export function createFrame(
  { frameTitle, allow }: SettingsElement,
  { url, type }: Grant,
): HTMLIFrameElement {
  return h("iframe", {
    part: "frame",
    title: frameTitle || `MX ${type.replaceAll("_", " ")}`,
    allow,
    referrerpolicy: "origin", // MX's code sends its messages to the referrer.
    src: url,
  });
}

/** Resolves to `undefined` once the widget is there, else to why it is not. */
export async function waitForWidget(
  element: SettingsElement,
  frame: HTMLIFrameElement,
  { askedAt, tookMs }: Grant,
  signal: AbortSignal,
): Promise<WidgetError | undefined> {
  const { loadTimeoutMs } = element;
  /** Where asking took long, so does the widget: a slow load that goes on must not cost its URL. */
  const patienceMs = loadTimeoutMs + Math.min(10 * Math.abs(tookMs), 2 * loadTimeoutMs);
  const end = await within<"message" | "reconnected" | WidgetError>(
    patienceMs,
    signal,
    (settle, ended) => {
      listen(element, "mx-load", () => settle("message"), ended);
      onReconnect(ended, () => settle("reconnected"));
      watchPolicies(frame, ended, settle);
    },
  );
  if (end === "message") return undefined;
  if (typeof end === "object") return end;
  return isWithin(URL_LIFETIME_MS, askedAt)
    ? failure("load-timeout", "No message came, twice.")
    : failure("url-expired", "The URL has expired.");
}

/** The page's own policies cannot be mended from inside, so the failure says at once what to change. */
function watchPolicies(
  frame: HTMLIFrameElement,
  signal: AbortSignal,
  settle: (failure: WidgetError) => void,
): void {
  const { origin } = new URL(frame.src);
  listen(
    document,
    "securitypolicyviolation",
    ({ disposition, blockedURI, effectiveDirective }: SecurityPolicyViolationEvent) => {
      const isFrame = /^(fr|ch|de)/.test(effectiveDirective); // frame-, child- or default-src: not an image.
      if (isFrame && disposition === "enforce" && blockedURI.startsWith(origin))
        settle(toBlocked("csp", `add ${origin} to frame-src of its Content-Security-Policy.`));
    },
    signal,
  );
  if (crossOriginIsolated && !("credentialless" in frame)) watchIsolation(frame, signal, settle);
  if (!globalThis.ReportingObserver) return;
  const observer = new ReportingObserver(
    (reports) => {
      for (const { body } of reports) {
        const coep = body as CoepBody | null;
        const { blockedURL, disposition } = coep?.toJSON?.() ?? coep ?? {};
        if (disposition === "enforce" && blockedURL?.startsWith(origin)) settle(toBlocked());
      }
    },
    { types: ["coep"] },
  );
  observer.observe();
  listen(signal, "abort", () => observer.disconnect());
}

/**
 * Firefox reports to nobody. A document that came and stays silent, on a page that frames only what opts in, is its error.
 * In Chromium, which reports, it may be a slow widget that has opted in.
 */
function watchIsolation(
  frame: HTMLIFrameElement,
  signal: AbortSignal,
  settle: (failure: WidgetError) => void,
): void {
  after(BLOCK_MS, signal, () => {
    if (frame.contentDocument)
      watchIsolation(frame, signal, settle); // Nothing has come yet.
    else settle(toBlocked());
  });
}

/** Source: HTML Standard, embedder policies. */
type CoepReport = { blockedURL?: string; disposition?: string };
/** Chromium has the members in the JSON alone. */
type CoepBody = ReportBody & CoepReport & { toJSON?(): CoepReport };

function toBlocked(
  name = "coep",
  policy = "remove its Cross-Origin-Embedder-Policy, or set unsafe-none.",
): WidgetError {
  const message = `The page blocks the widget: ${policy}`;
  return failure(`blocked-by-${name}`, message, { isRetryable: false });
}
