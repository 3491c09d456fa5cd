/**
 * Asks each configured party one harmless question, all at once, and says in words what is wrong.
 *
 * Nothing is created at MX, and no personal data is asked for. Every part is bounded, so the whole takes ten seconds at most.
 */

import type { Config, TenantConfig } from "../config.ts";
import { type Asker, createAsker, type Subject } from "./ask.ts";
import { judgeClock } from "./clock.ts";
import type { Finding, Judgement } from "./finding.ts";
import { checkPlatformApi, checkSsoApi } from "./mx.ts";
import { checkIssuer, checkLookup, toIssuerTarget } from "./partner.ts";
import { checkProxy, toProxyTarget } from "./proxy.ts";
import { checkRedis, toRedisTarget } from "./redis.ts";

export type CheckOptions = {
  /** Wall clock, in milliseconds since the epoch. */
  now?: () => number;
  /** For one question to an upstream. Default: 4000. */
  timeoutMs?: number;
};

/** One per party, in a fixed order. Never rejects for what a party does. */
export async function check(config: Config, options: CheckOptions = {}): Promise<Finding[]> {
  const { now = Date.now, timeoutMs = 4000 } = options;
  const asker = createAsker({ proxy: config.proxy, timeoutMs, now });
  const { redis } = config.rateLimits;
  const [upstreams, shared] = await Promise.all([
    Promise.all(config.tenants.flatMap((tenant) => checkTenant(asker, tenant))),
    Promise.all([
      ...(redis ? [find({ party: "redis", target: toRedisTarget(redis) }, checkRedis(redis))] : []),
      ...(config.proxy
        ? [
            find(
              { party: "egress_proxy", target: toProxyTarget(config.proxy) },
              checkProxy(config.proxy),
            ),
          ]
        : []),
    ]),
  ]);
  const isProxyDown = shared.some(({ verdict }) => verdict === "proxy_unreachable");
  return [
    ...(isProxyDown ? upstreams.map(blameProxy) : upstreams),
    ...shared,
    ...judgeClock(asker.clocks),
  ];
}

/** A new kind of party goes in here. */
function checkTenant(asker: Asker, { name, auth, mx, member }: TenantConfig): Promise<Finding>[] {
  const findings = [
    find({ party: "issuer", target: toIssuerTarget(auth), tenant: name }, checkIssuer(asker, auth)),
  ];
  const platform = mx.platform && checkPlatformApi(asker, mx.platform);
  if (mx.platform && platform) {
    const target = mx.platform.baseUrl.host;
    findings.push(find({ party: "platform_api", target, tenant: name }, platform));
  }
  if (mx.sso) {
    const target = mx.sso.baseUrl.host;
    const judged = checkSsoApi(asker, mx.sso, platform);
    findings.push(find({ party: "sso_api", target, tenant: name }, judged));
  }
  if (member.source === "lookup") {
    const target = member.url.host;
    const judged = checkLookup(asker, member);
    findings.push(find({ party: "credential_lookup", target, tenant: name }, judged));
  }
  return findings;
}

async function find(subject: Subject, judged: Promise<Judgement>): Promise<Finding> {
  return { ...subject, ...(await judged) };
}

/** Behind a dead proxy an upstream looks dead itself. */
function blameProxy(finding: Finding): Finding {
  const { verdict, target } = finding;
  if (verdict !== "unreachable" && verdict !== "name_not_found") return finding;
  return {
    ...finding,
    verdict: "proxy_unreachable",
    message: `${target} was not reached, and neither was the proxy.`,
    next: "Mend HTTPS_PROXY first.",
  };
}
