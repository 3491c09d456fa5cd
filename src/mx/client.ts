/**
 * The way to one of MX's APIs: the policies around a call, in their order, and the call itself.
 */

import type { Budget } from "../session/budget.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import { parseJson } from "../text.ts";
import type { Exchange, ExchangeResult } from "../upstream/exchange.ts";
import type { Answer, MxApi, MxCall, Operation, Send } from "./call.ts";
import { blameOptions, FAILURE_OUTCOMES } from "./outcome.ts";
import { withBulkhead } from "./policies/bulkhead.ts";
import { withCircuitBreaker } from "./policies/circuit-breaker.ts";
import { type MxObserver, withObserver, withSpans } from "./policies/instrument.ts";
import { createKeyedMutex } from "./policies/keyed-mutex.ts";
import { withRetry } from "./policies/retry.ts";

export type MxClientOptions = {
  /** A pool of its own: `connections` to this API's host. */
  exchange: Exchange;
  connections: number;
  /** Calls that may wait for a connection. */
  maxWaiting: number;
  observer: Partial<MxObserver>;
  /** For spans. */
  tenant: string;
  tracing: Tracing | undefined;
};

/** What each policy does, and why, is in its own file. Read from the outside in: the first may wait, repeat or refuse. */
export function createMxClient(api: MxApi, options: MxClientOptions): Send {
  const { exchange, observer } = options;
  return serializeWrites(
    withRetry(
      withCircuitBreaker(
        withBulkhead(withObserver(withSpans(createSend(api, exchange), api, options), observer), {
          ...options,
          ...observer,
        }),
        observer,
      ),
      observer,
    ),
  );
}

/**
 * What is written for one User or Member is written in order: a process never races with itself. Reads and URL requests run freely
 * (docs/decisions/0002-only-writes-wait.md).
 */
export function serializeWrites(send: Send): Send {
  const runExclusive = createKeyedMutex();

  return function sendSerialized(call, budget) {
    const { serializeBy } = call;
    if (serializeBy === undefined) return send(call, budget);
    return runExclusive(serializeBy, budget, () => send(call, budget));
  };
}

/**
 * One call: credentials and headers on, one exchange within the request's time, the answer classified.
 *
 * Rejects only where the request's budget does not allow another call. `now` is the wall clock.
 */
export function createSend(api: MxApi, exchange: Exchange, now = () => new Date()): Send {
  const { headers, query = "", classify } = api;
  const basePath = api.baseUrl.pathname.replace(/\/$/, "");
  const headersWithBody = { ...headers, "content-type": api.contentType ?? "application/json" };

  return async function send(call, budget) {
    budget.spend(call.kind);
    const sentAt = now();
    const hasBody = call.body !== undefined;
    const separator = call.path.includes("?") ? "&" : "?";
    const common = hasBody ? headersWithBody : headers;
    const result = await exchange(
      {
        method: call.method,
        path: `${basePath}${call.path}${query && separator + query}`,
        headers: call.headers ? { ...common, ...call.headers } : common,
        body: hasBody ? JSON.stringify(call.body) : undefined,
        newConnection: call.newConnection ?? false,
        discardAll: call.isTrial ?? false,
        hasSecretPath: query !== "",
      },
      budget.remainingMs(),
    );
    return toAnswer(call, sentAt, result, classify);
  };
}

/** `undefined`: MX does not find it. */
export async function readOne(
  send: Send,
  operation: Operation,
  read: Pick<MxCall, "userId" | "path" | "newConnection">,
  budget: Budget,
): Promise<Answer | undefined> {
  const answer = await send({ ...read, operation, kind: "read", method: "GET" }, budget);
  return answer.outcome === "not_found" ? undefined : answer;
}

function toAnswer(
  call: MxCall,
  sentAt: Date,
  result: ExchangeResult,
  classify: MxApi["classify"],
): Answer {
  const { operation } = call;
  const common = { operation, sentAt };
  if (result.kind === "failure") {
    const { failure, reason } = result;
    return { ...common, outcome: FAILURE_OUTCOMES[failure], reason };
  }
  const { status, retryAfterSeconds, discard } = result;
  const { body, flaw } = parse(result);
  if (flaw && status >= 200 && status < 300) {
    return { ...common, outcome: FLAW_OUTCOMES[flaw], reason: flaw, status };
  }
  const outcome = blameOptions(classify(operation, status, body), status, call);
  return outcome === "ok"
    ? { ...common, outcome, status, body, discard }
    : { ...common, outcome, status, retryAfterSeconds };
}

/** Of an answer that says it is good. */
const FLAW_OUTCOMES = { unparseable: "ambiguous", content_type: "invalid_response" } as const;

type Content = { body?: unknown; flaw?: keyof typeof FLAW_OUTCOMES };

/** MX's versions label JSON as `application/json` or `application/vnd.mx.api.v1+json`. */
function parse({ text, contentType }: { text: string; contentType: string }): Content {
  if (text === "") return {};
  if (contentType !== "" && !/^application\/(.+\+)?json\b/i.test(contentType))
    return { flaw: "content_type" };
  const body = parseJson(text);
  return body === undefined ? { flaw: "unparseable" } : { body };
}
