/** The tenants with their ways to MX, and the logins that lead to them. */

import type { Config } from "../config/types.ts";
import type { ApiName } from "../mx/call.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import { createExchange } from "../upstream/exchange.ts";
import { withConnectSpan } from "../upstream/spans.ts";
import { toExchangeOptions } from "./exchanges.ts";
import { createLogins, type Logins } from "./logins.ts";
import type { Metrics } from "./metrics.ts";
import { type Connect, createTenant } from "./tenant.ts";
import { createUserinfoByIssuer } from "./userinfo.ts";

/** A session asks MX two things at once at most. */
const WARM_CONNECTIONS = 2;
/** With more tenants than that, idle connections alone would come near the 2,000 that MX takes from one address. */
const MAX_WARM_TENANTS = 100;

export type LoginParts = {
  metrics: Metrics;
  tracing: Tracing | undefined;
  /** Closes what is opened here. */
  parts: AsyncDisposableStack;
};

export function openLogins(config: Config, { metrics, tracing, parts }: LoginParts): Logins {
  const connect = createConnect(config, parts);
  const userinfo = parts.use(createUserinfoByIssuer(config));
  const tenants = config.tenants.map((each) => {
    const observe = (api: ApiName) => metrics.mx(each.name, api);
    const instruments = { observe, tracing, userinfo: userinfo.of };
    return { config: each, tenant: createTenant(each, connect, instruments) };
  });
  return parts.use(
    createLogins(config, {
      tenants,
      connect: tracing ? withConnectSpan(connect, "login check", tracing) : connect,
      watchKeys: metrics.issuerKeys,
    }),
  );
}

function createConnect(config: Config, parts: AsyncDisposableStack): Connect {
  return ({ origin }, connections) =>
    parts.use(
      createExchange({
        origin,
        connections,
        warm: config.tenants.length <= MAX_WARM_TENANTS ? WARM_CONNECTIONS : 0,
        ...toExchangeOptions(config),
      }),
    );
}
