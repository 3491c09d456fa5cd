/**
 * Stops asking an MX host that fails: after 20 calls in 10 s of which half failed, it is left alone for about 5 s, then
 * one request tries, on a new connection after a fresh look-up of the name. All others are answered at once.
 *
 * One per tenant and host. A User that does not exist, or a request that MX rejects, is no failure of MX. No single user
 * can open it, or keep it open: MX may fail over something that only this user has.
 * Source: docs/decisions/0006-overload.md.
 */

import type { Budget } from "../../session/budget.ts";
import { createSlidingWindow } from "../../upstream/limits.ts";
import type { Answer, MxCall, Send } from "../call.ts";
import { isStale, toNotSentError } from "../outcome.ts";
import type { BreakerState, NotSentReason } from "./instrument.ts";

export type CircuitBreakerOptions = {
  /** In [0, 1). */
  random?: () => number;
  /** Milliseconds of a clock that never goes back. */
  now?: () => number;
  /** A call was answered at once, without asking MX. */
  onNotSent?: (reason: NotSentReason) => void;
  /** Is given a way to read the state at any time. */
  watchBreaker?: (read: () => BreakerState) => void;
};

type State =
  | { kind: "closed" }
  /** `failedUser`: whose request has tried in vain. Others try before the same user does. */
  | { kind: "open"; untilMs: number; failedUser: string | undefined }
  /** The id of the request that tries: what it asks beside its first call may go with it. */
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
    if (!budget.allows(call.kind, 0)) return send(call, budget); // Says why, and proves nothing about MX.
    if (isRefused(state, call, budget)) {
      onNotSent?.("circuit_open");
      throw toNotSentError(call.operation, "circuit_open", OPEN_MS / 1000);
    }
    if (state.kind === "half_open") return send(call, budget);
    if (state.kind === "open") return sendTrial(call, budget);
    const sentIn = state;
    const answer = await send(call, budget);
    if (state === sentIn) record(call.userId, isFailure(answer)); // Else it is about an MX before the last trial.
    return answer;
  };
}

function isFailure(answer: Answer): boolean {
  switch (answer.outcome) {
    case "not_sent":
      return true;
    case "ambiguous":
      return !isStale(answer);
    case "throttled":
      return answer.status === 503;
    case "invalid_response":
      return true;
    default:
      return false;
  }
}
