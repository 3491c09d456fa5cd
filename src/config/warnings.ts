/** What an operator should know about a configuration with which the service runs nevertheless. */

import { hasForeignListeners } from "../upstream/connection.ts";
import { readValidity } from "./tls.ts";
import type { Config } from "./types.ts";

/** `message` is a sentence for people; it holds no value of the configuration. */
export type Warning = {
  name: "certificate_expired" | "foreign_listener" | "no_instance_secret" | "several_issuers";
  message: string;
};

export function findWarnings(config: Config, isObserved = hasForeignListeners()): Warning[] {
  const { tenants, instanceSecret, auditKey, rateLimits } = config;
  const warnings: Warning[] = [];
  if (config.tls && readValidity(config.tls.pair).toMs <= Date.now()) {
    warnings.push({
      name: "certificate_expired",
      message:
        "The certificate in TLS_CERT_FILE has expired: clients that check it do not connect. A new pair is used within 30 seconds, without a restart.",
    });
  }
  if (isObserved) {
    warnings.push({
      name: "foreign_listener",
      message:
        "An instrumentation that is not the service's own listens to requests to upstreams. TRACE_PROPAGATION=false is not enforced, the service's own spans may be missing, and the instrumentation records URLs, with ids of users and the SSO API's key in them.",
    });
  }
  const derives = !instanceSecret && (!auditKey || rateLimits.redis);
  if (derives && tenants.length > 1) {
    warnings.push({
      name: "no_instance_secret",
      message:
        "INSTANCE_SECRET is not set. Replicas with another list of tenants count rate limits apart and give users another user.hash.",
    });
  }
  if (tenants.some(({ auth }) => auth.issuers.length > 1)) {
    warnings.push({
      name: "several_issuers",
      message:
        "AUTH_ISSUER lists several issuers, which are one login under several names: each of them can name any user of the others. List only names of one and the same identity provider.",
    });
  }
  return warnings;
}
