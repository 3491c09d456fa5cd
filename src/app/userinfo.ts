/** The issuers' userinfo endpoints, each with connections of its own: opened at the first new user, closed with the service. */

import { createUserinfo, type Userinfo } from "../auth/userinfo.ts";
import { createExchange } from "../upstream/exchange.ts";
import { toExchangeOptions, type WayOut } from "./exchanges.ts";

/** New users are rare; those of a launch day wait for each other. */
const CONNECTIONS = 20;

export type UserinfoByIssuer = AsyncDisposable & {
  of(issuer: string, httpHosts: readonly string[]): Userinfo;
};

export function createUserinfoByIssuer(config: WayOut): UserinfoByIssuer {
  const byIssuer = new Map<string, Userinfo>();
  const connect = (origin: string) =>
    createExchange({ origin, connections: CONNECTIONS, ...toExchangeOptions(config) });

  return {
    of(issuer, httpHosts) {
      const userinfo = byIssuer.get(issuer) ?? createUserinfo({ issuer, httpHosts, connect });
      byIssuer.set(issuer, userinfo);
      return userinfo;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...byIssuer.values()].map((each) => each[Symbol.asyncDispose]()));
    },
  };
}
