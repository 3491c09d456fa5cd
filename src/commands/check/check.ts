/**
 * Sends one read-only request to each configured system, all at the same time, and says what is wrong.
 *
 * Nothing is created at MX, and no personal data is requested. Every request has the time limits of a session.
 */

import { type Config, listCertificates } from "../../config/load.ts";
import type { TenantConfig } from "../../config/tenant.ts";
import { toLimits } from "../../upstream/limits.ts";
import { type Asker, createAsker } from "./ask.ts";
import { type Finding, type Judgement, type Party, type Place, toTarget } from "./finding.ts";
import { checkCertificate, judgeClock, warnOfPlainHttp } from "./local.ts";
import { checkIntrospection, checkSessionCheck } from "./logins.ts";
import { checkMdx, checkPlatformApi, checkSsoApi, checkSsoV3 } from "./mx.ts";
import { checkIssuer, checkLookup, toKeyPlaces } from "./partner.ts";
import { checkProxy, checkRedis, toProxyTarget, toRedisTarget } from "./shared.ts";

export type CheckOptions = {
  /** Wall clock, in milliseconds since the epoch. */
  now?: () => number;
};

/** A system that is being asked. */
type Question = { party: Party; place: Place; tenant?: string; judgement: Promise<Judgement> };

/** One for each system, in a fixed order. Never rejects because of what a system does. */
export async function check(config: Config, options: CheckOptions = {}): Promise<Finding[]> {
  const { now = Date.now } = options;
  const limits = toLimits(config.requestDeadlineMs);
  const asker = createAsker({ ...config, limits, now });
  const questions = [
    ...config.tenants.flatMap((tenant) => askForTenant(asker, tenant, config.logins.jwt)),
    ...askShared(asker, config),
  ];
  const findings = await Promise.all(questions.map(toFinding));
  const isProxyDown = findings.some(({ verdict }) => verdict === "proxy_unreachable");
  return [
    ...(isProxyDown ? findings.map(blameProxy) : findings),
    ...listCertificates(config).map((each) => checkCertificate(each, now())),
    ...questions.flatMap(warnOfPlainHttp),
    ...judgeClock(asker.clocks),
  ];
}

function askForTenant(
  asker: Asker,
  { name: tenant, auth, mx, member, profile, lookup }: TenantConfig,
  takesJwts: boolean,
): Question[] {
  const { platform, sso } = mx;
  const ofMx = asker.showing(mx.clientCertificate);
  const ofIssuer = asker.showing(auth.clientCertificate);
  const questions: Question[] = [];
  const add = (party: Party, place: Place, judgement: Promise<Judgement>) =>
    questions.push({ party, place, tenant, judgement });
  for (const { issuer, place } of takesJwts ? toKeyPlaces(auth) : [])
    add("issuer", place, checkIssuer(ofIssuer, auth, { issuer, place }));
  const ofPlatform = platform && checkPlatformApi(ofMx, platform);
  if (platform && ofPlatform) add("platform_api", platform.baseUrl, ofPlatform);
  if (sso?.version === "v2") add("sso_api", sso.baseUrl, checkSsoApi(ofMx, sso, ofPlatform));
  if (sso?.version === "v3") {
    if (!platform) add("sso_api", sso.baseUrl, checkSsoV3(ofMx, sso));
    add("mdx", sso.mdx.baseUrl, checkMdx(ofMx, sso));
  }
  const givesCredentials = member.source === "lookup";
  if (lookup && (givesCredentials || profile.source === "lookup")) {
    const ofLookup = asker.showing(lookup.clientCertificate);
    add("credential_lookup", lookup.url, checkLookup(ofLookup, lookup, { givesCredentials }));
  }
  return questions;
}

/** What all tenants share. */
function askShared(asker: Asker, { logins, rateLimits: { redis }, proxy }: Config): Question[] {
  const { introspection, sessionCheck } = logins;
  const ofLogin = asker.showing(logins.clientCertificate);
  const questions: Question[] = [];
  const add = (party: Party, place: Place, judgement: Promise<Judgement>) =>
    questions.push({ party, place, judgement });
  if (introspection)
    add("introspection", introspection.url, checkIntrospection(ofLogin, introspection));
  if (sessionCheck)
    add("session_check", sessionCheck.url, checkSessionCheck(ofLogin, sessionCheck));
  if (redis) add("redis", toRedisTarget(redis), checkRedis(redis));
  if (proxy) add("egress_proxy", toProxyTarget(proxy), checkProxy(proxy, asker.limits));
  return questions;
}

async function toFinding({ party, place, tenant, judgement }: Question): Promise<Finding> {
  return { party, target: toTarget(place), tenant, ...(await judgement) };
}

/** If the proxy is down, upstreams behind it look down too. No proxy leads to Redis. */
function blameProxy(finding: Finding): Finding {
  const { party, verdict, target } = finding;
  const isDown = verdict === "unreachable" || verdict === "name_not_found";
  if (!isDown || party === "redis") return finding;
  return {
    ...finding,
    verdict: "proxy_unreachable",
    message: `${target} was not reached, because the proxy was not reached.`,
    next: "Fix HTTPS_PROXY first.",
  };
}
