/**
 * Standard OpenID Connect claims -> the optional fields of a new MX User.
 *
 * A claim in a shape that MX would refuse is left out: a missing middle name must not keep anybody from an account.
 * Sources: OpenID Connect Core 1.0, section 5.1; MX SSO API v2, Create user; MX Platform API, Users (`email`).
 */

import type { Claims, Profile } from "./types.ts";

export function toProfile(claims: Claims): Profile {
  const fields: { [Field in keyof Profile]-?: Profile[Field] | undefined } = {
    firstName: toName(claims.given_name),
    lastName: toName(claims.family_name),
    email: claims.email_verified === false ? undefined : toEmail(claims.email),
    phone: toPhone(claims.phone_number),
    birthdate: toBirthdate(claims.birthdate),
    sex: toSex(claims.gender),
    zipCode: toZipCode(claims.address),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** Up to 100 characters, none of them a control character. */
function toName(claim: unknown): string | undefined {
  const name = toText(claim);
  return name && name.length <= 100 && !/\p{C}/u.test(name) ? name : undefined;
}

/** `name@domain.tld`: no empty part, no `..`, no label that starts or ends with `-`. */
function toEmail(claim: unknown): string | undefined {
  const email = toText(claim);
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

/** MX's samples have ten digits: `+1` and punctuation are taken off, numbers of other countries left out. */
function toPhone(claim: unknown): string | undefined {
  const phone = toText(claim)?.replace(/[\s().-]/g, "");
  return phone && /^(\+?1)?\d{10}$/.test(phone) ? phone.slice(-10) : undefined;
}

/** A day that exists. OpenID Connect also allows a bare year, and `0000` for one that is not told. */
function toBirthdate(claim: unknown): string | undefined {
  const date = toText(claim);
  if (!date || !/^[1-9]\d{3}-\d{2}-\d{2}$/.test(date)) return undefined;
  const parsed = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(date)
    ? date
    : undefined;
}

function toSex(claim: unknown): "MALE" | "FEMALE" | undefined {
  const gender = toText(claim)?.toLowerCase();
  if (gender === "male") return "MALE";
  return gender === "female" ? "FEMALE" : undefined;
}

/** US `nnnnn` or `nnnnn-nnnn`, Canada `ana nan`. */
function toZipCode(claim: unknown): string | undefined {
  if (typeof claim !== "object" || claim === null || !("postal_code" in claim)) return undefined;
  const postalCode = toText(claim.postal_code)?.toUpperCase() ?? "";
  if (/^\d{5}(-\d{4})?$/.test(postalCode)) return postalCode;
  const [, area, unit] = /^([A-Z]\d[A-Z]) ?(\d[A-Z]\d)$/.exec(postalCode) ?? [];
  return area && unit ? `${area} ${unit}` : undefined;
}

function toText(claim: unknown): string | undefined {
  return typeof claim === "string" && claim.isWellFormed() ? claim.trim() : undefined;
}
