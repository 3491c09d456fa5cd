/**
 * Principal -> the id and the credentials of its Member at MX. Never from the request body.
 *
 * MX recommends the id `M-` and the user id, and requires nothing but a prefix other than its own. Partners who have Members
 * already keep the ids they gave them: from a template, from a claim, or from their own lookup. Credentials are one `userkey`, or
 * `login` and `password` together.
 * Sources: MX SSO API v2, Guide, "Member create", and Create member; the characters and the length are those of MX's sibling APIs
 * (assumption A3, docs/assumptions.md).
 */

import { createHmac } from "node:crypto";
import { AppError } from "../errors.ts";
import type { Secret } from "../secret.ts";
import { isPlainText } from "../text.ts";
import type { Identity, MemberCredentials, MemberId, MemberIds, RequestContext } from "./types.ts";

/** Exactly one place of the template is `{user_id}`, so that two users never share an id. */
export type MemberIdRule =
  | { source: "template"; template: string }
  | { source: "claim"; claim: string }
  /** `member_id` in the lookup's answer, which also has the credentials. The template for an answer without one. */
  | { source: "lookup"; template: string };

export const DEFAULT_TEMPLATE = "M-{user_id}";

const PLACEHOLDER = "{user_id}";
const USABLE = /^[A-Za-z0-9_-]{1,1024}$/;
export const MX_GUID = /^MBR-/i;

/** Whether every user id gives a Member id of its own. */
export function isTemplate(text: string): boolean {
  const [before = "", after = "", ...rest] = text.split(PLACEHOLDER);
  const isComplete = text.includes(PLACEHOLDER) && rest.length === 0;
  return isComplete && /^[A-Za-z0-9_-]{0,512}$/.test(before + after) && !MX_GUID.test(text);
}

export function createMemberIds(rule: MemberIdRule): MemberIds {
  if (rule.source !== "lookup") {
    const toOwn = (identity: Identity) => toOwnId(rule, identity);
    return {
      expected: toOwn,
      resolve(identity, lookedUp) {
        const own = toOwn(identity);
        if (lookedUp == null || lookedUp === own.value) return own;
        throw unusableLookup("member_id_conflict"); // A second Member would be made of what is one.
      },
    };
  }

  let namesMembers = true; // Expected to be as in the last answer. A wrong guess costs one read.
  return {
    expected: (identity) => (namesMembers ? undefined : toOwnId(rule, identity)),
    resolve(identity, lookedUp) {
      namesMembers = lookedUp != null;
      return namesMembers ? toLookedUpId(lookedUp) : toOwnId(rule, identity);
    },
  };
}

function toOwnId(rule: MemberIdRule, { userId, principal }: Identity): MemberId {
  if (rule.source !== "claim") {
    const value = rule.template.replace(PLACEHOLDER, () => userId);
    if (isUsable(value)) return { value, isMxGuid: false, provesOwner: true };
    throw forbidden("This user's id cannot be used in MEMBER_ID_TEMPLATE.");
  }
  const value = principal.claims[rule.claim];
  if (isUsable(value)) return { value, isMxGuid: false, provesOwner: contains(value, userId) };
  throw forbidden(
    "The token is valid, but the claim with the Member's id is missing or cannot be used. The operator chose it with MEMBER_ID_CLAIM.",
  );
}

/** The partner's own endpoint names the owner. */
function toLookedUpId(value: unknown): MemberId {
  if (typeof value !== "string" || !USABLE.test(value)) throw unusableLookup("member_id");
  return { value, isMxGuid: MX_GUID.test(value), provesOwner: true };
}

function isUsable(value: unknown): value is string {
  return typeof value === "string" && USABLE.test(value) && !MX_GUID.test(value);
}

/** As a whole word: the Member `acct-12` is not that of user `1`. A user id has letters, digits, `-` and `_` only. */
function contains(memberId: string, userId: string): boolean {
  return new RegExp(`(^|[-_])${userId}([-_]|$)`).test(memberId);
}

function forbidden(message: string): AppError {
  return new AppError("forbidden", message, { reason: "unusable_member_id" });
}

export function unusableLookup(reason: "member_id" | "member_id_conflict" | "schema"): AppError {
  return new AppError(
    "upstream_bad_response",
    "The partner's credential lookup did not give a usable answer.",
    { upstream: { operation: "partner.credential_lookup", outcome: "invalid_response", reason } },
  );
}

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
