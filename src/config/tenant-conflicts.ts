/**
 * What is wrong between tenants, each of which is fine by itself: one's token must never open another's users.
 *
 * Source: docs/decisions/0007-tenants.md.
 */

import type { Faults } from "./faults.ts";
import type { SsoConfig } from "./mx.ts";
import type { AuthConfig, MxConfig, TenantConfig } from "./tenant.ts";
import { identify } from "./tls.ts";

/** `label` is its name in faults: `tenants[1] (b)`. */
export type LabelledTenant = { label: string; tenant: TenantConfig };

export function reportConflicts(all: readonly LabelledTenant[], faults: Faults): void {
  for (const group of groupsBy(all, ({ tenant }) => [...tenant.auth.issuers])) {
    if (group.every(({ tenant }) => isSameLogin(tenant.auth, group[0]?.tenant.auth)))
      reportSharedIssuer(group, faults);
    else reportPartlySharedIssuers(group, faults);
  }
  for (const group of groupsBy(all, ({ tenant }) => toClients(tenant.mx))) {
    reportSharedClient(group, faults);
  }
}

/** Groups of two and more. */
function groupsBy(
  all: readonly LabelledTenant[],
  toKeys: (one: LabelledTenant) => string[],
): LabelledTenant[][] {
  const keyed = all.flatMap((one) => toKeys(one).map((key) => ({ key, one })));
  return [...Map.groupBy(keyed, ({ key }) => key).values()]
    .filter((group) => group.length > 1)
    .map((group) => group.map(({ one }) => one));
}

function isSameLogin(one: AuthConfig, other: AuthConfig | undefined): boolean {
  return one.issuers.join() === other?.issuers.join();
}

/** A listed issuer can name any user of the others, so it must not also belong to another tenant. */
function reportPartlySharedIssuers([first, ...others]: LabelledTenant[], faults: Faults): void {
  for (const { label, tenant } of others) {
    if (!isSameLogin(tenant.auth, first?.tenant.auth))
      faults.add(
        `${label}: AUTH_ISSUER`,
        `must be the same list as in ${first?.label}, in the same order, or have no issuer in common with it`,
      );
  }
}

/** The issuer's keys are tried before the tenant is known, so they are the same for all of its tenants. */
function reportSharedIssuer(group: LabelledTenant[], faults: Faults): void {
  const [first, second] = group;
  const decider = group.find(({ tenant }) => tenant.claim);
  const labels = new Map<string | number, string>();
  for (const one of group) {
    const { label, tenant } = one;
    const { claim, auth } = tenant;
    if (!claim) {
      const other = one === first ? second : first;
      faults.add(`${label}: claim`, `is missing: ${other?.label} has the same AUTH_ISSUER`);
    } else if (claim.name !== decider?.tenant.claim?.name) {
      faults.add(
        `${label}: claim`,
        `must have the same name as in ${decider?.label}: one claim decides`,
      );
    } else if (labels.has(claim.value)) {
      faults.add(`${label}: claim`, `has the same value as in ${labels.get(claim.value)}`);
    } else {
      labels.set(claim.value, label);
    }
    const difference = first && findDifference(first.tenant.auth, auth);
    if (difference) {
      faults.add(
        `${label}: ${difference}`,
        `must be equal to that of ${first.label}: it belongs to the issuer`,
      );
    }
  }
}

function findDifference(one: AuthConfig, other: AuthConfig): string | undefined {
  if (JSON.stringify(one.keys) !== JSON.stringify(other.keys)) {
    return other.keys.kind === "file" ? "AUTH_JWKS_FILE" : "AUTH_JWKS_URL";
  }
  if (one.algorithms.toSorted().join() !== other.algorithms.toSorted().join()) {
    return "AUTH_ALGORITHMS";
  }
  if (filesOf(one) !== filesOf(other)) return "AUTH_CLIENT_CERT_FILE";
  return one.tokenType === other.tokenType ? undefined : "AUTH_TOKEN_TYPE";
}

function filesOf({ clientCertificate }: AuthConfig): string | undefined {
  return clientCertificate && identify(clientCertificate);
}

/** As MX knows them; the two APIs name a client differently. */
function toClients({ platform, sso }: MxConfig): string[] {
  return [
    ...(platform ? [`platform ${platform.baseUrl.origin} ${platform.clientId}`] : []),
    ...(sso ? [`sso ${sso.baseUrl.origin} ${toClient(sso)}`] : []),
  ];
}

function toClient(sso: SsoConfig): string {
  return (sso.version === "v2" ? sso.clientGuid : sso.clientId).toLowerCase();
}

/**
 * The ids of two tenants may meet in one MX user only where that is the same person: same issuer, same secret, `sub`,
 * which an issuer never gives to two people (OpenID Connect Core 1.0, section 2).
 */
function reportSharedClient(group: LabelledTenant[], faults: Faults): void {
  const [first, second] = group;
  const hashed = new Map<string, LabelledTenant>();
  for (const one of group) {
    const { userId, auth } = one.tenant;
    if (userId.mode === "claim") {
      const other = one === first ? second : first;
      faults.add(
        `${one.label}: USER_ID_MODE`,
        `must be hmac: ${other?.label} has the same MX client, and equal claims would be one MX user`,
      );
      continue;
    }
    const key = `${auth.issuers[0]} ${userId.secret.reveal()}`;
    const other = hashed.get(key);
    hashed.set(key, other ?? one);
    const isSamePerson = userId.claim === "sub" && other?.tenant.userId.claim === "sub";
    if (other && !isSamePerson) {
      faults.add(
        `${one.label}: USER_ID_SECRET`,
        `must differ from that of ${other.label}, which has the same issuer and MX client; or USER_ID_CLAIM must be sub in both`,
      );
    }
  }
}
