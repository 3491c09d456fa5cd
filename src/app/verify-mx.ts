/** `--verify`, wired: with the adapters that the service has. */

import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { createMxUsers } from "../commands/verify/mx-users.ts";
import { toVerifyExitCode, toVerifyJson, toVerifyText } from "../commands/verify/report.ts";
import type { Need, Run } from "../commands/verify/step.ts";
import { verify } from "../commands/verify/verify.ts";
import type { Config, TenantConfig } from "../config/types.ts";
import type { Answer } from "../mx/outcome.ts";
import { NO_OBSERVER } from "../mx/policies/instrument.ts";
import { createBudget } from "../session/budget.ts";
import { VERSION } from "../telemetry/version.ts";
import { openPools } from "./pools.ts";
import { createTenant } from "./tenant.ts";

/** Of one step; MX may be slow, and nobody waits for a widget. */
const DEADLINE_MS = 20_000;

export async function verifyMx(
  config: Config,
  tenant: TenantConfig,
  { withMember, signal }: { withMember: boolean; signal: AbortSignal },
): Promise<{ text: string; json: string; code: number }> {
  await using pools = openPools(config);
  const answers: Answer[] = [];
  const observer = { ...NO_OBSERVER, onAnswer: (answer: Answer) => void answers.push(answer) };
  const open = () => createTenant(tenant, pools.connect, { observe: () => observer });
  const userId = `bff-verify-${randomBytes(8).toString("hex")}`;
  const run: Run = {
    userId,
    memberId: `M-${userId}`,
    tenant: open(),
    openAnother: async () => open(),
    users: createMxUsers(tenant.mx, (url) => pools.connect(url, 1)),
    answers,
    context: () => ({
      budget: createBudget({ deadlineMs: DEADLINE_MS }),
      audit() {},
      profileFailed() {},
      profileRefused() {},
    }),
    made: undefined,
    guids: new Set(),
    member: "none",
    sleep,
  };
  const verified = await verify(run, { offers: toOffers(tenant, withMember), signal });
  return {
    text: toVerifyText(verified),
    json: toVerifyJson(verified, VERSION),
    code: toVerifyExitCode(verified),
  };
}

function toOffers({ mx }: TenantConfig, withMember: boolean): Set<Need> {
  const { platform } = mx;
  const isV3 = mx.sso?.version === "v3"; // Its Users are those of MDX, whichever API makes the URLs.
  const sso = isV3 ? undefined : mx.sso;
  const isOld = platform?.version === "v20111101";
  const offers: [Need, boolean][] = [
    ["user", true],
    ["sso", sso !== undefined],
    ["platform", platform !== undefined],
    ["both", sso !== undefined && platform !== undefined],
    ["v20111101", isOld],
    ["ids_in_paths", sso !== undefined || !isOld],
    ["member", sso !== undefined && withMember],
  ];
  return new Set(offers.filter(([, isOffered]) => isOffered && !isV3).map(([need]) => need));
}
