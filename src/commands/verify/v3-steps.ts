/** Assumptions about the SSO API v3 and MDX Real Time. What writes to Members is in member-steps.ts. */

import { AppError } from "../../errors.ts";
import type { WidgetRequest } from "../../session/types.ts";
import { createSecondUser } from "./platform-steps.ts";
import { type Deviation, platformOf, requestUrl, type Step } from "./step.ts";
import { judgeProfile } from "./user-steps.ts";

export const V3_STEPS: readonly Step[] = [
  {
    id: "A20",
    assumption: "The SSO API v3 answers 404 for an unknown user.",
    change: "Correct classifyByStatus in src/mx/outcome.ts. Until then, no user is created.",
    phase: "before",
    needs: ["sso_v3"],
    findDeviation: (run) =>
      unlessRefused([401, 403], async () =>
        (await requestUrl(run)) ? "gives a URL for a user that was never created" : undefined,
      ),
  },
  {
    id: "A21",
    assumption: "The SSO API v3 and MDX Real Time accept the same key.",
    change: "Set MX_MDX_API_KEY.",
    phase: "before",
    after: ["A20"],
    needs: ["one_key"],
    findDeviation: (run) =>
      unlessRefused([403], async () => {
        await platformOf(run)?.readUser(run.userId, run.context());
        return undefined;
      }),
  },
  {
    id: "A22",
    assumption: "MDX Real Time refuses a second User with the same id, with 409.",
    change:
      "Correct classifyByStatus in src/mx/outcome.ts. Until then, simultaneous first logins of one user may fail.",
    needs: ["mdx"],
    findDeviation: createSecondUser,
  },
  {
    id: "A24",
    assumption: "MDX Real Time accepts all optional fields when it creates a User.",
    change:
      "List in PROFILE_FIELDS only the fields that MX accepts. Until then, the service creates users without a profile.",
    needs: ["mdx"],
    findDeviation: judgeProfile,
  },
  {
    id: "A25",
    assumption: "The SSO API v3 accepts the Platform API's options.",
    change:
      "Remove the options that MX refuses from WIDGET_DEFAULTS, WIDGET_FORCED and your pages. See src/mx/sso-v3.ts.",
    after: ["A15", "A16"],
    needs: ["sso_v3"],
    async findDeviation(run) {
      const url = await requestUrl(run, toRequest("connect_widget", OPTIONS));
      return url ? undefined : "answers 404";
    },
  },
  {
    id: "A26",
    assumption: "The SSO API v3 answers 404 for a widget that the client does not have.",
    change: "Correct classifyByStatus in src/mx/outcome.ts. Until then, such a request gets a 502.",
    after: ["A15", "A16"],
    needs: ["sso_v3"],
    async findDeviation(run) {
      const url = await requestUrl(run, toRequest("bff_verify_widget", {}));
      return url ? "gives a URL for a widget that does not exist" : undefined;
    },
  },
];

const OPTIONS = {
  ui_message_version: 4,
  is_mobile_webview: false,
  color_scheme: "light",
  disable_institution_search: false,
  data_request: { products: ["transactions"] },
};

function toRequest(type: string, options: Record<string, unknown>): WidgetRequest {
  return { widgetType: type, options: { widget_type: type, ...options }, callerOptions: [] };
}

/** If MX refuses the key or the address, this proves nothing about the assumption. */
async function unlessRefused(
  statuses: readonly number[],
  find: () => Promise<Deviation>,
): Promise<Deviation> {
  try {
    return await find();
  } catch (error) {
    const status = error instanceof AppError ? error.upstream?.status : undefined;
    if (status === undefined || !statuses.includes(status)) throw error;
    return { untried: `MX refuses the key or the address (${status}).` };
  }
}
