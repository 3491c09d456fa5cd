/** How connections to upstreams are opened and kept: the same for MX and the partner's hosts, for the service and its commands. */

import { createUserinfo, type Userinfo } from "../auth/userinfo.ts";
import type { CertificateConfig } from "../config/tls.ts";
import type { Config } from "../config/types.ts";
import { createExchange, type ExchangeOptions } from "../upstream/exchange.ts";
import { toLimits } from "../upstream/limits.ts";
import type { ClientCertificates } from "./certificates.ts";
import type { Connect } from "./tenant.ts";

/** Of MX and of the partner's own systems; a widget URL has some hundred bytes. */
const MAX_ANSWER_BYTES = 64 * 1024;

type WayOut = Pick<Config, "proxy" | "allowPreloads" | "connectionMaxAgeMs" | "requestDeadlineMs">;

export function toExchangeOptions(
  config: WayOut,
): Omit<ExchangeOptions, "origin" | "connections" | "warm"> {
  return {
    maxResponseBytes: MAX_ANSWER_BYTES,
    maxAgeMs: config.connectionMaxAgeMs,
    proxy: config.proxy,
    allowListeners: config.allowPreloads,
    ...toLimits(config.requestDeadlineMs),
  };
}

/** For a command. */
const COMMAND_CONNECTIONS = 2;

/** Disposal closes all connections. */
type Pools = AsyncDisposable & { connect: Connect };

/** For a command, as the service has them for its tenants. */
export function openPools(config: WayOut): Pools {
  const pools = new AsyncDisposableStack();
  return {
    connect: ({ origin }, _connections, certificate) =>
      pools.use(
        createExchange({
          origin,
          connections: COMMAND_CONNECTIONS,
          clientCertificate: certificate && (() => certificate.pair),
          ...toExchangeOptions(config),
        }),
      ),
    [Symbol.asyncDispose]: () => pools.disposeAsync(),
  };
}

/** New users are rare; those of a launch day wait for each other. */
const USERINFO_CONNECTIONS = 20;

type UserinfoByIssuer = AsyncDisposable & {
  of(
    issuer: string,
    httpHosts: readonly string[],
    certificate: CertificateConfig | undefined,
  ): Userinfo;
};

/** Connections of its own for each issuer: opened at the first new user, closed with the service. */
export function createUserinfoByIssuer(
  config: WayOut,
  certificateOf: ClientCertificates["of"],
): UserinfoByIssuer {
  const byIssuer = new Map<string, Userinfo>();

  return {
    of(issuer, httpHosts, certificate) {
      const connect = (origin: string) =>
        createExchange({
          origin,
          connections: USERINFO_CONNECTIONS,
          clientCertificate: certificateOf(certificate),
          ...toExchangeOptions(config),
        });
      const userinfo = byIssuer.get(issuer) ?? createUserinfo({ issuer, httpHosts, connect });
      byIssuer.set(issuer, userinfo);
      return userinfo;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...byIssuer.values()].map((each) => each[Symbol.asyncDispose]()));
    },
  };
}
