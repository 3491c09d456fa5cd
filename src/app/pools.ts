/** Connections for a command, as the service has them for its tenants. */

import { createExchange } from "../upstream/exchange.ts";
import { toExchangeOptions, type WayOut } from "./exchanges.ts";
import type { Connect } from "./tenant.ts";

const CONNECTIONS = 2;

/** Disposal closes all connections. */
export type Pools = AsyncDisposable & { connect: Connect };

export function openPools(config: WayOut): Pools {
  const pools = new AsyncDisposableStack();
  return {
    connect: ({ origin }) =>
      pools.use(createExchange({ origin, connections: CONNECTIONS, ...toExchangeOptions(config) })),
    [Symbol.asyncDispose]: () => pools.disposeAsync(),
  };
}
