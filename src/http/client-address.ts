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

/** An IP address without port, brackets, quotes and the prefix of IPv4 in IPv6; `undefined` where there is none. */
function parseAddress(text: string | undefined): string | undefined {
  const bare = text?.replace(/^[ \t]+|[ \t]+$/g, "").replace(/^"(.*)"$/, "$1") ?? "";
  const [, inBrackets, ipv4] = WITH_PORT.exec(bare) ?? [];
  if (inBrackets !== undefined && !isIPv6(inBrackets)) return undefined;
  const address = (inBrackets ?? ipv4 ?? bare).replace(/^::ffff:(?=\d+\.)/i, "");
  return isIP(address) ? address : undefined;
}

const WITH_PORT = /^(?:\[([^[\]]+)\]|([\d.]+))(?::(?:\d{1,5}|_[\w.-]+))?$/;

export function toAddressKey(address: string | undefined): string {
  const bare = (address ?? "").replace(/%.*$/, "").toLowerCase();
  return isIPv4(bare) ? bare : `${toGroups(bare).slice(0, 4).join(":")}::/64`;
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
