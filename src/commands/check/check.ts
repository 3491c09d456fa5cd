/**
 * Sends one read-only request to each configured system, all at the same time, and says what is wrong.
 *
 * Nothing is created at MX, and no personal data is requested. Every request has the time limits of a session.
 */

import { listCertificates } from "../../config/tls.ts";
import type { Config, TenantConfig } from "../../config/types.ts";
import { type Limits, toLimits } from "../../upstream/limits.ts";
import { type Asker, createAsker, type Subject } from "./ask.ts";
import type { Finding, Judgement } from "./finding.ts";
import { checkCertificate, judgeClock, warnOfPlainHttp } from "./local.ts";
import { checkIntrospection, checkSessionCheck } from "./logins.ts";
import { checkMdx, checkPlatformApi, checkSsoApi, checkSsoV3 } from "./mx.ts";
import { checkIssuer, checkLookup, toIssuerQuestions, toIssuerTarget } from "./partner.ts";
import { checkProxy, checkRedis, toProxyTarget, toRedisTarget } from "./shared.ts";

export type CheckOptions = {
  /** Wall clock, in milliseconds since the epoch. */
  now?: () => number;
};

/** One for each system, in a fixed order. Never rejects because of what a system does. */
export async function check(config: Config, options: CheckOptions = {}): Promise<Finding[]> {
  const { now = Date.now } = options;
  const limits = toLimits(config.requestDeadlineMs);
  const asker = createAsker({ ...config, limits, now });
  const [upstreams, shared] = await Promise.all([
    Promise.all([
      ...config.tenants.flatMap((tenant) => checkTenant(asker, tenant, config.logins.jwt)),
      ...checkLogins(asker, config.logins),
    ]),
    Promise.all(checkShared(config, limits)),
  ]);
  const isProxyDown = shared.some(({ verdict }) => verdict === "proxy_unreachable");
  return [
    ...(isProxyDown ? upstreams.map(blameProxy) : upstreams),
    ...shared,
    ...listCertificates(config).map((each) => checkCertificate(each, now())),
    ...warnOfPlainHttp(config),
    ...judgeClock(asker.clocks),
  ];
}

function checkTenant(
  asker: Asker,
  { name: tenant, auth, mx, member, profile, lookup }: TenantConfig,
  takesJwts: boolean,
): Promise<Finding>[] {
  const findings: Promise<Finding>[] = [];
  const ofMx = asker.showing(mx.clientCertificate);
  if (takesJwts) {
    const ofLogin = asker.showing(auth.clientCertificate);
    for (const question of toIssuerQuestions(auth)) {
      const target = toIssuerTarget(question);
      findings.push(find({ party: "issuer", target, tenant }, checkIssuer(ofLogin, question)));
    }
  }
  const platform = mx.platform && checkPlatformApi(ofMx, mx.platform);
  if (mx.platform && platform) {
    const target = mx.platform.baseUrl.host;
    findings.push(find({ party: "platform_api", target, tenant }, platform));
  }
  if (mx.sso?.version === "v2") {
    const target = mx.sso.baseUrl.host;
    const judged = checkSsoApi(ofMx, mx.sso, platform);
    findings.push(find({ party: "sso_api", target, tenant }, judged));
  }
  if (mx.sso?.version === "v3") {
    const { baseUrl, mdx } = mx.sso;
    if (!mx.platform) {
      const judged = checkSsoV3(ofMx, mx.sso);
      findings.push(find({ party: "sso_api", target: baseUrl.host, tenant }, judged));
    }
    const judged = checkMdx(ofMx, mx.sso);
    findings.push(find({ party: "mdx", target: mdx.baseUrl.host, tenant }, judged));
  }
  const isLookedUp = member.source === "lookup" || profile.source === "lookup";
  if (lookup && isLookedUp) {
    const target = lookup.url.host;
    findings.push(
      find(
        { party: "credential_lookup", target, tenant },
        checkLookup(asker.showing(lookup.clientCertificate), lookup, {
          givesCredentials: member.source === "lookup",
        }),
      ),
    );
  }
  return findings;
}

function checkLogins(
  asker: Asker,
  { introspection, sessionCheck, clientCertificate }: Config["logins"],
): Promise<Finding>[] {
  const ofLogin = asker.showing(clientCertificate);
  const findings: Promise<Finding>[] = [];
  if (introspection) {
    const target = introspection.url.host;
    const judged = checkIntrospection(ofLogin, introspection);
    findings.push(find({ party: "introspection", target }, judged));
  }
  if (sessionCheck) {
    const target = sessionCheck.url.host;
    findings.push(
      find({ party: "session_check", target }, checkSessionCheck(ofLogin, sessionCheck)),
    );
  }
  return findings;
}

function checkShared({ rateLimits: { redis }, proxy }: Config, limits: Limits): Promise<Finding>[] {
  const findings: Promise<Finding>[] = [];
  if (redis)
    findings.push(find({ party: "redis", target: toRedisTarget(redis) }, checkRedis(redis)));
  if (proxy) {
    findings.push(
      find({ party: "egress_proxy", target: toProxyTarget(proxy) }, checkProxy(proxy, limits)),
    );
  }
  return findings;
}

async function find(subject: Subject, judged: Promise<Judgement>): Promise<Finding> {
  return { ...subject, ...(await judged) };
}

/** If the proxy is down, upstreams behind it look down too. */
function blameProxy(finding: Finding): Finding {
  const { verdict, target } = finding;
  if (verdict !== "unreachable" && verdict !== "name_not_found") return finding;
  return {
    ...finding,
    verdict: "proxy_unreachable",
    message: `${target} was not reached, because the proxy was not reached.`,
    next: "Fix HTTPS_PROXY first.",
  };
}
