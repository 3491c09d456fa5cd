/**
 * Principal -> the credentials of its Member. Never from the request body.
 *
 * Source: MX SSO API v2, Create member (one `userkey`, or `login` and `password` together).
 */

import { createHmac } from "node:crypto";
import { AppError } from "../errors.ts";
import type { Secret } from "../secret.ts";
import { isPlainText } from "../text.ts";
import type { Identity, MemberCredentials, RequestContext } from "./types.ts";

export type CredentialRule =
  /** Platform API only: there is no Member to make. */
  | { source: "none" }
  /** A userkey in a verified claim. */
  | { source: "claim"; claim: string; expires: boolean }
  /** base64url(HMAC-SHA256(secret, user id)); permanent. */
  | { source: "derived"; secret: Secret }
  /** The partner's own endpoint knows them. */
  | { source: "lookup"; lookup: CredentialLookup };

/** Port to the partner's endpoint. Throws `forbidden`, `upstream_unavailable`, `upstream_timeout`, `upstream_bad_response`. */
export type CredentialLookup = (
  identity: Identity,
  context: RequestContext,
) => Promise<MemberCredentials>;

/** A promise only for the lookup, which may reject; throws `forbidden` where the claim is missing. */
export function findCredentials(
  rule: CredentialRule,
  identity: Identity,
  context: RequestContext,
): MemberCredentials | Promise<MemberCredentials> {
  switch (rule.source) {
    case "none":
      return { fields: [], expires: false };
    case "claim":
      return toUserkey(claimedUserkey(rule.claim, identity), rule.expires);
    case "derived":
      return toUserkey(derivedUserkey(rule.secret, identity.userId), false);
    case "lookup":
      return rule.lookup(identity, context);
  }
}

export function toUserkey(userkey: string, expires: boolean): MemberCredentials {
  return { fields: [{ name: "userkey", response: userkey }], expires };
}

const MAX_LENGTH = 4096;

/** What MX can take as a userkey, login or password. */
export function isCredential(value: unknown): value is string {
  return (
    typeof value === "string" && value !== "" && value.length <= MAX_LENGTH && isPlainText(value)
  );
}

function claimedUserkey(claim: string, identity: Identity): string {
  const value = identity.principal.claims[claim];
  if (isCredential(value)) return value;
  throw new AppError(
    "forbidden",
    "The token is valid, but the claim with the Member's userkey is missing or cannot be used. The operator chose it with MEMBER_USERKEY_CLAIM.",
  );
}

function derivedUserkey(secret: Secret, userId: string): string {
  return createHmac("sha256", secret.reveal()).update(userId).digest("base64url");
}
