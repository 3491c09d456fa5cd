/**
 * Requests that Node's parser lets through, but that a proxy in front may read differently.
 *
 * Sources: RFC 9112, sections 3.2 (request target forms; exactly one valid Host), 6.1 (Transfer-Encoding) and 11.2
 * (request smuggling); RFC 9110, section 5.3 (fields that may come once).
 */

import type { IncomingMessage } from "node:http";
import type { NextFunction, Request, Response } from "express";
import { AppError } from "../errors.ts";

/** Node's own limit is off (server.ts): beyond it, Node 24.12 drops headers without a word and serves the request. */
const MAX_HEADERS = 64;

/** Refuses, and closes the connection, because it is unclear where the next request on it begins. */
export function rejectAmbiguousRequest(req: Request, res: Response, next: NextFunction): void {
  if (req.rawHeaders.length > 2 * MAX_HEADERS) {
    res.status(431).set("Connection", "close").end(); // As Node answers headers that are too large.
    return;
  }
  const fault = findFault(req);
  if (fault) {
    res.set("Connection", "close");
    throw new AppError("invalid_request", fault);
  }
  next();
}

/** Of two such headers, one program uses the first and another the last. */
const SINGLE_FIELDS = new Set([
  "host",
  "authorization",
  "content-type",
  "origin",
  "sec-fetch-site",
  "x-csrf",
]);

/** Names, addresses and ports; neither user names nor paths. Source: RFC 3986, section 3.2.2. */
const HOST = /^(\[[\da-f:.]+\]|[\w.~!$&'()*+,;=%-]+)(:\d*)?$/i;

function findFault(req: IncomingMessage): string | undefined {
  const { httpVersion, headers, rawHeaders } = req;
  if (httpVersion !== "1.1" && httpVersion !== "1.0") return "The request must be HTTP/1.1.";
  const repeated = findRepeated(rawHeaders);
  if (repeated) return `The request must have one ${repeated} header.`;
  const { host, "transfer-encoding": encoding } = headers;
  if (host !== undefined && !HOST.test(host)) return "The Host header must name a host.";
  if (encoding === undefined) return undefined;
  return httpVersion === "1.1" && encoding.toLowerCase() === "chunked"
    ? undefined
    : "The only Transfer-Encoding is chunked, in HTTP/1.1.";
}

function findRepeated(rawHeaders: readonly string[]): string | undefined {
  const seen: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? "";
    if (!SINGLE_FIELDS.has(name)) continue;
    if (seen.includes(name)) return name;
    seen.push(name);
  }
  return undefined;
}

/**
 * Express answers a target without a path by itself, in HTML. So each target becomes a path: of an absolute one its own,
 * whatever host it names; of anything else, fragments included (`//a#b@c` has no path for Express), one that does not exist.
 */
export function toPathTarget(req: IncomingMessage): void {
  const { url = "" } = req;
  if (url.startsWith("/") && !url.includes("#")) return;
  const target = /^https?:/i.test(url) && URL.canParse(url) ? new URL(url) : undefined;
  req.url = target ? target.pathname + target.search : "/not-a-path";
}
