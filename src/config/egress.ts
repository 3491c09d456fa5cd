/** Rules of the way out that no variable has by itself: plain http, and what is reached without the proxy. */

import { findNoProxyProblem } from "../upstream/no-proxy.ts";
import { findUpstreamProblem } from "../upstream/upstream-url.ts";
import type { Faults } from "./faults.ts";
import { nameOf } from "./read.ts";
import type { Environment, TenantConfig } from "./types.ts";
import { upstream } from "./url-values.ts";
import { VARIABLES, type Variables } from "./variables.ts";

/** Each URL of the partner's own systems: over plain http only on loopback, or at a host of ALLOW_HTTP_HOSTS. */
export function checkUpstreams(
  v: Variables,
  httpHosts: Variables["ALLOW_HTTP_HOSTS"],
  faults: Faults,
): void {
  for (const [name, value] of Object.entries(v)) {
    if (VARIABLES[name]?.schema !== upstream || !(value instanceof URL)) continue;
    const problem = findUpstreamProblem(value, httpHosts);
    if (problem) faults.add(name, `${problem}; or list its host in ALLOW_HTTP_HOSTS`);
  }
}

/** A proxy that is set makes what NO_PROXY means matter. */
export function checkNoProxy(v: Variables, environment: Environment, faults: Faults): void {
  const problem = v.HTTPS_PROXY && findNoProxyProblem(v.NO_PROXY);
  if (problem) faults.add(nameOf("NO_PROXY", environment), problem);
}

/** MX's keys travel with every call, so never in clear. */
export function checkMxHosts(v: Variables, tenants: readonly TenantConfig[], faults: Faults): void {
  const hosts = tenants.flatMap(({ mx }) => [
    mx.platform?.baseUrl.hostname,
    mx.sso?.baseUrl.hostname,
    mx.sso?.version === "v3" ? mx.sso.mdx.baseUrl.hostname : undefined,
  ]);
  if (v.ALLOW_HTTP_HOSTS.some((host) => hosts.includes(host.replace(/:\d+$/, ""))))
    faults.add("ALLOW_HTTP_HOSTS", "must not list a host of MX");
}
