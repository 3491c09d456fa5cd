/**
 * Keys that all replicas share: for `user.hash` in the log, and for the keys of rate limits in Redis.
 *
 * They come from INSTANCE_SECRET. Without it, they come from what stays when a key of MX is rotated, and from nothing that
 * is printed anywhere: MX's client ids, and the secrets that may never change because they name people at MX. Replicas
 * with other tenants then have other keys.
 */

import { createHmac } from "node:crypto";
import type { Config } from "../config/load.ts";
import type { TenantConfig } from "../config/tenant.ts";
import { createSecret, type Secret } from "../secret.ts";

export type KeyPurpose = "rate-limit" | "user.hash";

export function deriveKey(
  { instanceSecret, tenants }: Pick<Config, "instanceSecret" | "tenants">,
  purpose: KeyPurpose,
): Secret {
  const material = instanceSecret?.reveal() ?? JSON.stringify(tenants.map(toMaterial).sort());
  return createSecret(createHmac("sha256", material).update(purpose).digest("base64"));
}

function toMaterial({ mx, userId, member }: TenantConfig): string {
  return JSON.stringify([
    mx.platform?.clientId,
    mx.sso && (mx.sso.version === "v2" ? mx.sso.clientGuid : mx.sso.clientId),
    userId.mode === "hmac" && userId.secret.reveal(),
    member.source === "derived" && member.secret.reveal(),
  ]);
}

/** The key of the users' names in the log. */
export function toAuditKey(config: Config): Secret {
  return config.auditKey ?? deriveKey(config, "user.hash");
}
