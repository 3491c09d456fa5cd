/** The paths of widget URLs, which resemble MX's: `/md/connect/<token>`, `/raja/<type>/<token>`. */

export const CONNECT_ROUTE = "/md/connect/:token";
export const OTHER_ROUTE = "/raja/:name/:token";

export function widgetPath(widgetType: string, token: string): string {
  if (widgetType === "connect_widget") return `/md/connect/${token}`;
  return `/raja/${widgetType.replace(/_widget$/, "")}/${token}`;
}

/** The widget type that a path names; Connect's path has no name in it. */
export function widgetTypeOf(name = "connect"): string {
  return `${name}_widget`;
}
