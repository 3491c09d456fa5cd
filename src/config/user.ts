/** One tenant's variables -> what MX learns about its users: their profile, and the ids of their Members. */

import { DEFAULT_TEMPLATE, type MemberIdRule } from "../session/member.ts";
import { findUpstreamProblem } from "../upstream/upstream-url.ts";
import type { Faults } from "./faults.ts";
import type { LookupConfig, ProfileConfig, SsoConfig } from "./types.ts";
import type { Variables } from "./variables.ts";

/** Of what a request may take at most. */
const MAX_PROFILE_MS = 2000;

export function toProfile(
  v: Variables,
  lookup: LookupConfig | undefined,
  faults: Faults,
): ProfileConfig {
  if (v.PROFILE_SOURCE === "userinfo") checkUserinfo(v, faults);
  if (v.PROFILE_SOURCE === "lookup" && !lookup && !faults.has("MEMBER_LOOKUP_"))
    faults.add("PROFILE_SOURCE", "lookup needs MEMBER_LOOKUP_URL and MEMBER_LOOKUP_TOKEN");
  return {
    rule: { fields: v.PROFILE_FIELDS, claims: v.PROFILE_CLAIMS },
    source: v.PROFILE_SOURCE,
    httpHosts: v.ALLOW_HTTP_HOSTS,
    timeoutMs: Math.min(MAX_PROFILE_MS, Math.floor(v.REQUEST_DEADLINE / 3)),
  };
}

/** The endpoint is found by discovery, wherever the keys come from. */
function checkUserinfo(v: Variables, faults: Faults): void {
  const [issuer = ""] = v.AUTH_ISSUER ?? [];
  const problem = URL.canParse(issuer)
    ? findUpstreamProblem(new URL(issuer), v.ALLOW_HTTP_HOSTS)
    : "must be an https URL";
  if (problem && !faults.has("AUTH_ISSUER"))
    faults.add("PROFILE_SOURCE", `userinfo needs an issuer with discovery: AUTH_ISSUER ${problem}`);
  if (!v.AUTH_JWT && !v.AUTH_INTROSPECTION_URL)
    faults.add(
      "PROFILE_SOURCE",
      "userinfo needs the user's access token, but no configured login has one: leave it out, or configure JWTs or introspection",
    );
}

export function toMemberIds(
  v: Variables,
  sso: SsoConfig | undefined,
  faults: Faults,
): MemberIdRule {
  const { MEMBER_ID_TEMPLATE: template, MEMBER_ID_CLAIM: claim } = v;
  const isOwnTemplate = template !== DEFAULT_TEMPLATE;
  if (claim && isOwnTemplate)
    faults.add("MEMBER_ID_CLAIM", "and MEMBER_ID_TEMPLATE cannot be set together");
  for (const [name, isSet] of [
    ["MEMBER_ID_TEMPLATE", isOwnTemplate],
    ["MEMBER_ID_CLAIM", claim],
  ] as const)
    if (isSet && !sso && !faults.has("MX_SSO_"))
      faults.add(name, "has no effect without the SSO API, because only the SSO API has Members");
  if (claim) return { source: "claim", claim };
  return { source: v.MEMBER_CREDENTIALS === "lookup" ? "lookup" : "template", template };
}

/** The partner's own endpoint, for whatever it is asked. */
export function toLookup(v: Variables): LookupConfig | undefined {
  const { MEMBER_LOOKUP_URL: url, MEMBER_LOOKUP_TOKEN: token } = v;
  return url && token && { url, token };
}
