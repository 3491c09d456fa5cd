/**
 * One HTTP exchange with an upstream, bounded in time and size, with its outcome as a value.
 *
 * The time limits are our own: undici's round up. HTTP/1.1, no redirects, no compression.
 *
 * A connection can die in silence, for example when a firewall on the way is replaced. So a request on a kept connection has
 * a shorter limit. When that is reached, no connection that has been silent for as long is used again.
 */

import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher } from "undici";
import { MIN_CALL_MS } from "../session/budget.ts";
import { findRefusalPage } from "./client-certificate.ts";
import { type Connection, hasForeignListeners } from "./connection.ts";
import { type Failed, failed, isOfConnection, toFailure, toOpenFailure } from "./failure.ts";
import { type ConnectionOptions, createConnections } from "./pool.ts";

export type ExchangeRequest = {
  method: "GET" | "POST" | "PUT" | "DELETE";
  /** Path and query, already encoded. */
  path: string;
  headers: Record<string, string>;
  body?: string | undefined;
  /** On a connection of its own: after a stale one, the next idle one may be just as stale. */
  newConnection?: boolean;
  /** Discards all connections that are open now, for this request and all others. */
  discardAll?: boolean;
  /** The path holds a secret, so the request is not sent while something else listens to requests. */
  hasSecretPath?: boolean;
};

export type ExchangeResult = ExchangeAnswer | Failed;

type ExchangeAnswer = {
  kind: "answer";
  status: number;
  contentType: string;
  retryAfterSeconds: number | undefined;
  /** The target of a redirect, as it was written. It is not followed. */
  location?: string | undefined;
  /** When the upstream answered, by its own clock (`Date`), in milliseconds since the epoch. */
  dateMs?: number | undefined;
  text: string;
  /** The answer was not meant for this request: no connection that is open now is used again. */
  discard?: () => void;
};

/** `timeoutMs` includes the time to connect. On a connection that was kept an exchange takes 3 s at most. */
export type Exchange = (request: ExchangeRequest, timeoutMs: number) => Promise<ExchangeResult>;

export type ExchangeOptions = ConnectionOptions & {
  /** For one exchange, where its caller gives it more. Default: no limit. */
  attemptMs?: number;
  /** Sends requests with a secret in the path although something else listens. Default: false. */
  allowListeners?: boolean;
};

/** For a request on a kept connection, which may have died. */
const KEPT_TIMEOUT_MS = 3000;
const TIMEOUT = failed("timeout", "timeout");
const SILENT = failed("silent", "silent_connection");

/** Disposal closes all connections at once. */
export function createExchange(options: ExchangeOptions): Exchange & AsyncDisposable {
  const { attemptMs = Number.POSITIVE_INFINITY } = options;
  const connections = createConnections(options);
  /** It answers, but takes longer than the limit of a kept connection. Each request then gets a new one. */
  let isSlow = false;

  async function exchange(request: ExchangeRequest, timeoutMs: number): Promise<ExchangeResult> {
    const startedAt = performance.now();
    const limitMs = Math.min(attemptMs, timeoutMs);
    const leftMs = () => limitMs - (performance.now() - startedAt);
    if (request.discardAll) connections.discardAll();
    for (;;) {
      const isNew = request.newConnection || isSlow;
      const connection = await connections.acquire(isNew, leftMs()).catch(toOpenFailure);
      if (!connection) return failed("timeout", "no_connection");
      if ("kind" in connection) return connection;
      if (request.hasSecretPath && !options.allowListeners && hasForeignListeners()) {
        connections.release(connection, false);
        return failed("not_sent", "foreign_listener");
      }
      const result = await send(connection, request, leftMs());
      if (result !== "not_taken") return result;
      connections.release(connection, true);
    }
  }

  async function send(connection: Connection, request: ExchangeRequest, timeoutMs: number) {
    const sentAt = performance.now();
    const limitMs = connection.wasIdle ? Math.min(timeoutMs, KEPT_TIMEOUT_MS) : timeoutMs;
    const result = await dispatch(connection, request, limitMs);
    if (result === "not_taken") return result;
    const now = performance.now();
    if (result.kind === "answer") {
      isSlow = now - sentAt > KEPT_TIMEOUT_MS;
      connection.heardAtMs = now;
      result.discard = () => {
        if (!connection.isRetired) connections.discardAll();
      };
    }
    const isTimeout = result === TIMEOUT || result === SILENT;
    connections.release(connection, isTimeout);
    if (isTimeout) connections.discardSilent(sentAt);
    return result;
  }

  return Object.assign(exchange, {
    [Symbol.asyncDispose]: () => connections[Symbol.asyncDispose](),
  });
}

type Head = { status: number; headers: IncomingHttpHeaders };

/**
 * Never rejects: what goes wrong is a result.
 * `not_taken`: the connection was closed while it was idle, before it took the request.
 */
async function dispatch(
  connection: Connection,
  { method, path, headers, body }: ExchangeRequest,
  timeoutMs: number,
): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const { dispatcher, socket, wasIdle } = connection;
  const bytesBefore = socket.bytesRead;
  const isMute = () => wasIdle && socket.bytesRead === bytesBefore;
  const timer = setTimeout(() => resolve(isMute() ? SILENT : TIMEOUT), timeoutMs);
  dispatcher.dispatch(
    {
      method,
      path,
      headers: { ...headers, "accept-encoding": "identity" },
      body: body ?? null,
    },
    createHandler(resolve, connection, isMute),
  );
  const outcome = await promise;
  clearTimeout(timer);
  return outcome;
}

type Outcome = ExchangeResult | "not_taken";

/** Answers are small, so they are collected, without a stream. */
function createHandler(
  resolve: (outcome: Outcome) => void,
  connection: Connection,
  isMute: () => boolean,
): Dispatcher.DispatchHandler {
  const { wasIdle, certificate } = connection;
  const chunks: Buffer[] = [];
  let head: Head | undefined;
  let isTaken = false;
  return {
    onRequestStart() {
      isTaken = true;
    },
    onResponseStart(controller, status, headers) {
      if (status < 200) return; // The answer is still to come.
      head = { status, headers };
      const encoding = headers["content-encoding"];
      if (encoding === undefined || encoding === "identity") return;
      resolve(failed("malformed", "compressed"));
      controller.abort(new Error("compressed")); // And the connection with it.
    },
    onResponseData: (_controller, chunk) => void chunks.push(chunk),
    onResponseEnd() {
      if (!head) return;
      const answer = toAnswer(head, chunks);
      if (answer.status < 400) return resolve(answer);
      const reason = findRefusalPage(answer, certificate);
      resolve(reason ? failed("tls_error", reason) : answer);
    },
    onResponseError(_controller, error) {
      if (isTaken) {
        const { heardAtMs, openedAtMs, refusal } = connection;
        const isFirst = heardAtMs === openedAtMs;
        const hasHeaders = head !== undefined;
        resolve(toFailure(error, { hasHeaders, isMute: isMute(), isFirst, certificate, refusal }));
      } else resolve(wasIdle ? "not_taken" : toOpenFailure(error));
    },
  };
}

const utf8 = new TextDecoder();

function toAnswer({ status, headers }: Head, chunks: readonly Buffer[]): ExchangeAnswer {
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

/**
 * For requests that are safe to repeat: tries once more, on a new connection, if the first attempt may have failed because of its
 * connection. The time limit is for both attempts together.
 */
export function withRepeat(exchange: Exchange, now = () => performance.now()): Exchange {
  return async function exchangeTwice(request, timeoutMs) {
    const startedAt = now();
    const leftMs = () => timeoutMs - (now() - startedAt);
    const first = await exchange(request, timeoutMs);
    if (first.kind === "answer" || !isOfConnection(first.failure)) return first;
    if (leftMs() < MIN_CALL_MS) return first;
    return exchange({ ...request, newConnection: true }, leftMs());
  };
}
