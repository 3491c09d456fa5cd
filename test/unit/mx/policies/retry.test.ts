import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Answer, MxCall, Outcome, Send } from "../../../../src/mx/call.ts";
import {
  createRetryBudget,
  type RetryOptions,
  withRetry,
} from "../../../../src/mx/policies/retry.ts";
import { type CallKind, createBudget } from "../../../../src/session/budget.ts";
import { answerOf, SEED } from "../../fakes.ts";

beforeEach(() => void vi.useFakeTimers({ fakeNodeBuiltins: true }));
afterEach(() => void vi.useRealTimers());

const KINDS = ["read", "create_user", "create_member", "update_member", "widget_url"] as const;

const RETRIES: Record<CallKind, { not_sent: number; throttled: number; ambiguous: number }> = {
  read: { not_sent: 2, throttled: 1, ambiguous: 2 },
  create_user: { not_sent: 1, throttled: 1, ambiguous: 0 },
  create_member: { not_sent: 1, throttled: 1, ambiguous: 0 },
  update_member: { not_sent: 1, throttled: 1, ambiguous: 1 },
  widget_url: { not_sent: 1, throttled: 1, ambiguous: 1 },
};

function callOf(kind: CallKind): MxCall {
  return { operation: "sso.read_user", userId: "u-1", kind, method: "GET", path: "/user/u-1" };
}

type RunOptions = RetryOptions & {
  kind?: CallKind;
  /** Given one after the other; the last one again and again. */
  answers: readonly Answer[];
  deadlineMs?: number;
  /** How long each attempt takes. */
  callMs?: number;
  /** Whether the request's budget counts its calls; else only the table does. */
  isCounted?: boolean;
};

/** Sends one call against a fake MX, and tells when each attempt began, from the first on. */
async function run(options: RunOptions) {
  const { kind = "read", answers, deadlineMs = 8000, callMs = 0, random = () => 0 } = options;
  const counted = createBudget({ deadlineMs });
  const budget =
    options.isCounted === false ? { ...counted, allows: () => true, spend() {} } : counted;
  const startedAt = performance.now();
  const attemptsAt: number[] = [];
  const send: Send = async (call) => {
    const answer = answers[Math.min(attemptsAt.length, answers.length - 1)];
    budget.spend(call.kind);
    attemptsAt.push(performance.now() - startedAt);
    await new Promise((resolve) => setTimeout(resolve, callMs));
    return answer ?? answerOf("ok");
  };
  const sending = withRetry(send, { random })(callOf(kind), budget);
  await vi.runAllTimersAsync();
  return { answer: await sending, attempts: attemptsAt.length, attemptsAt };
}

describe("a call to MX is repeated", () => {
  const rows = KINDS.flatMap((kind) =>
    (["not_sent", "throttled", "ambiguous"] as const).map(
      (outcome) => [kind, outcome, RETRIES[kind][outcome]] as const,
    ),
  );

  it.each(rows)("when it is %s and %s: %i times", async (kind, outcome, retries) => {
    const last = answerOf(outcome);
    const { answer, attempts } = await run({ kind, answers: [last], isCounted: false });
    expect(attempts).toBe(1 + retries);
    expect(answer).toBe(last);
  });

  it.each(rows.filter(([, , retries]) => retries > 0))(
    "only until it succeeds (%s, %s)",
    async (kind, outcome) => {
      const { answer, attempts } = await run({
        kind,
        answers: [answerOf(outcome), answerOf("ok")],
      });
      expect(attempts).toBe(2);
      expect(answer.outcome).toBe("ok");
    },
  );

  it.each<Outcome>(["ok", "not_found", "conflict", "rejected", "invalid_response"])(
    "never when it is %s",
    async (outcome) => {
      for (const kind of KINDS)
        expect((await run({ kind, answers: [answerOf(outcome)] })).attempts).toBe(1);
    },
  );

  it("never more often than the table says, whatever MX answers, and never out of time", async () => {
    const outcome = fc.constantFrom<Outcome>(
      "not_sent",
      "throttled",
      "ambiguous",
      "ok",
      "not_found",
      "rejected",
    );
    const answer = fc
      .record({ outcome, retryAfterSeconds: fc.constantFrom(undefined, 0, 1, 2, 3, 120) })
      .map(({ outcome: is, retryAfterSeconds }) => answerOf(is, { retryAfterSeconds }));
    const scenario = fc.record({
      kind: fc.constantFrom(...KINDS),
      answers: fc.array(answer, { minLength: 1, maxLength: 8 }),
      deadlineMs: fc.integer({ min: 250, max: 8000 }),
      callMs: fc.nat({ max: 2000 }),
      chance: fc.double({ min: 0, max: 0.999, noNaN: true }),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ chance, ...options }) => {
        const { kind, answers, deadlineMs } = options;
        const { attempts, attemptsAt } = await run({ ...options, random: () => chance });
        for (const retryable of ["not_sent", "throttled", "ambiguous"] as const) {
          const repeated: (Answer | undefined)[] = Array.from(
            { length: attempts - 1 },
            (_, index) => answers[Math.min(index, answers.length - 1)],
          );
          const count = repeated.filter((one) => one?.outcome === retryable).length;
          expect(count).toBeLessThanOrEqual(RETRIES[kind][retryable]);
        }
        expect(attemptsAt.at(-1)).toBeLessThanOrEqual(deadlineMs - 250);
      }),
      { seed: SEED, numRuns: 300 },
    );
  });
});

describe("the wait before a repeated call", () => {
  it.each([
    [0, [0, 0, 0]],
    [0.5, [0, 50, 150]],
    [1, [0, 100, 300]],
  ])("is exponential with full jitter (chance %d)", async (chance, expected) => {
    const { attemptsAt } = await run({ answers: [answerOf("not_sent")], random: () => chance });
    expect(attemptsAt).toEqual(expected);
  });

  it("is a second at most", async () => {
    const outcomes = ["not_sent", "not_sent", "throttled", "ambiguous", "ambiguous", "ok"] as const;
    const answers = outcomes.map((outcome) => answerOf(outcome));
    const { attemptsAt } = await run({ answers, random: () => 1 });
    expect(attemptsAt).toEqual([0, 100, 300, 700, 1500, 2500]);
  });

  it.each([
    [0, 2, 0],
    [1, 2, 1000],
    [2, 2, 2000],
    [3, 1, undefined],
    [120, 1, undefined],
  ])(
    "with Retry-After: %i there are %i attempts",
    async (retryAfterSeconds, attempts, secondAt) => {
      const { attemptsAt } = await run({ answers: [answerOf("throttled", { retryAfterSeconds })] });
      expect(attemptsAt).toHaveLength(attempts);
      expect(attemptsAt[1]).toBe(secondAt);
    },
  );

  it("keeps the Retry-After of an answer that is not repeated, for the caller", async () => {
    const { answer } = await run({ answers: [answerOf("throttled", { retryAfterSeconds: 120 })] });
    expect(answer).toMatchObject({ outcome: "throttled", retryAfterSeconds: 120 });
  });

  it("is not begun where too little time would be left after it", async () => {
    const answers = [answerOf("throttled", { retryAfterSeconds: 1 })];
    expect((await run({ answers, deadlineMs: 1249 })).attempts).toBe(1);
    expect((await run({ answers, deadlineMs: 1251 })).attempts).toBe(2);
  });

  it("is not begun where the caller has gone", async () => {
    const budget = createBudget({ deadlineMs: 8000 });
    let attempts = 0;
    const send: Send = async () => {
      attempts += 1;
      budget.abandon();
      return answerOf("not_sent");
    };
    expect(await withRetry(send)(callOf("read"), budget)).toMatchObject({ outcome: "not_sent" });
    expect(attempts).toBe(1);
  });
});

describe("a call that meets a stale connection", () => {
  it("is repeated at once on a fresh one, and costs the retry budget nothing", async () => {
    const takeRetry = vi.fn(() => true);
    const calls: MxCall[] = [];
    const send: Send = async (call) => {
      calls.push(call);
      return calls.length === 1
        ? answerOf("ambiguous", { reason: "stale_connection" })
        : answerOf("ok");
    };
    const retryBudget = { recordCall() {}, takeRetry };
    const sending = withRetry(send, { retryBudget, random: () => 1 });
    const answer = await sending(callOf("read"), createBudget({ deadlineMs: 8000 }));
    expect(answer.outcome).toBe("ok");
    expect(calls.map(({ newConnection = false }) => newConnection)).toEqual([false, true]);
    expect(takeRetry).not.toHaveBeenCalled();
  });
});

describe("a repeat", () => {
  it.each([
    ["a connection that was refused", answerOf("not_sent"), true],
    ["no answer", answerOf("ambiguous", { reason: "timeout" }), true],
    ["an answer", answerOf("throttled", { status: 503 }), false],
  ])("after %s goes out on a new connection: %s", async (_what, first, isNew) => {
    const calls: MxCall[] = [];
    const recordCall = vi.fn();
    const send: Send = async (call) => (calls.push(call) === 1 ? first : answerOf("ok"));
    const retryBudget = { recordCall, takeRetry: () => true };
    const sending = withRetry(send, { retryBudget, random: () => 0 });
    const ended = sending(callOf("read"), createBudget({ deadlineMs: 8000 }));
    await vi.runAllTimersAsync();
    await ended;
    expect(calls.map(({ newConnection = false }) => newConnection)).toEqual([false, isNew]);
    expect(recordCall).toHaveBeenCalledOnce(); // Only a first try earns.
  });
});

describe("a call whose host has no retries left", () => {
  it.each(KINDS)("is not repeated (%s)", async (kind) => {
    const onRetryRefused = vi.fn();
    const retryBudget = { recordCall() {}, takeRetry: () => false };
    const send = vi.fn<Send>(async () => answerOf("not_sent"));
    const sending = withRetry(send, { retryBudget, onRetryRefused });
    const answer = await sending(callOf(kind), createBudget({ deadlineMs: 8000 }));
    expect(answer.outcome).toBe("not_sent");
    expect(send).toHaveBeenCalledOnce();
    expect(onRetryRefused).toHaveBeenCalledOnce();
  });
});

describe("a call that the budget refuses", () => {
  it("rejects as the budget says", async () => {
    const budget = createBudget({ deadlineMs: 100 });
    const send: Send = async (call) => {
      budget.spend(call.kind);
      return answerOf("ok");
    };
    await expect(withRetry(send)(callOf("read"), budget)).rejects.toMatchObject({
      code: "upstream_timeout",
    });
  });
});

/** A budget on a clock that the test moves. */
function budgetAt(ms = 1_000_000) {
  const clock = { ms };
  const budget = createRetryBudget(() => clock.ms);
  return {
    clock,
    budget,
    recordCalls(calls: number) {
      for (let call = 0; call < calls; call += 1) budget.recordCall();
    },
    /** As many retries as are allowed at this moment. */
    takeAll() {
      let taken = 0;
      while (taken < 10_000 && budget.takeRetry()) taken += 1;
      return taken;
    },
  };
}

describe("retries in ten seconds", () => {
  it("are thirty where calls are rare", () => {
    const { clock, budget, takeAll } = budgetAt();
    expect(takeAll()).toBe(30);
    clock.ms += 9000;
    expect(budget.takeRetry()).toBe(false);
    clock.ms += 1000;
    expect(takeAll()).toBe(30);
  });

  it("are counted by the process's own clock", () => {
    const budget = createRetryBudget();
    const takeAll = () => Array.from({ length: 100 }, () => budget.takeRetry()).filter(Boolean);
    expect(takeAll()).toHaveLength(30);
    vi.advanceTimersByTime(10_000);
    expect(takeAll()).toHaveLength(30);
  });

  it("may spend the last hundredth", () => {
    const { budget, recordCalls, takeAll } = budgetAt();
    recordCalls(200); // As much as can be saved up: ten.
    expect(takeAll()).toBe(30); // Twenty owed.
    recordCalls(300); // 27 earned: seven, to the hundredth.
    expect(takeAll()).toBe(7);
    expect(budget.takeRetry()).toBe(false);
  });

  it("are not saved up in hours of health", () => {
    const { recordCalls, takeAll } = budgetAt();
    recordCalls(100_000);
    expect(takeAll()).toBe(30);
  });

  it("that were free are paid for by the calls that follow", () => {
    const { recordCalls, takeAll } = budgetAt();
    takeAll(); // 30 owed: 334 calls, at 9 hundredths each.
    recordCalls(334);
    expect(takeAll()).toBe(0);
    recordCalls(12);
    expect(takeAll()).toBe(1);
  });

  it.each([100, 400, 2000])(
    "at %i calls a second, all of which fail, are at most a tenth of the calls of any outage",
    (callsPerSecond) => {
      const { clock, budget, recordCalls } = budgetAt();
      recordCalls(20 * callsPerSecond); // Healthy until now.
      let retries = 0;
      for (let call = 1; call <= 30 * callsPerSecond; call += 1) {
        clock.ms += 1000 / callsPerSecond;
        budget.recordCall();
        if (budget.takeRetry()) retries += 1;
        if (call >= 10 * callsPerSecond) expect(retries / call).toBeLessThanOrEqual(0.1);
      }
      expect(retries).toBeGreaterThan(0.085 * 30 * callsPerSecond);
    },
  );

  it("are at most a tenth of the calls and ten, or three per second, however they come", () => {
    const step = fc.record({ passesMs: fc.nat({ max: 3000 }), calls: fc.nat({ max: 400 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { clock, recordCalls, takeAll } = budgetAt();
        const log: { second: number; calls: number; retries: number }[] = [];
        for (const { passesMs, calls } of steps) {
          clock.ms += passesMs;
          recordCalls(calls);
          const second = Math.floor(clock.ms / 1000);
          log.push({ second, calls, retries: takeAll() });
          const recent = log.filter((each) => each.second > second - 10);
          const all = (of: "calls" | "retries") => recent.reduce((sum, each) => sum + each[of], 0);
          if (log.at(-1)?.retries)
            expect(all("retries")).toBeLessThanOrEqual(Math.max(30, 10 + 0.09 * all("calls")));
        }
      }),
      { seed: SEED, numRuns: 300 },
    );
  });
});
