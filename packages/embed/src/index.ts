/** Shows MX widgets on a page: the element `<mx-widget>`, and `openWidget`. */

import { MxWidgetElement } from "./element.ts";

export type { MessageMap, WidgetMessage } from "./messages.ts";
export { openWidget } from "./open-widget.ts";
export type { Product, WidgetOptions, WidgetType } from "./options.ts";
export type {
  CloseReason,
  GetToken,
  GetUrl,
  WidgetError,
  WidgetErrorCode,
  WidgetEventMap,
  WidgetSettings,
  WidgetState,
} from "./types.ts";
export { MxWidgetElement };

if (globalThis.customElements && !customElements.get("mx-widget"))
  customElements.define("mx-widget", MxWidgetElement);
