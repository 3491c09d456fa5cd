/** How connections to upstreams are opened and kept: the same for MX and the partner's hosts, for the service and its commands. */

import { createUserinfo, type Userinfo } from "../auth/userinfo.ts";
import type { Config } from "../config/load.ts";
import type { CertificateConfig } from "../config/tls.ts";
import { createExchange, type Exchange } from "../upstream/exchange.ts";
import { toLimits } from "../upstream/limits.ts";
import type { ClientCertificates } from "./certificates.ts";

/** Of MX and of the partner's own systems; a widget URL has some hundred bytes. */
const MAX_ANSWER_BYTES = 64 * 1024;

type WayOut = Pick<Config, "proxy" | "allowPreloads" | "connectionMaxAgeMs" | "requestDeadlineMs">;

/** Opens a pool of connections to an upstream, with the certificate for its kind; whoever gives it closes it. */
export type Connect = (url: URL, connections: number, certificate?: CertificateConfig) => Exchange;

/** `warm`: how many connections of each pool are kept open. */
export function createConnect(
  config: WayOut,
  certificateOf: ClientCertificates["of"],
  warm = 0,
): (...target: Parameters<Connect>) => Exchange & AsyncDisposable {
  return ({ origin }, connections, certificate) =>
    createExchange({
      origin,
      connections,
      clientCertificate: certificateOf(certificate),
      warm,
      maxResponseBytes: MAX_ANSWER_BYTES,
      maxAgeMs: config.connectionMaxAgeMs,
      proxy: config.proxy,
      allowListeners: config.allowPreloads,
      ...toLimits(config.requestDeadlineMs),
    });
}

/** For a command. */
const COMMAND_CONNECTIONS = 2;

/** For a command, as the service has them for its tenants. Disposal closes all connections. */
export function openPools(config: WayOut): AsyncDisposable & { connect: Connect } {
  const pools = new AsyncDisposableStack();
  const connect = createConnect(config, (certificate) => certificate && (() => certificate.pair));
  return {
    connect: (url, _connections, certificate) =>
      pools.use(connect(url, COMMAND_CONNECTIONS, certificate)),
    [Symbol.asyncDispose]: () => pools.disposeAsync(),
  };
}

/** New users are rare; those of a launch day wait for each other. */
const USERINFO_CONNECTIONS = 20;

export type FindUserinfo = (
  issuer: string,
  httpHosts: readonly string[],
  certificate: CertificateConfig | undefined,
) => Userinfo;

/** Connections of its own for each issuer: opened at the first new user, closed with `parts`. */
export function createUserinfoByIssuer(
  config: WayOut,
  certificateOf: ClientCertificates["of"],
  parts: AsyncDisposableStack,
): FindUserinfo {
  const byIssuer = new Map<string, Userinfo>();
  const open = createConnect(config, certificateOf);
  parts.defer(async () => {
    await Promise.all([...byIssuer.values()].map((each) => each[Symbol.asyncDispose]()));
  });

  return (issuer, httpHosts, certificate) => {
    const connect = (origin: string) => open(new URL(origin), USERINFO_CONNECTIONS, certificate);
    const userinfo = byIssuer.get(issuer) ?? createUserinfo({ issuer, httpHosts, connect });
    byIssuer.set(issuer, userinfo);
    return userinfo;
  };
}
