/**
 * Requests that HTTP allows, or that Node lets through, but that nobody who means well sends.
 *
 * Sources: RFC 9112, section 3.2 (request target forms; exactly one Host).
 */

import type { IncomingMessage } from "node:http";
import type { RequestHandler } from "express";
import { AppError } from "../errors.ts";

/** Throws `invalid_request`, and has the connection closed, where there is more than one Host. */
export function createHostCheck(): RequestHandler {
  return function hostCheck(req, res, next) {
    const hosts = req.rawHeaders.filter((name, index) => index % 2 === 0 && /^host$/i.test(name));
    if (hosts.length > 1) {
      res.set("Connection", "close");
      throw new AppError("invalid_request", "The request must have one Host header.");
    }
    next();
  };
}

/**
 * Express answers a target without a path by itself, in HTML. So each target becomes a path: of an absolute one its own,
 * whatever host it names; of anything else one that does not exist.
 */
export function toPathTarget(req: IncomingMessage): void {
  const { url = "" } = req;
  if (url.startsWith("/")) return;
  const target = /^https?:/i.test(url) && URL.canParse(url) ? new URL(url) : undefined;
  req.url = target ? target.pathname + target.search : "/not-a-path";
}

/** The path of a target that is one: without the query. */
export function toPath({ url = "" }: IncomingMessage): string {
  const end = url.indexOf("?");
  return end === -1 ? url : url.slice(0, end);
}
