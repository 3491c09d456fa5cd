/**
 * Names a user in the log without telling who it is: the same user has the same name, and who has the key and a user's
 * issuer and subject can work it out and search for it. The purpose is part of what is hashed, so that no value is the
 * same as one that another use of the same key would make, such as the user's id at MX.
 *
 * Source: docs/decisions/0012-who-in-the-audit-log.md, with the same formula as a shell command in docs/observability.md.
 */

import { createHmac } from "node:crypto";
import type { Secret } from "../secret.ts";
import type { Principal } from "../session/types.ts";

export type ToPseudonym = (principal: Pick<Principal, "issuer" | "subject">) => string;

/** 132 bits in Base64url. */
const LENGTH = 22;

export function createPseudonym(key: Secret): ToPseudonym {
  return function toPseudonym({ issuer, subject }) {
    const hmac = createHmac("sha256", key.reveal()).update(`user.hash\0${issuer}\0${subject}`);
    return hmac.digest("base64url").slice(0, LENGTH);
  };
}
