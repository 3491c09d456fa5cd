/**
 * Sends one read-only request to each configured system, all at the same time, and says what is wrong.
 *
 * Nothing is created at MX, and no personal data is requested. Every request has the time limits of a session.
 */

import { type Config, listCertificates } from "../../config/load.ts";
import type { AuthConfig, TenantConfig } from "../../config/tenant.ts";
import { type Limits, toLimits } from "../../upstream/limits.ts";
import { type Asker, createAsker } from "./ask.ts";
import type { Finding, Judgement, Party, Subject } from "./finding.ts";
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
type Question = { subject: Subject; url?: URL | undefined; judgement: Promise<Judgement> };

/** One for each system, in a fixed order. Never rejects because of what a system does. */
export async function check(config: Config, options: CheckOptions = {}): Promise<Finding[]> {
  const { now = Date.now } = options;
  const limits = toLimits(config.requestDeadlineMs);
  const asker = createAsker({ ...config, limits, now });
  const questions = [
    ...config.tenants.flatMap((tenant) => askForTenant(asker, tenant, config.logins.jwt)),
    ...askLogins(asker, config.logins),
  ];
  const [upstreams, shared] = await Promise.all([
    Promise.all(questions.map(toFinding)),
    Promise.all(askShared(config, limits).map(toFinding)),
  ]);
  const isProxyDown = shared.some(({ verdict }) => verdict === "proxy_unreachable");
  return [
    ...(isProxyDown ? upstreams.map(blameProxy) : upstreams),
    ...shared,
    ...listCertificates(config).map((each) => checkCertificate(each, now())),
    ...questions.flatMap(({ subject, url }) => warnOfPlainHttp(subject, url)),
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
  const questions = takesJwts ? askIssuer(asker.showing(auth.clientCertificate), auth, tenant) : [];
  const add = (party: Party, url: URL, judgement: Promise<Judgement>) =>
    questions.push({ subject: { party, target: url.host, tenant }, url, judgement });
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

function askIssuer(asker: Asker, auth: AuthConfig, tenant: string): Question[] {
  return toKeyPlaces(auth).map((place) => ({
    subject: { party: "issuer", target: place.target, tenant },
    url: place.url,
    judgement: checkIssuer(asker, auth, place),
  }));
}

function askLogins(
  asker: Asker,
  { introspection, sessionCheck, clientCertificate }: Config["logins"],
): Question[] {
  const ofLogin = asker.showing(clientCertificate);
  const questions: Question[] = [];
  const add = (party: Party, url: URL, judgement: Promise<Judgement>) =>
    questions.push({ subject: { party, target: url.host }, url, judgement });
  if (introspection)
    add("introspection", introspection.url, checkIntrospection(ofLogin, introspection));
  if (sessionCheck)
    add("session_check", sessionCheck.url, checkSessionCheck(ofLogin, sessionCheck));
  return questions;
}

function askShared({ rateLimits: { redis }, proxy }: Config, limits: Limits): Question[] {
  const questions: Question[] = [];
  const add = (party: Party, target: string, judgement: Promise<Judgement>) =>
    questions.push({ subject: { party, target }, judgement });
  if (redis) add("redis", toRedisTarget(redis), checkRedis(redis));
  if (proxy) add("egress_proxy", toProxyTarget(proxy), checkProxy(proxy, limits));
  return questions;
}

async function toFinding({ subject, judgement }: Question): Promise<Finding> {
  return { ...subject, ...(await judgement) };
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
