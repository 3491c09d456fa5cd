/** REDIS_URL -> an address: one server, several nodes or sentinels, or a socket. */

import { createSecret } from "../secret.ts";
import type { RedisSettings } from "../session/settings.ts";
import { decodePercent } from "../text.ts";
import { findAddressProblem } from "../upstream/upstream-url.ts";

type Address = Omit<RedisSettings, "mode" | "sentinelMaster" | "timeoutMs">;

/** Gives an address, or what is wrong, as the end of a sentence without values. */
export function parseRedisUrl(text: string): Address | string {
  const urls = splitUrls(text).map((item) => (URL.canParse(item) ? new URL(item) : undefined));
  const [first] = urls;
  const nodes = urls.flatMap((url) => url ?? []);
  if (!first || nodes.length < urls.length || !nodes.every(isRedis)) return FORMS;
  if (nodes.some(findAddressProblem)) return "must not be a link-local or cloud metadata address";
  if (nodes.some((url) => toCommon(url) !== toCommon(first)))
    return "must have the same scheme, user, password and database in all of its URLs";
  const isSocket = first.protocol === "unix:";
  if (isSocket && nodes.length > 1) return "must name one socket only";
  const database = isSocket ? (first.searchParams.get("db") ?? "") : first.pathname.slice(1);
  if (!/^(\d{1,5})?$/.test(database) || first.hash || (!isSocket && first.search)) return FORMS;
  return {
    nodes: isSocket ? [] : nodes.map(({ hostname, port }) => toNode(hostname, port)),
    socket: isSocket ? decodePercent(first.pathname) : undefined,
    isTls: first.protocol === "rediss:",
    username: decodePercent(first.username) || undefined,
    password: first.password === "" ? undefined : createSecret(decodePercent(first.password)),
    database: Number(database),
  };
}

const FORMS =
  "must be redis://user:password@host:6379, rediss:// for TLS, or unix:///run/redis.sock (unix://:password@localhost/run/redis.sock with a password); several are separated by commas, user and password percent-encoded";

/** Only the first needs a scheme: `redis://:password@a:6379,b:6379`. */
function splitUrls(text: string): string[] {
  const [first = "", ...others] = text.split(",").map((item) => item.trim());
  const [prefix = ""] = /^\w+:\/\/(?:[^/]*@)?/.exec(first) ?? [];
  const [suffix = ""] = /(?<=^\w+:\/\/[^/]*)\/.*$/.exec(first) ?? [];
  return [
    first,
    ...others.map((item) => (item.includes("://") ? item : `${prefix}${item}${suffix}`)),
  ];
}

function isRedis({ protocol, hostname, pathname }: URL): boolean {
  if (protocol === "unix:")
    return (
      (hostname === "" || hostname === "localhost") && /^\/\P{Cc}*$/u.test(decodePercent(pathname))
    );
  return (protocol === "redis:" || protocol === "rediss:") && hostname !== "";
}

/** Everything but the host: ioredis has one login for all nodes. */
function toCommon({ protocol, username, password, pathname, search }: URL): string {
  const database = pathname.replace(/^\/$/, "");
  return JSON.stringify([protocol, username, password, database, search]);
}

function toNode(hostname: string, port: string) {
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 6379) };
}
