/** Variables of the certificates that the service shows to upstreams, such as gateways, that ask for one. */

import * as v from "../values.ts";

export const MX_CERTIFICATE = describePair("MX_CLIENT", "MX's addresses");

export const LOGIN_CERTIFICATE = describePair(
  "AUTH_CLIENT",
  "the hosts of your login",
  " They are those of introspection, session check, discovery, keys and userinfo. With `TENANTS_FILE`, the pair in the environment is for introspection and session check, and each tenant has its own for the others.",
  "both",
);

export const LOOKUP_CERTIFICATE = describePair(
  "MEMBER_LOOKUP_CLIENT",
  "the host of `MEMBER_LOOKUP_URL`",
);

function describePair<const Name extends string>(
  name: Name,
  hosts: string,
  more = "",
  scope: "tenant" | "both" = "tenant",
) {
  const [cert, key] = [`${name}_CERT_FILE`, `${name}_KEY_FILE`] as const;
  const ofFile = (description: string) => ({ schema: v.path, scope, description });
  return {
    [cert]: ofFile(
      `Client certificate in PEM format, for ${hosts} if they ask for one: the service's own first, then those that lead to an authority. Other hosts never see it.${more} Needs \`${key}\`. A new pair is used within 30 seconds for new connections, without a restart.`,
    ),
    [key]: ofFile(`Private key of \`${cert}\`, in PEM format, without a passphrase.`),
  } as Record<typeof cert | typeof key, ReturnType<typeof ofFile>>;
}
