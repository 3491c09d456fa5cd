/**
 * The one rule for every URL that this service calls, whether a configuration or a discovery document names it.
 *
 * https only, or plain http on loopback and at hosts that the operator lists. No credentials, no fragment, and never a link-local or
 * cloud metadata address, where the machine's own credentials are.
 * Sources: RFC 3927, RFC 4291 (link-local); RFC 4291, 6052, 3056 and 4380 (IPv4 in IPv6); the metadata addresses of AWS,
 * Google, Azure, Alibaba and Oracle.
 */

import { BlockList, isIPv4, isIPv6 } from "node:net";

/**
 * What is wrong with it, as the end of a sentence; `undefined` if it may be called. `httpHosts` are those of
 * ALLOW_HTTP_HOSTS: `keycloak` for every port, or `keycloak:8080`.
 */
export function findUpstreamProblem(
  url: URL,
  httpHosts: readonly string[] = [],
): string | undefined {
  if (url.protocol !== "https:" && !isPlainHttpAllowed(url, httpHosts)) {
    return "must be https (http only on loopback)";
  }
  if (url.username || url.password) return "must not hold credentials";
  if (url.hash) return "must not have a fragment";
  return findAddressProblem(url);
}

function isPlainHttpAllowed(url: URL, httpHosts: readonly string[]): boolean {
  return url.protocol === "http:" && (isLoopback(url.hostname) || isListed(url, httpHosts));
}

/** Whether one of ALLOW_HTTP_HOSTS is meant. */
function isListed({ hostname, port, protocol }: URL, httpHosts: readonly string[]): boolean {
  const withPort = `${hostname}:${port || (protocol === "http:" ? 80 : 443)}`;
  return httpHosts.some((host) => host === hostname || host === withPort);
}

/**
 * Whether discovery may lead from this issuer to these keys. What comes by plain http can be changed on its way, so an issuer
 * on http leads only to hosts that are listed themselves, one on https only to https.
 */
export function mayLeadTo(issuer: URL, keys: URL, httpHosts: readonly string[]): boolean {
  if (findUpstreamProblem(keys, httpHosts)) return false;
  if (issuer.protocol === "https:") return keys.protocol === "https:";
  return isLoopback(issuer.hostname) || isListed(keys, httpHosts);
}

/** For URLs that may hold credentials or have other schemes, such as those of Redis and of a proxy. */
export function findAddressProblem({ hostname }: URL): string | undefined {
  return isForbidden(toCanonical(hostname))
    ? "must not be a link-local or cloud metadata address"
    : undefined;
}

function isForbidden(host: string): boolean {
  if (isLoopback(host)) return false;
  const address = host.replace(/^\[|\]$/g, "");
  if (isIPv4(address)) return FORBIDDEN_IPV4.check(address, "ipv4");
  if (isIPv6(address)) return FORBIDDEN_IPV6.check(address, "ipv6");
  return METADATA_NAME.test(host);
}

/** Names and addresses of this machine, as `URL.hostname` writes them. */
export function isLoopback(hostname: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}

/** `0xa9fea9fe` and `METADATA` stay as they are in URLs whose scheme the URL Standard does not know, such as `redis:`. */
function toCanonical(hostname: string): string {
  return URL.parse(`https://${hostname}`)?.hostname ?? hostname.toLowerCase();
}

const METADATA_NAME = /^(metadata|instance-data)(\.|$)/;

/** One list per version: in a common one every IPv4 address would be found below `::ffff:0:0`. */
const FORBIDDEN_IPV4 = blockList("ipv4", [
  ["0.0.0.0", 8], // This host, unspecified.
  ["169.254.0.0", 16], // Link-local; metadata of AWS, Azure, Google and most others.
  ["100.100.100.200", 32], // Alibaba.
  ["168.63.129.16", 32], // Azure.
  ["192.0.0.192", 32], // Oracle.
]);
const FORBIDDEN_IPV6 = blockList("ipv6", [
  ["::", 96], // Unspecified, and IPv4-compatible addresses.
  ["::ffff:0:0", 96], // IPv4-mapped.
  ["::ffff:0:0:0", 96], // IPv4-translated.
  ["64:ff9b::", 32], // NAT64, with the local prefix 64:ff9b:1::/48.
  ["2002::", 16], // 6to4.
  ["2001::", 32], // Teredo.
  ["fe80::", 10], // Link-local.
  ["fd00:ec2::", 32], // AWS.
  ["fd20:ce::", 32], // Google.
  ["fd00:42::", 32], // Scaleway.
]);

function blockList(version: "ipv4" | "ipv6", subnets: readonly [string, number][]): BlockList {
  const list = new BlockList();
  for (const [address, bits] of subnets) list.addSubnet(address, bits, version);
  return list;
}
