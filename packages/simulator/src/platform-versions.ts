/**
 * What the versions of the Platform API do differently in the calls that are simulated.
 *
 * Since 12 August 2026 every call names its version in `Accept-Version`; the vendor media type in `Accept`, which used
 * to select v20111101, no longer suffices. Source: MX Platform API, Versioning and Migration.
 */

import { WidgetOptions2011, WidgetOptions2025 } from "./widget-options.ts";

export type PlatformVersion = {
  readonly contentType: string;
  /** Whether `{user}` in a path may be the partner's id; it may always be MX's guid. */
  readonly takesPartnerId: boolean;
  /** Whether a User's profile stands in the answer. */
  readonly showsProfile: boolean;
  /** What stands for an e-mail address that is not known: the schema of v20250224 does not allow null. */
  readonly unknownEmail: null | undefined;
  readonly widgetOptions: typeof WidgetOptions2025 | typeof WidgetOptions2011;
};

const v20250224: PlatformVersion = {
  contentType: "application/json; charset=utf-8",
  takesPartnerId: true,
  showsProfile: true,
  unknownEmail: undefined,
  widgetOptions: WidgetOptions2025,
};

const v20111101: PlatformVersion = {
  contentType: "application/vnd.mx.api.v1+json; charset=utf-8",
  takesPartnerId: false,
  showsProfile: false,
  unknownEmail: null,
  widgetOptions: WidgetOptions2011,
};

export function findPlatformVersion(acceptVersion: unknown): PlatformVersion | undefined {
  if (acceptVersion === "v20250224") return v20250224;
  if (acceptVersion === "v20111101") return v20111101;
  return undefined;
}
