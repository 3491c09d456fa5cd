/** Connections for a command, as the service has them for its tenants. */

import type { Config } from "../config/types.ts";
import { createExchange } from "../upstream/exchange.ts";
import type { Connect } from "./tenant.ts";

const CONNECTIONS = 2;
const MAX_ANSWER_BYTES = 64 * 1024;

/** Disposal closes all connections. */
export type Pools = AsyncDisposable & { connect: Connect };

export function openPools({ proxy }: Pick<Config, "proxy">): Pools {
  const pools = new AsyncDisposableStack();
  return {
    connect: ({ origin }) =>
      pools.use(
        createExchange({
          origin,
          connections: CONNECTIONS,
          maxResponseBytes: MAX_ANSWER_BYTES,
          proxy,
        }),
      ),
    [Symbol.asyncDispose]: () => pools.disposeAsync(),
  };
}
