/**
 * `X-Request-Id` comes in, goes out, and stands in problems and the log.
 *
 * One that could do harm in a log is replaced: `^[A-Za-z0-9_-]{8,64}$` only.
 */

import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";

const USABLE = /^[A-Za-z0-9_-]{8,64}$/;

export function toRequestId(req: IncomingMessage): string {
  const sent = req.headers["x-request-id"];
  return typeof sent === "string" && USABLE.test(sent) ? sent : randomUUID();
}
