/**
 * Stops calling an MX host that fails: if half of at least 20 calls in 10 s failed, it gets no calls for about 5 s. Then one
 * request tries, on a new connection after the name was resolved again. All others are refused at once.
 *
 * One per tenant and host. A missing User and a rejected request are not failures of MX. No single user can open it or
 * keep it open: MX may fail because of something that only this user has.
 * Source: docs/decisions/0006-overload.md.
 */

import type { Budget } from "../../session/budget.ts";
import { createSlidingWindow } from "../../upstream/limits.ts";
import type { Answer, MxCall, Send } from "../call.ts";
import { isStale, toAppError } from "../outcome.ts";
import type { MxObserver } from "./instrument.ts";

export type CircuitBreakerOptions = Partial<MxObserver> & {
  /** In [0, 1). */
  random?: () => number;
  /** Milliseconds of a clock that never goes back. */
  now?: () => number;
};

type State =
  | { kind: "closed" }
  /** `failedUser`: whose request was the last failed trial. Requests of others try before this user's. */
  | { kind: "open"; untilMs: number; failedUser: string | undefined }
  /** The id of the request that tries: its concurrent calls are let through too. */
  | { kind: "half_open"; trial: Budget["id"] };

const MIN_CALLS = 20;
const FAILURE_SHARE = 0.5;
/** Further ones of the same user in the same ten seconds are not counted. */
const MAX_FAILURES_OF_USER = 3;
const OPEN_MS = 5000;
/** Replicas should not come back all at the same moment. */
const OPEN_JITTER = 0.2;

export function withCircuitBreaker(send: Send, options: CircuitBreakerOptions = {}): Send {
  const { random = Math.random, now = () => performance.now(), onNotSent, watchBreaker } = options;
  const recent = createSlidingWindow<"call" | "failure">(now);
  const failuresOf = createSlidingWindow<string>(now);
  let state: State = { kind: "closed" };
  watchBreaker?.(() => state.kind);

  function open(failedUser?: string): void {
    const openMs = OPEN_MS * (1 + OPEN_JITTER * (2 * random() - 1));
    state = { kind: "open", untilMs: now() + openMs, failedUser };
  }

  function close(): void {
    state = { kind: "closed" };
    recent.clear();
    failuresOf.clear();
  }

  function isRefused(current: State, { userId }: MxCall, budget: Budget): boolean {
    if (current.kind === "closed") return false;
    if (current.kind === "half_open") return current.trial !== budget.id;
    const waitsMs = userId === current.failedUser ? OPEN_MS : 0;
    return now() < current.untilMs + waitsMs;
  }

  function record(userId: string, isFailed: boolean): void {
    if (isFailed && failuresOf.count(userId) >= MAX_FAILURES_OF_USER) return;
    recent.add("call");
    if (!isFailed) return;
    recent.add("failure");
    failuresOf.add(userId);
    const calls = recent.count("call");
    if (calls >= MIN_CALLS && recent.count("failure") >= FAILURE_SHARE * calls) open();
  }

  async function sendTrial(call: MxCall, budget: Budget): Promise<Answer> {
    state = { kind: "half_open", trial: budget.id };
    try {
      const answer = await send({ ...call, newConnection: true, isTrial: true }, budget);
      if (isFailure(answer)) open(call.userId);
      else if (isStale(answer))
        state = { kind: "open", untilMs: now(), failedUser: undefined }; // Proves nothing: its repeat tries.
      else close();
      return answer;
    } catch (neverSent) {
      open(call.userId); // No sign of life.
      throw neverSent;
    }
  }

  return async function sendWithCircuitBreaker(call, budget) {
    if (!budget.allows(call.kind, 0)) return send(call, budget); // It throws the reason, and proves nothing about MX.
    if (isRefused(state, call, budget)) {
      onNotSent?.("circuit_open");
      throw toAppError({
        operation: call.operation,
        outcome: "not_sent",
        reason: "circuit_open",
        retryAfterSeconds: OPEN_MS / 1000,
      });
    }
    if (state.kind === "half_open") return send(call, budget);
    if (state.kind === "open") return sendTrial(call, budget);
    const sentIn = state;
    const answer = await send(call, budget);
    if (state === sentIn) record(call.userId, isFailure(answer)); // Otherwise it is about MX before the last trial.
    return answer;
  };
}

function isFailure(answer: Answer): boolean {
  if (answer.outcome === "ambiguous") return !isStale(answer);
  if (answer.outcome === "throttled") return answer.status === 503;
  return answer.outcome === "not_sent" || answer.outcome === "invalid_response";
}
