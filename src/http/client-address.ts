/**
 * The caller's address, for the audit log as it is, and for the limits: IPv4 as it is, IPv6 by its /64, which is what one
 * customer of a provider has.
 *
 * Whether `X-Forwarded-For` is believed is Express's `trust proxy`, set from TRUSTED_PROXIES; by default it is not.
 */

import { isIP, isIPv4 } from "node:net";

/** `undefined` where it is none: behind a trusted proxy it is whatever stands in a header. */
export function toClientAddress(address: string | undefined): string | undefined {
  const mapped = address?.replace(/^::ffff:(?=\d+\.)/i, "");
  return mapped !== undefined && isIP(mapped) ? mapped : undefined;
}

export function toAddressKey(address: string | undefined): string {
  const bare = (address ?? "").replace(/%.*$/, "").toLowerCase();
  const mapped = bare.replace(/^::ffff:/, "");
  if (isIPv4(mapped)) return mapped;
  return `${toGroups(bare).slice(0, 4).join(":")}::/64`;
}

/** All eight groups of an IPv6 address. Source: RFC 4291, section 2.2. */
function toGroups(address: string): string[] {
  const [head = "", tail] = address.split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail ? tail.split(":") : [];
  const missing = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const groups = [...before, ...Array<string>(missing).fill("0"), ...after];
  return groups.map((group) => group.replace(/^0+(?=.)/, ""));
}
