/** One tenant as the service has it, without the service: for what the program can be asked beside serving. */

import type { Config, TenantConfig } from "../config/types.ts";
import type { Tenant } from "../session/types.ts";
import { createExchange } from "../upstream/exchange.ts";
import { type Connect, createTenant, type Instruments } from "./tenant.ts";

const MAX_ANSWER_BYTES = 64 * 1024;

export type OpenTenant = AsyncDisposable & { tenant: Tenant };

export function openTenant(
  { proxy }: Pick<Config, "proxy">,
  tenant: TenantConfig,
  instruments: Instruments = {},
): OpenTenant {
  const pools = new AsyncDisposableStack();
  const connect: Connect = ({ origin }) =>
    pools.use(
      createExchange({ origin, connections: 2, maxResponseBytes: MAX_ANSWER_BYTES, proxy }),
    );
  return {
    tenant: createTenant(tenant, connect, instruments),
    [Symbol.asyncDispose]: () => pools.disposeAsync(),
  };
}
