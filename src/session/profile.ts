/**
 * What is known about a person -> the optional fields of a new MX User, by MX's names for them.
 *
 * A value that MX would refuse is left out: a malformed phone number must not keep anyone from an account. That all
 * eight fields may be sent at a create is assumption A1 for the SSO API v2 and assumption A24 for MDX (docs/assumptions.md).
 * Sources: MX SSO API v2, Create user and Guide; MX Platform API, Users (`email`, `metadata`); OpenID Connect Core 1.0,
 * section 5.1.
 */

import { isObject, ownProperty } from "../text.ts";
import { MIN_CALL_MS, timeIsUp } from "./budget.ts";
import { unusableLookup } from "./member.ts";
import type { Claims, Identity, LookedUp, Principal, Profile, RequestContext } from "./types.ts";

/**
 * The eight optional fields of MX's guide: the standard claim of each, and what of its value MX takes. OpenID Connect has no claim
 * for a credit score.
 */
const FIELDS = {
  first_name: { claim: "given_name", parse: parseName },
  last_name: { claim: "family_name", parse: parseName },
  email: { claim: "email", parse: parseEmail },
  phone: { claim: "phone_number", parse: parsePhone },
  birthdate: { claim: "birthdate", parse: parseBirthdate },
  sex: { claim: "gender", parse: parseSex },
  credit_score: { claim: undefined, parse: parseCreditScore },
  zip_code: { claim: "address.postal_code", parse: parseZipCode },
};

export type ProfileField = keyof typeof FIELDS;

export const PROFILE_FIELDS = Object.keys(FIELDS) as readonly ProfileField[];

export type ProfileRule = {
  /** What may be sent to MX. `metadata` is the Platform API's text; it holds the names that are listed too. */
  fields: readonly (ProfileField | "metadata")[];
  /** The claim of a field, in place of the standard one. */
  claims: Readonly<Partial<Record<ProfileField, string>>>;
};

/** Where the profile is, if not in the claims of the login. Reads reject where there is no usable answer in time. */
export type ProfileSource =
  | { kind: "claims" }
  /** Port to the issuer; `undefined`: this login has no token to ask with, its own claims are the answer. */
  | { kind: "userinfo"; read(principal: Principal, timeoutMs: number): Promise<Claims | undefined> }
  /** Port to the partner's endpoint: an object with MX's names; `undefined` where the answer has none. */
  | { kind: "lookup"; read(identity: Identity, timeoutMs: number): Promise<unknown> };

export type ProfileOptions = { rule: ProfileRule; source: ProfileSource; timeoutMs: number };

/**
 * The profile of a user who is about to be created. `lookedUp` is what the lookup has answered already, if it was called. A source
 * that fails is reported and never fatal: the claims of the login are used.
 */
export async function findProfile(
  { rule, source, timeoutMs }: ProfileOptions,
  identity: Identity,
  lookedUp: LookedUp | undefined,
  context: RequestContext,
): Promise<Profile> {
  const { principal } = identity;
  const own = () => claimsToProfile(rule, principal.claims);
  const waitMs = () => {
    const leftMs = context.budget.remainingMs() - MIN_CALL_MS; // The create needs its own.
    if (leftMs < MIN_CALL_MS) throw timeIsUp();
    return Math.min(timeoutMs, leftMs);
  };
  if (source.kind === "claims" || rule.fields.length === 0) return own();
  try {
    if (source.kind === "userinfo") {
      const claims = await source.read(principal, waitMs());
      return claims ? claimsToProfile(rule, claims) : own();
    }
    const fields = lookedUp ? lookedUp.profile : await source.read(identity, waitMs());
    if (fields === undefined) return own();
    if (!isObject(fields)) throw unusableLookup("schema");
    return fieldsToProfile(rule, fields);
  } catch (error) {
    context.profileFailed(error);
    return own();
  }
}

/** From the claims of a token, an introspection, a session check or a userinfo answer. */
export function claimsToProfile(rule: ProfileRule, claims: Claims): Profile {
  const isUnverified = claims.email_verified === false;
  return toProfile(rule, (field) => {
    const name = rule.claims[field] ?? FIELDS[field].claim;
    if (name === undefined || (name === "email" && isUnverified)) return undefined;
    return findClaim(claims, name);
  });
}

/** From an object with MX's own names. */
export function fieldsToProfile(rule: ProfileRule, fields: unknown): Profile {
  return toProfile(rule, (field) => ownProperty(fields, field));
}

function toProfile({ fields }: ProfileRule, read: (field: ProfileField) => unknown): Profile {
  const values = PROFILE_FIELDS.filter((field) => fields.includes(field))
    .map((field) => [field, FIELDS[field].parse(read(field))] as const)
    .filter(([, value]) => value !== undefined);
  const profile: Profile = Object.fromEntries(values);
  const { first_name, last_name } = profile;
  if (!fields.includes("metadata") || !(first_name || last_name)) return profile;
  // MX's own example holds the name; anything more sensitive does not belong there.
  return { ...profile, metadata: JSON.stringify({ first_name, last_name }) };
}

/** A claim of exactly this name, such as `https://bank.example/fico`; else its dots are a path. */
function findClaim(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  return name.split(".").reduce<unknown>(ownProperty, claims);
}

/** Up to 100 characters, none of them a control character. */
function parseName(value: unknown): string | undefined {
  const name = parseText(value);
  return name && name.length <= 100 && !/\p{C}/u.test(name) ? name : undefined;
}

/** `name@domain.tld`: no empty part, no `..`, no label that starts or ends with `-`. */
function parseEmail(value: unknown): string | undefined {
  const email = parseText(value);
  if (!email || email.length > 254) return undefined;
  const [local = "", domain = "", ...rest] = email.split("@");
  const labels = domain.split(".");
  const isLocal =
    /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}$/.test(local) && !/^\.|\.\.|\.$/.test(local);
  const isDomain =
    labels.length > 1 &&
    labels.every((label) => /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(label));
  return rest.length === 0 && isLocal && isDomain ? email : undefined;
}

/** MX's samples have ten digits: `+1` and punctuation are removed, numbers of other countries left out. */
function parsePhone(value: unknown): string | undefined {
  const phone = parseText(value)?.replace(/[\s().-]/g, "");
  return phone && /^(\+?1)?\d{10}$/.test(phone) ? phone.slice(-10) : undefined;
}

/** A day that exists. OpenID Connect also allows a bare year, and `0000` for one that is not disclosed. */
function parseBirthdate(value: unknown): string | undefined {
  const date = parseText(value);
  if (!date || !/^[1-9]\d{3}-\d{2}-\d{2}$/.test(date)) return undefined;
  const parsed = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(date)
    ? date
    : undefined;
}

function parseSex(value: unknown): "MALE" | "FEMALE" | undefined {
  const sex = parseText(value)?.toLowerCase();
  if (sex === "male" || sex === "m") return "MALE";
  return sex === "female" || sex === "f" ? "FEMALE" : undefined;
}

/** MX documents an integer and no range. Credit scores of the US and Canada have three digits. */
function parseCreditScore(value: unknown): number | undefined {
  const digits = typeof value === "number" ? String(value) : parseText(value);
  return digits && /^[1-9]\d{2}$/.test(digits) ? Number(digits) : undefined;
}

/** US `nnnnn` or `nnnnn-nnnn`, Canada `ana nan`. */
function parseZipCode(value: unknown): string | undefined {
  const postalCode = parseText(value)?.toUpperCase() ?? "";
  if (/^\d{5}(-\d{4})?$/.test(postalCode)) return postalCode;
  const [, area, unit] = /^([A-Z]\d[A-Z]) ?(\d[A-Z]\d)$/.exec(postalCode) ?? [];
  return area && unit ? `${area} ${unit}` : undefined;
}

function parseText(value: unknown): string | undefined {
  return typeof value === "string" && value.isWellFormed() ? value.trim() : undefined;
}
