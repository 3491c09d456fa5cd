/**
 * The types of a call to MX: the call, what sends it, and its answer. outcome.ts explains each outcome.
 */

import type { MxFailure, UpstreamOperation, UpstreamReason } from "../errors.ts";
import type { Budget, CallKind } from "../session/budget.ts";

export type Operation = Extract<UpstreamOperation, `${ApiName}.${string}`>;

export type MxCall = {
  operation: Operation;
  /** The partner's id of the user that the call is made for. */
  userId: string;
  kind: CallKind;
  method: "GET" | "POST" | "PUT" | "DELETE";
  /** Below the base URL, encoded, without credentials. */
  path: string;
  headers?: Record<string, string>;
  body?: unknown;
  /** On a connection that has not been used before. */
  newConnection?: boolean;
  /** The circuit breaker tests whether MX is back. All open connections are discarded, because MX may have moved. */
  isTrial?: boolean;
  /** The call carries something that the caller chose, so that MX may refuse it for that. */
  hasCallerOptions?: boolean;
  /** For writes: those with the same key are sent one after the other. */
  serializeBy?: string;
};

/**
 * Sends one call. Resolves whatever MX does; rejects only where nothing was sent.
 *
 * Each policy takes a `Send` and returns one.
 */
export type Send = (call: MxCall, budget: Budget) => Promise<Answer>;

/** One of MX's APIs, as one tenant uses it. */
export type MxApi = {
  name: ApiName;
  baseUrl: URL;
  /** On every call: authorization, version. */
  headers: Record<string, string>;
  /** Of bodies. Default: application/json. */
  contentType?: string;
  /** Encoded query with credentials (SSO v2). */
  query?: string;
  classify: Classify;
};

export type ApiName = "platform" | "sso" | "sso_v3" | "mdx";

export type Outcome = "ok" | Failure;

export type Failure = MxFailure;

/** `body` is parsed JSON, `undefined` where there is none. */
export type Classify = (operation: Operation, status: number, body: unknown) => Outcome;

export type Answer = GoodAnswer | FailedAnswer;

export type GoodAnswer = AnswerCommon & {
  outcome: "ok";
  status: number;
  body: unknown;
  /** See exchange.ts. */
  discard?: (() => void) | undefined;
};

export type FailedAnswer = AnswerCommon & {
  outcome: Failure;
  /** `undefined` where there was no answer. */
  status?: number;
  reason?: UpstreamReason;
  retryAfterSeconds?: number | undefined;
};

type AnswerCommon = {
  operation: Operation;
  /** When the call was sent: a URL in the answer lives from here. */
  sentAt: Date;
};
