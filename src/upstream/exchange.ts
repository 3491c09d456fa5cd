/**
 * One HTTP exchange with an upstream, bounded in time and size, told as a value.
 *
 * The time limit is our own: undici does not react to an AbortSignal while it connects (nodejs/undici#386), and its
 * own timers round up. HTTP/1.1, no redirects, no compression.
 */

import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher } from "undici";
import { MIN_CALL_MS } from "../session/budget.ts";
import {
  type ConnectionOptions,
  createConnections,
  isAfterReuse,
  isBeforeConnection,
} from "./pool.ts";

export type ExchangeRequest = {
  method: "GET" | "POST" | "PUT";
  /** Path and query, already encoded. */
  path: string;
  headers: Record<string, string>;
  body?: string | undefined;
  /** On a connection of its own: after a stale one, the next idle one may be just as stale. */
  newConnection?: boolean;
};

export type ExchangeResult =
  | {
      kind: "answer";
      status: number;
      contentType: string;
      retryAfterSeconds: number | undefined;
      /** When the upstream says that it answered, by its own clock (`Date`), in milliseconds since the epoch. */
      dateMs?: number | undefined;
      text: string;
      /** The answer was not meant for this request: no connection that is open now is used again. */
      discard?: () => void;
    }
  | { kind: "failure"; failure: ExchangeFailure; reason: string };

/**
 * - `not_sent`: no byte can have arrived
 * - `timeout`: no complete answer within the limit
 * - `connection_lost`: the connection ended before the answer did
 * - `stale`: a connection that had been used before ended without a byte of this answer: it was probably closed while idle
 * - `malformed`: an answer that is not acceptable HTTP: it breaks the protocol, is too large, or is compressed
 * - `tls_error`: the certificate cannot be trusted
 */
export type ExchangeFailure =
  | "not_sent"
  | "timeout"
  | "connection_lost"
  | "stale"
  | "malformed"
  | "tls_error";

export type Exchange = (request: ExchangeRequest, timeoutMs: number) => Promise<ExchangeResult>;

/** Disposal closes all connections at once. */
export function createExchange(options: ConnectionOptions): Exchange & AsyncDisposable {
  const connections = createConnections(options);

  async function exchange(request: ExchangeRequest, timeoutMs: number): Promise<ExchangeResult> {
    const limit: Limit = { aborted: false, controller: undefined };
    const { promise, resolve, reject } = Promise.withResolvers<ExchangeResult>();
    const timer = setTimeout(() => {
      resolve({ kind: "failure", failure: "timeout", reason: "timeout" });
      limit.aborted = true;
      limit.controller?.abort(new Error("timeout"));
    }, timeoutMs);
    perform(request, limit, timeoutMs).then(resolve, reject);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  async function perform(
    request: ExchangeRequest,
    limit: Limit,
    timeoutMs: number,
  ): Promise<ExchangeResult> {
    const patienceMs = timeoutMs - MIN_CALL_MS; // Longer, and it would be sent when nobody waits for the answer.
    const connection = await connections.acquire(request.newConnection ?? false, patienceMs);
    if (!connection) return { kind: "failure", failure: "timeout", reason: "no_connection" };
    const result = await send(connection, options.origin, request, limit);
    connections.release(connection, limit.aborted);
    if (result.kind === "answer") result.discard = () => connections.discard(connection);
    return result;
  }

  return Object.assign(exchange, {
    [Symbol.asyncDispose]: () => connections[Symbol.asyncDispose](),
  });
}

/**
 * An `AbortSignal` for one listener. `controller` is there as soon as the request is on its way: a function over it would
 * make V8 keep the whole exchange until the next full collection.
 */
type Limit = { aborted: boolean; controller: Dispatcher.DispatchController | undefined };

type Head = { status: number; headers: IncomingHttpHeaders };

/** Never rejects: what goes wrong is a result. An answer is small, so it is gathered, and no stream is made of it. */
function send(
  connection: Dispatcher,
  origin: string,
  { method, path, headers, body }: ExchangeRequest,
  limit: Limit,
): Promise<ExchangeResult> {
  const { promise, resolve } = Promise.withResolvers<ExchangeResult>();
  const chunks: Buffer[] = [];
  let head: Head | undefined;
  connection.dispatch(
    {
      origin,
      method,
      path,
      headers: { ...headers, "accept-encoding": "identity" },
      body: body ?? null,
    },
    {
      onRequestStart(controller) {
        limit.controller = controller;
        if (limit.aborted) controller.abort(new Error("timeout"));
      },
      onResponseStart(controller, status, headers) {
        if (status < 200) return; // The answer is still to come.
        head = { status, headers };
        const encoding = headers["content-encoding"];
        if (encoding === undefined || encoding === "identity") return;
        resolve({ kind: "failure", failure: "malformed", reason: "compressed" });
        controller.abort(new Error("compressed")); // And the connection with it.
      },
      onResponseData: (_controller, chunk) => void chunks.push(chunk),
      onResponseEnd() {
        if (head) resolve(toAnswer(head, chunks));
      },
      onResponseError(_controller, error) {
        resolve({ kind: "failure", ...toFailure(error, head !== undefined) });
      },
    },
  );
  return promise;
}

const utf8 = new TextDecoder();

function toAnswer({ status, headers }: Head, chunks: readonly Buffer[]): ExchangeResult {
  const [first] = chunks;
  return {
    kind: "answer",
    status,
    contentType: String(headers["content-type"] ?? ""),
    retryAfterSeconds: toSeconds(headers["retry-after"]),
    dateMs: Date.parse(String(headers.date)) || undefined,
    text: utf8.decode(chunks.length === 1 ? first : Buffer.concat(chunks)),
  };
}

/** Only the number form is understood; a date is as good as none. Source: RFC 9110, section 10.2.3. */
function toSeconds(header: string | string[] | undefined): number | undefined {
  return typeof header === "string" && /^\d{1,6}$/.test(header) ? Number(header) : undefined;
}

const NOT_SENT_CODES = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_ABORTED", // A proxy that opens no tunnel. Our own abort comes after the answer to it.
  "EHOSTUNREACH",
  "ENETUNREACH",
]);
const MALFORMED_CODES = new Set(["UND_ERR_RES_EXCEEDED_MAX_SIZE", "UND_ERR_HEADERS_OVERFLOW"]);
const CERTIFICATE_CODE =
  /^(ERR_TLS_CERT|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|ERR_SSL|INVALID_(CA|PURPOSE)|PATH_LENGTH)/;

/** Codes only: messages and other fields of these errors can hold bytes of the request or the answer. */
function toFailure(
  error: unknown,
  hasHeaders: boolean,
): { failure: ExchangeFailure; reason: string } {
  const code = errorCode(error);
  const reason = proxyRefusal(error) ?? code.toLowerCase();
  if (CERTIFICATE_CODE.test(code)) return { failure: "tls_error", reason };
  if (isNotSent(error, code)) return { failure: "not_sent", reason };
  if (isMalformed(error, code, hasHeaders)) return { failure: "malformed", reason: "malformed" };
  if (error instanceof Error && isAfterReuse(error)) {
    return { failure: "stale", reason: "stale_connection" };
  }
  return { failure: "connection_lost", reason };
}

/** Such as `proxy_407`. undici tells the status of a proxy that opens no tunnel in its message alone. */
function proxyRefusal(error: unknown): string | undefined {
  const [, status] =
    /^Proxy response \((\d{3})\)/.exec(error instanceof Error ? error.message : "") ?? [];
  return status && `proxy_${status}`;
}

/** The first code found; several addresses of one host fail as an `AggregateError`. */
function errorCode(error: unknown): string {
  if (typeof error !== "object" || error === null) return "unknown";
  if ("code" in error && typeof error.code === "string" && /^[A-Z0-9_]{1,64}$/.test(error.code))
    return error.code;
  if ("errors" in error && Array.isArray(error.errors)) return errorCode(error.errors[0]);
  return "unknown";
}

/**
 * Against an end in the middle, which undici reports with the same classes: as a length that does not fit, but after the
 * headers, and as a parser error that names the end of file.
 */
function isMalformed(error: unknown, code: string, hasHeaders: boolean): boolean {
  if (code === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH") return !hasHeaders;
  if (MALFORMED_CODES.has(code)) return true;
  return (
    error instanceof Error && error.name === "HTTPParserError" && !/\bEOF\b/.test(error.message)
  );
}

/** With a proxy in between only the codes tell. */
function isNotSent(error: unknown, code: string): boolean {
  return error instanceof Error && (isBeforeConnection(error) || NOT_SENT_CODES.has(code));
}
