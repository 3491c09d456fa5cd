/** One step back in the widget. Source: MX web SDK; connect-widget, useNavigationPostMessage. */

import { listen } from "./listen.ts";
import { within } from "./time.ts";
import type { WidgetEventMap } from "./types.ts";

const TIMEOUT_MS = 5000;
const MESSAGE = JSON.stringify({
  mx: true,
  type: "mx/navigation",
  payload: { action: "back" },
});

/** Resolves to whether the widget went back. */
export async function goBack(
  element: HTMLElement,
  frame: HTMLIFrameElement,
  signal: AbortSignal,
): Promise<boolean> {
  frame.contentWindow?.postMessage(MESSAGE, new URL(frame.src).origin);
  const answer = within<boolean>(TIMEOUT_MS, signal, (settle, ended) =>
    listen(
      element,
      "mx/navigation",
      ({ detail }: WidgetEventMap["mx/navigation"]) => settle(detail.did_go_back === true),
      ended,
    ),
  );
  return (await answer.catch(() => false)) ?? false;
}
