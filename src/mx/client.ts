/**
 * One call to MX: credentials and headers on, one exchange within the kind's time limit, the answer classified.
 *
 * Never rejects for what MX does; rejects only where the request's budget does not allow another call.
 */

import { parseJson } from "../json.ts";
import type { Budget, CallKind } from "../session/budget.ts";
import type { Exchange, ExchangeResult } from "../upstream/exchange.ts";
import { type Answer, type Classify, classifyFailure, type Operation } from "./outcome.ts";

export type MxCall = {
  operation: Operation;
  kind: CallKind;
  method: "GET" | "POST" | "PUT";
  /** Below the base URL, encoded, without credentials. */
  path: string;
  headers?: Record<string, string>;
  body?: unknown;
  /** On a connection of its own. */
  newConnection?: boolean;
  /** For writes: those with the same word are done one after the other. */
  serializeBy?: string;
};

/** Wrapped for retries, limits and measurements; each wrapper takes a `Send` and returns one. */
export type Send = (call: MxCall, budget: Budget) => Promise<Answer>;

export type SendOptions = {
  exchange: Exchange;
  /** Path of the base URL, without a slash at the end. */
  basePath: string;
  /** On every call: authorization, version. */
  headers: Record<string, string>;
  /** Encoded query with credentials (SSO v2), or `""`. */
  query: string;
  classify: Classify;
  /** Wall clock. */
  now?: () => Date;
};

/** Milliseconds for one attempt. */
const TIMEOUT_MS: Record<MxCall["method"], number> = { GET: 2000, POST: 3000, PUT: 3000 };

export function createSend(options: SendOptions): Send {
  const { exchange, basePath, headers, query, classify, now = () => new Date() } = options;
  const headersWithBody = { ...headers, "content-type": "application/json" };

  return async function send(call, budget) {
    budget.spend(call.kind);
    const sentAt = now();
    const hasBody = call.body !== undefined;
    const common = hasBody ? headersWithBody : headers;
    const result = await exchange(
      {
        method: call.method,
        path: `${basePath}${call.path}${withQuery(call.path, query)}`,
        headers: call.headers ? { ...common, ...call.headers } : common,
        body: hasBody ? JSON.stringify(call.body) : undefined,
        newConnection: call.newConnection ?? false,
      },
      Math.min(TIMEOUT_MS[call.method], budget.remainingMs()),
    );
    return toAnswer(call.operation, sentAt, result, classify);
  };
}

function withQuery(path: string, query: string): string {
  if (query === "") return "";
  return path.includes("?") ? `&${query}` : `?${query}`;
}

function toAnswer(
  operation: Operation,
  sentAt: Date,
  result: ExchangeResult,
  classify: Classify,
): Answer {
  const call = { operation, sentAt };
  if (result.kind === "failure") {
    const { failure, reason } = result;
    return { ...call, outcome: classifyFailure(failure), reason, body: undefined };
  }
  const { status, retryAfterSeconds } = result;
  const content = parse(result);
  const isSuccess = status >= 200 && status < 300;
  if (isSuccess && content.kind === "broken") {
    return { ...call, outcome: "ambiguous", reason: "unparseable", status, body: undefined };
  }
  if (isSuccess && content.kind === "foreign") {
    return {
      ...call,
      outcome: "invalid_response",
      reason: "content_type",
      status,
      body: undefined,
    };
  }
  const body = content.kind === "json" ? content.body : undefined;
  return {
    operation,
    sentAt,
    outcome: classify(operation, status, body),
    status,
    retryAfterSeconds,
    body,
    discard: result.discard,
  };
}

type Content =
  | { kind: "json"; body: unknown }
  | { kind: "none" }
  | { kind: "broken" }
  | { kind: "foreign" };

/** MX's versions label JSON as `application/json` or `application/vnd.mx.api.v1+json`. */
function parse({ text, contentType }: { text: string; contentType: string }): Content {
  if (text === "") return { kind: "none" };
  if (contentType !== "" && !/^application\/(.+\+)?json\b/i.test(contentType))
    return { kind: "foreign" };
  const body = parseJson(text);
  return body === undefined ? { kind: "broken" } : { kind: "json", body };
}
