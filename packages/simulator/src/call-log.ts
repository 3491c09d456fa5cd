/**
 * What the simulated APIs were asked, in the order of arrival.
 *
 * `startedAt` and `endedAt` are positions in one sequence of events, not times, so that "this call began after that one
 * had ended" is a fact. With a latency of 0 two calls that were sent side by side may still be answered one after the
 * other: a test that asks for `depth()` sets `latencyMs` to some 30.
 */

import type { IncomingHttpHeaders } from "node:http";
import type { Operation } from "./operation.ts";

export type Call = {
  /** "unknown": a path or method that MX does not have. */
  readonly operation: Operation | "unknown";
  readonly method: string;
  /** As it was sent, without the query. */
  readonly path: string;
  /** Decoded; holds `k` and `c` of the SSO API. */
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
  /** Parsed JSON, or `undefined` where there was none. */
  readonly body: unknown;
  /** `undefined` until answered, and for ever where no answer was sent. */
  readonly status: number | undefined;
  readonly startedAt: number;
  /** When the answer was sent or, without one, the connection closed. */
  readonly endedAt: number | undefined;
};

export type CallLog = {
  /** At most the last 100,000 calls, so that a long-running demo stays small. */
  readonly all: readonly Call[];
  /** All calls since the start or the last `clear`. */
  readonly count: number;
  of(operation: Call["operation"]): readonly Call[];
  /**
   * Round trips that somebody had to wait for one after another: the longest chain in which each call began after the
   * one before it had ended.
   */
  depth(): number;
  clear(): void;
};

export type OpenCall = {
  receive(body: unknown): void;
  /** Only the first end counts. */
  end(status?: number): void;
};

export type RecordedCallLog = CallLog & {
  begin(request: Pick<Call, "operation" | "method" | "path" | "query" | "headers">): OpenCall;
};

const MAX_CALLS = 100_000;

export function createCallLog(): RecordedCallLog {
  let calls: Call[] = [];
  let count = 0;
  let events = 0;

  return {
    get all() {
      return calls.slice(-MAX_CALLS);
    },
    get count() {
      return count;
    },
    of: (operation) => calls.filter((call) => call.operation === operation),
    depth: () => longestChain(calls),
    clear() {
      calls = [];
      count = 0;
    },
    begin(request) {
      const call: Mutable<Call> = {
        ...request,
        body: undefined,
        status: undefined,
        startedAt: ++events,
        endedAt: undefined,
      };
      if (calls.length >= 2 * MAX_CALLS) calls = calls.slice(-MAX_CALLS);
      calls.push(call);
      count += 1;
      return {
        receive(body) {
          call.body = body;
        },
        end(status) {
          if (call.endedAt !== undefined) return;
          call.status = status;
          call.endedAt = ++events;
        },
      };
    },
  };
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Walks through the events in order; a call stands one deeper than the deepest one that had ended when it began. */
function longestChain(calls: readonly Call[]): number {
  const events = calls.flatMap((call) => [
    { at: call.startedAt, call, begins: true },
    { at: call.endedAt ?? Number.POSITIVE_INFINITY, call, begins: false },
  ]);
  events.sort((one, other) => one.at - other.at);

  const depths = new Map<Call, number>();
  let ended = 0;
  let deepest = 0;
  for (const { call, begins } of events) {
    if (begins) depths.set(call, ended + 1);
    else ended = Math.max(ended, depths.get(call) ?? 0);
    deepest = Math.max(deepest, depths.get(call) ?? 0);
  }
  return deepest;
}
