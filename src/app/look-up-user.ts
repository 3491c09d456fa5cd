/** `--user`, wired: with the tenant, the keys and the upstreams that the service has. */

import {
  describeUser,
  isComplete,
  toUserJson,
  toUserText,
  type UserQuestion,
} from "../commands/user.ts";
import type { Config, TenantConfig } from "../config/types.ts";
import { AppError } from "../errors.ts";
import { createPseudonym } from "../telemetry/logger.ts";
import { toAuditKey } from "./deployment-keys.ts";
import { openPools } from "./pools.ts";
import { createTenant } from "./tenant.ts";

/** `code` 1: the user cannot have an MX user id, or MX did not answer. */
export async function lookUpUser(
  config: Config,
  tenantConfig: TenantConfig,
  { json, ...question }: UserQuestion & { json: boolean },
): Promise<{ text: string; code: 0 | 1 }> {
  await using pools = openPools(config);
  const toPseudonym = createPseudonym(toAuditKey(config));
  try {
    const parts = {
      config: tenantConfig,
      tenant: createTenant(tenantConfig, pools.connect),
      toPseudonym,
    };
    const report = await describeUser(parts, question);
    const text = json ? toUserJson(report) : toUserText(report);
    return { text, code: isComplete(report) ? 0 : 1 };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { code, message } = error;
    return {
      text: json ? `${JSON.stringify({ error: code, message }, null, 2)}\n` : `${message}\n`,
      code: 1,
    };
  }
}
