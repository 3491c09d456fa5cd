/** What a simulated API says, and how it is put on the wire. */

import type { ServerResponse } from "node:http";
import { setImmediate } from "node:timers/promises";

export type Answer = {
  readonly status: number;
  /** A `content-type` in here wins over application/json. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Sent as JSON; `undefined` for no body. */
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly text?: string | undefined;
};

/** "silence": the connection stays open and nothing comes, MX's way to refuse an SSO API key. */
export type Reply = Answer | "silence";

export function sendAnswer(res: ServerResponse, answer: Answer): void {
  const payload = toPayload(answer);
  res.writeHead(answer.status, toHeaders(answer, payload)).end(payload);
}

/** Announces the whole answer, sends its first half and closes the connection. */
export async function sendHalf(res: ServerResponse, answer: Answer): Promise<void> {
  const payload = toPayload(answer);
  res.writeHead(answer.status, toHeaders(answer, payload));
  await new Promise((sent) => res.write(payload.subarray(0, payload.length / 2), sent));
  await setImmediate(); // The bytes leave before the connection does.
  res.destroy();
}

export function resetConnection(res: ServerResponse): void {
  res.socket?.resetAndDestroy();
}

function toPayload({ body, text }: Answer): Buffer {
  if (text !== undefined) return Buffer.from(text);
  return Buffer.from(body === undefined ? "" : JSON.stringify(body));
}

function toHeaders(answer: Answer, payload: Buffer): Record<string, string | number> {
  const headers: Record<string, string | number> = {};
  if (answer.status !== 204) headers["content-length"] = payload.length;
  if (payload.length > 0) headers["content-type"] = "application/json; charset=utf-8";
  for (const [name, value] of Object.entries(answer.headers ?? {})) {
    headers[name.toLowerCase()] = value;
  }
  return headers;
}
