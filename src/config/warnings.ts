/** What an operator should know about a configuration that the service accepts. */

import { hasForeignListeners } from "../upstream/connection.ts";
import { type Config, listCertificates } from "./load.ts";
import { type CertificateConfig, readValidity } from "./tls.ts";

/** `message` is a sentence for people; it holds no value of the configuration. */
export type Warning = {
  name:
    | "certificate_expired"
    | "certificate_not_yet_valid"
    | "foreign_listener"
    | "no_instance_secret"
    | "several_issuers";
  message: string;
};

export function findWarnings(config: Config, isObserved = hasForeignListeners()): Warning[] {
  const { tenants, instanceSecret, auditKey, rateLimits } = config;
  const warnings: Warning[] = [];
  warnings.push(...listCertificates(config).flatMap(warnOfCertificate));
  if (isObserved) {
    warnings.push({
      name: "foreign_listener",
      message:
        "An instrumentation that does not belong to the service observes its requests to upstreams. TRACE_PROPAGATION=false has no effect on it, the service's own spans may be missing, and it records URLs, which contain user ids and the SSO API's key.",
    });
  }
  const derives = !instanceSecret && (!auditKey || rateLimits.redis);
  if (derives && tenants.length > 1) {
    warnings.push({
      name: "no_instance_secret",
      message:
        "INSTANCE_SECRET is not set. Replicas with a different list of tenants count rate limits separately and give users a different user.hash.",
    });
  }
  if (tenants.some(({ auth }) => auth.issuers.length > 1)) {
    warnings.push({
      name: "several_issuers",
      message:
        "AUTH_ISSUER lists several issuers, which the service treats as one login. Anyone who can issue tokens under one of them can impersonate the users of all the others. List only names of the same identity provider.",
    });
  }
  return warnings;
}

function warnOfCertificate({ name, pair }: CertificateConfig): Warning[] {
  const { fromMs, toMs } = readValidity(pair);
  const now = Date.now();
  if (fromMs <= now && now < toMs) return [];
  const [warning, state] =
    now < fromMs
      ? (["certificate_not_yet_valid", "is not valid yet"] as const)
      : (["certificate_expired", "has expired"] as const);
  const effect =
    name === "TLS"
      ? "clients that check it do not connect"
      : "hosts that check it refuse this service";
  return [
    {
      name: warning,
      message: `The certificate in ${name}_CERT_FILE ${state}: ${effect}. A new pair is used within 30 seconds, without a restart.`,
    },
  ];
}
