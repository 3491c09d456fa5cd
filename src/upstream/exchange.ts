/**
 * One HTTP exchange with an upstream, bounded in time and size, told as a value.
 *
 * The time limit is our own: undici does not react to an AbortSignal while it connects (nodejs/undici#386), and its
 * own timers round up. HTTP/1.1, no redirects, no compression.
 */

import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher } from "undici";
import type { TransportReason } from "../errors.ts";
import { MIN_CALL_MS } from "../session/budget.ts";
import { type ExchangeFailure, toFailure } from "./failure.ts";
import { hasForeignListeners } from "./listeners.ts";
import { type ConnectionOptions, createConnections } from "./pool.ts";

export type ExchangeRequest = {
  method: "GET" | "POST" | "PUT" | "DELETE";
  /** Path and query, already encoded. */
  path: string;
  headers: Record<string, string>;
  body?: string | undefined;
  /** On a connection of its own: after a stale one, the next idle one may be just as stale. */
  newConnection?: boolean;
  /** The path holds a secret, so the request is not sent while something else listens to requests. */
  hasSecretPath?: boolean;
};

export type ExchangeResult =
  | {
      kind: "answer";
      status: number;
      contentType: string;
      retryAfterSeconds: number | undefined;
      /** Where a redirect leads, as it was written. It is not followed. */
      location?: string | undefined;
      /** When the upstream says that it answered, by its own clock (`Date`), in milliseconds since the epoch. */
      dateMs?: number | undefined;
      text: string;
      /** The answer was not meant for this request: no connection that is open now is used again. */
      discard?: () => void;
    }
  | { kind: "failure"; failure: ExchangeFailure; reason: TransportReason };

export type Exchange = (request: ExchangeRequest, timeoutMs: number) => Promise<ExchangeResult>;

export type ExchangeOptions = ConnectionOptions & {
  /** Sends requests with a secret in the path although something else listens. Default: false. */
  allowListeners?: boolean;
};

/** Disposal closes all connections at once. */
export function createExchange(options: ExchangeOptions): Exchange & AsyncDisposable {
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
    if (request.hasSecretPath && !options.allowListeners && hasForeignListeners()) {
      connections.release(connection, false);
      return { kind: "failure", failure: "not_sent", reason: "foreign_listener" };
    }
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
    location: headers.location,
    dateMs: Date.parse(String(headers.date)) || undefined,
    text: utf8.decode(chunks.length === 1 ? first : Buffer.concat(chunks)),
  };
}

/** Only the number form is understood; a date is as good as none. Source: RFC 9110, section 10.2.3. */
function toSeconds(header: string | string[] | undefined): number | undefined {
  return typeof header === "string" && /^\d{1,6}$/.test(header) ? Number(header) : undefined;
}
