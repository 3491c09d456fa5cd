/** `npm run demo -- --real --clean`: deletes the demo's users at MX. One that cannot be deleted is disabled, and named. */

import { openPools } from "../src/app/connections.ts";
import { createTenant } from "../src/app/tenant.ts";
import { createCommandContext } from "../src/commands/context.ts";
import { createMxUsers, type MxUsers, toProblem } from "../src/commands/verify/mx-users.ts";
import type { Config } from "../src/config/load.ts";
import { AppError } from "../src/errors.ts";
import type { Tenant } from "../src/session/types.ts";

type Removal = { line: string; isGone: boolean };

export async function deleteRealUsers(
  config: Config,
  userIds: readonly string[],
): Promise<Removal[]> {
  const [tenantConfig] = config.tenants;
  if (!tenantConfig) throw new Error("there is no tenant"); // The configuration does not let this happen.
  await using pools = openPools(config);
  const tenant = createTenant(tenantConfig, pools.connect);
  const users = createMxUsers(tenantConfig.mx, (url) => pools.connect(url, 1));
  const removals: Removal[] = [];
  for (const userId of userIds) removals.push(await deleteUser(users, tenant, userId));
  return removals;
}

async function deleteUser(users: MxUsers, tenant: Tenant, userId: string): Promise<Removal> {
  const apis = [
    { api: users.mdx, id: userId },
    { api: users.sso, id: userId },
    { api: users.platform, id: users.platform && (await findPathId(tenant, userId)) },
  ];
  let problem: string | undefined;
  for (const { api, id } of apis) {
    if (!api || !id) continue;
    const change = await api.delete(id);
    if (change === "done") return { line: `${userId} is deleted.`, isGone: true };
    if (change !== "not_found") problem = toProblem(change);
  }
  if (problem === undefined) return { line: `${userId} does not exist at MX.`, isGone: true };
  const changes = await Promise.all(apis.map(({ api, id }) => id && api?.setDisabled(id, true)));
  const end = changes.includes("done") ? "; it is disabled now" : "";
  return { line: `${userId} is still at MX, which ${problem}${end}.`, isGone: false };
}

/** MX's own id where the Platform API wants that; the partner's where MX cannot be asked. */
async function findPathId({ mx }: Tenant, userId: string): Promise<string | undefined> {
  if (!("platform" in mx)) return undefined;
  try {
    return (await mx.platform.readUser(userId, createCommandContext()))?.pathId;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return userId;
  }
}
