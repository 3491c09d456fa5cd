/**
 * Which hosts are reached without the forward proxy: all common forms of `NO_PROXY`, and an error for anything else.
 *
 * `host` and `.host` (with all below it), `*.host` (only below it), `*`, addresses, networks (`10.0.0.0/8`, `fd00::/8`), and
 * all of these but networks with `:port`. Items are separated by commas or blanks, and case is ignored. Names are not resolved,
 * so addresses and networks apply only to upstreams that are configured by address.
 */

import { BlockList, isIP, isIPv4 } from "node:net";

type Rule = (target: { host: string; port: number }) => boolean;

/** What is wrong with its first bad item; `undefined` if each is understood. */
export function findNoProxyProblem(noProxy: string): string | undefined {
  const at = toItems(noProxy).findIndex((item) => parseRule(item) === undefined);
  if (at < 0) return undefined;
  return `has an item that is not understood, number ${at + 1}; allowed are host, .domain, *.domain, addresses, networks such as 10.0.0.0/8, host:port and *`;
}

/** Items that are not understood match nothing. */
export function isWithoutProxy({ hostname, port, protocol }: URL, noProxy: string): boolean {
  const host = toHost(hostname);
  const target = { host, port: Number(port) || (protocol === "http:" ? 80 : 443) };
  return toItems(noProxy).some((item) => parseRule(item)?.(target));
}

function toItems(noProxy: string): string[] {
  return noProxy.split(/[\s,]+/).filter((item) => item !== "");
}

function parseRule(item: string): Rule | undefined {
  const network = /^\[?([^[\]/]+)\]?\/(\d{1,3})$/.exec(item);
  if (network) return toNetwork(network[1] ?? "", Number(network[2]));
  if (isIP(item)) return toHostRule(item, undefined);
  const [, host = "", port] = /^(\[[^\]]+\]|[^:[\]]+)(?::(\d{1,5}))?$/.exec(item) ?? [];
  const isPort = port === undefined || (Number(port) > 0 && Number(port) <= 65_535);
  return isPort ? toHostRule(host, port === undefined ? undefined : Number(port)) : undefined;
}

function toHostRule(host: string, port: number | undefined): Rule | undefined {
  const isPort = (asked: number) => port === undefined || port === asked;
  if (host === "*") return (target) => isPort(target.port);
  const [, prefix = "", given = ""] = /^(\*\.|\.)?(.+)$/.exec(host) ?? [];
  const name = toName(given);
  if (name === undefined || (prefix !== "" && isIP(name))) return undefined;
  const isBelow = (asked: string) => !isIP(name) && asked.endsWith(`.${name}`);
  return (target) =>
    isPort(target.port) && ((target.host === name && prefix !== "*.") || isBelow(target.host));
}

/** As `toHost` writes it; `undefined` for what can be no host: wildcards within, parts of addresses, paths. */
function toName(given: string): string | undefined {
  const text = isIP(given) && !isIPv4(given) ? `[${given}]` : given;
  if (!/^(\[[\da-f:.]+\]|[\p{L}\p{N}_-]+(\.[\p{L}\p{N}_-]+)*\.?)$/iu.test(text)) return undefined;
  const name = toHost(URL.parse(`https://${text}`)?.hostname ?? "");
  const isPartOfAddress = isIPv4(name) && !isIPv4(given); // `10.1` is an address to URL, and a network to people.
  return name === "" || isPartOfAddress ? undefined : name;
}

function toHost(hostname: string): string {
  return hostname
    .toLowerCase()
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "");
}

function toNetwork(address: string, bits: number): Rule | undefined {
  const version = isIP(address);
  if (version === 0 || bits > (version === 4 ? 32 : 128)) return undefined;
  const family = version === 4 ? "ipv4" : "ipv6";
  const network = new BlockList();
  network.addSubnet(address, bits, family);
  return ({ host }) => isIP(host) === version && network.check(host, family);
}
