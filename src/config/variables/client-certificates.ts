/** Variables of the certificates that the service shows to upstreams, such as gateways, that ask for one. */

import * as v from "../values.ts";

export const MX_CERTIFICATE = describePair("MX_CLIENT", "MX's addresses");

export const LOGIN_CERTIFICATE = describePair(
  "AUTH_CLIENT",
  "the hosts of your login",
  " These are the hosts of introspection, session check, discovery, keys and userinfo. With `TENANTS_FILE`, the pair in the environment is for introspection and session check, and each tenant has its own pair for the other hosts.",
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
      `Client certificate in PEM format, for ${hosts}: the service's own certificate first, then the intermediate certificates. The service shows it only to these hosts, and only if they ask for one.${more} Needs \`${key}\`. New connections use a new pair within 30 seconds, without a restart.`,
    ),
    [key]: ofFile(`Private key of \`${cert}\`, in PEM format, without a passphrase.`),
  } as Record<typeof cert | typeof key, ReturnType<typeof ofFile>>;
}
