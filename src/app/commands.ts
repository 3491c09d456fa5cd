/** `--user` and `--verify`, wired: with the tenant, the keys and the upstreams that the service has. */

import { randomBytes } from "node:crypto";
import { createCommandContext } from "../commands/context.ts";
import { describeUser, isComplete, toUserText, type UserQuestion } from "../commands/user.ts";
import { createMxUsers } from "../commands/verify/mx-users.ts";
import { toVerifyExitCode, toVerifyText } from "../commands/verify/report.ts";
import { type Run, toOffers } from "../commands/verify/step.ts";
import { verify } from "../commands/verify/verify.ts";
import type { Config } from "../config/load.ts";
import type { TenantConfig } from "../config/tenant.ts";
import { AppError } from "../errors.ts";
import type { Answer } from "../mx/call.ts";
import { createPseudonym } from "../telemetry/logger.ts";
import { VERSION } from "../telemetry/version.ts";
import { openPools } from "./connections.ts";
import { toAuditKey } from "./deployment-keys.ts";
import { createTenant } from "./tenant.ts";

/** What a command prints, for people and for machines, and its exit code. */
type Output = { text: string; json: object; code: number };

/** `code` 1: the user cannot have an MX user id, or MX did not answer. */
export async function lookUpUser(
  config: Config,
  tenantConfig: TenantConfig,
  question: UserQuestion,
): Promise<Output> {
  await using pools = openPools(config);
  const tenant = createTenant(tenantConfig, pools.connect);
  const toPseudonym = createPseudonym(toAuditKey(config));
  try {
    const json = await describeUser({ config: tenantConfig, tenant, toPseudonym }, question);
    return { text: toUserText(json), json, code: isComplete(json) ? 0 : 1 };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { code, message } = error;
    return { text: `${message}\n`, json: { error: code, message }, code: 1 };
  }
}

export async function verifyMx(
  config: Config,
  tenant: TenantConfig,
  { withMember, signal }: { withMember: boolean; signal: AbortSignal },
): Promise<Output> {
  await using pools = openPools(config);
  const answers: Answer[] = [];
  const observer = { onAnswer: (answer: Answer) => void answers.push(answer) };
  const open = () => createTenant(tenant, pools.connect, { observe: () => observer });
  const userId = `bff-verify-${randomBytes(8).toString("hex")}`;
  const run: Run = {
    userId,
    memberId: `M-${userId}`,
    tenant: open(),
    openAnother: open,
    users: createMxUsers(tenant.mx, (url) => pools.connect(url, 1, tenant.mx.clientCertificate)),
    answers,
    context: createCommandContext,
    guids: new Set(),
    member: "none",
  };
  const verified = await verify(run, { offers: toOffers(tenant, withMember), signal });
  const code = toVerifyExitCode(verified);
  const json = { ok: code === 0, version: VERSION, ...verified };
  return { text: toVerifyText(verified), json, code };
}
