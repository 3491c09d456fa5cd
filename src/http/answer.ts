/**
 * Writes an answer with all of its headers at once. Told one after the other, Node would keep, look up and copy each.
 */

import type { ServerResponse } from "node:http";
import { SECURITY_HEADERS } from "./security-headers.ts";

const COMMON = Object.entries(SECURITY_HEADERS).flat();

/** `headers` beside those that every answer has. No answer to a HEAD or with status 204 has a body. */
export function answer(
  res: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  content?: { type: string; body: string },
): void {
  const all = [...COMMON];
  for (const name in headers) all.push(name, headers[name] as string);
  if (!content) return void res.writeHead(status, all).end();
  const { type, body } = content;
  const bytes = Buffer.byteLength(body);
  all.push("Content-Type", type, "Content-Length", String(bytes));
  res.writeHead(status, all).end(body, bytes === body.length ? "latin1" : "utf8"); // ASCII needs no encoder.
}
