/**
 * The caller's address: as it is for the audit log; for the limits IPv4 as it is and IPv6 by its /64, which is what one
 * customer of a provider has.
 *
 * `X-Forwarded-For` counts only as far as TRUSTED_PROXIES says; by default it does not. `Forwarded` is never read: a proxy
 * that sets the one passes the other on as the caller wrote it.
 * Source of the forms: RFC 7239, section 6.
 */

import { isIP, isIPv4, isIPv6 } from "node:net";
import type { Express, Request } from "express";

/** Sets Express's `trust proxy`, which compares addresses without ports. `trusted`: hops, or addresses and networks. */
export function trustProxies(app: Express, trusted: number | readonly string[]): void {
  app.set("trust proxy", trusted);
  const isTrusted: (address: string, hop: number) => boolean = app.get("trust proxy fn");
  app.set("trust proxy", (address: string, hop: number) =>
    isTrusted(parseAddress(address) ?? address, hop),
  );
}

/** The peer's own address where a proxy has written no address. */
export function findClientAddress(req: Request): string | undefined {
  return parseAddress(req.ip) ?? parseAddress(req.socket.remoteAddress);
}

/**
 * An IP address without port, brackets, quotes and zone, and IPv4 in IPv6 as IPv4; `undefined` where there is none. What
 * stands in a zone is no part of an address to anybody else, and could be any text.
 */
function parseAddress(text: string | undefined): string | undefined {
  const [, quoted, plain = ""] = /^[ \t]*(?:"([^"]*)"|([^" \t]*))[ \t]*$/.exec(text ?? "") ?? [];
  const bare = quoted ?? plain;
  const [, inBrackets, ipv4] = WITH_PORT.exec(bare) ?? [];
  if (inBrackets !== undefined && !isIPv6(inBrackets)) return undefined;
  const address = inBrackets ?? ipv4 ?? bare;
  if (!isIP(address)) return undefined;
  const [withoutZone = ""] = address.split("%", 1);
  return toMappedIPv4(withoutZone) ?? withoutZone;
}

const WITH_PORT = /^(?:\[([^[\]]+)\]|([\d.]+))(?::(?:\d{1,5}|_[\w.-]+))?$/;

/** `::ffff:192.0.2.1`, in all its spellings. Source: RFC 4291, section 2.5.5.2. */
function toMappedIPv4(address: string): string | undefined {
  if (!isIPv6(address)) return undefined;
  const { hostname } = new URL(`http://[${address}]`);
  const [, high, low] = /^\[::ffff:([\da-f]+):([\da-f]+)\]$/.exec(hostname) ?? [];
  if (high === undefined || low === undefined) return undefined;
  return [high, low]
    .map((group) => Number.parseInt(group, 16))
    .flatMap((bits) => [bits >> 8, bits & 255])
    .join(".");
}

export function toAddressKey(address = ""): string {
  return isIPv4(address)
    ? address
    : `${toGroups(address.toLowerCase()).slice(0, 4).join(":")}::/64`;
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
