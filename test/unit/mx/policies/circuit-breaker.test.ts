import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AppError } from "../../../../src/errors.ts";
import type { Answer, MxCall, Send } from "../../../../src/mx/call.ts";
import {
  type CircuitBreakerOptions,
  withCircuitBreaker,
} from "../../../../src/mx/policies/circuit-breaker.ts";
import { createBudget } from "../../../../src/session/budget.ts";
import { answerOf, frozenBudget, settle } from "../../fakes.ts";

const CALL: MxCall = {
  operation: "sso.read_user",
  userId: "u-1",
  kind: "read",
  method: "GET",
  path: "/user/u-1",
};
const DOWN = answerOf("ambiguous", { status: 502 });
const OPEN = {
  code: "upstream_unavailable",
  retryAfterSeconds: 5,
  upstream: { operation: "sso.read_user", outcome: "not_sent", reason: "circuit_open" },
};

/** An MX that answers what the test says, behind a breaker. */
function mx({ random = () => 0.5, ...options }: CircuitBreakerOptions = {}) {
  const state = { answer: answerOf("ok") as Answer, calls: 0, takesMs: 0, isGateFull: false };
  const send: Send = async (call, budget) => {
    budget.spend(call.kind);
    if (state.isGateFull) throw new AppError("upstream_unavailable", "not sent");
    state.calls += 1;
    const { answer } = state;
    if (state.takesMs > 0) await new Promise((resolve) => setTimeout(resolve, state.takesMs));
    return answer;
  };
  const breaking = withCircuitBreaker(send, { ...options, random });
  let users = 0;
  /** Each of another user, unless the test names one. */
  const call = (userId?: string) => {
    users += 1;
    const other = { ...CALL, userId: userId ?? `u-${users}` };
    return breaking(other, createBudget({ deadlineMs: 8000 }));
  };
  async function calls(
    count: number,
    answer: Answer,
    overMs = 3000,
    userId?: string,
  ): Promise<void> {
    state.answer = answer;
    for (let index = 0; index < count; index += 1) {
      await call(userId).catch(() => undefined);
      await vi.advanceTimersByTimeAsync(overMs / count);
    }
  }
  return { state, call, calls, breaking };
}

describe("the circuit breaker", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("lets every call through while MX is well", async () => {
    const { state, calls } = mx();
    await calls(100, answerOf("ok"));
    expect(state.calls).toBe(100);
  });

  it("leaves MX alone when most calls fail, and answers at once", async () => {
    const { state, call, calls } = mx();
    await calls(40, DOWN);
    const before = state.calls;
    expect(before).toBeLessThan(40);
    await expect(call()).rejects.toMatchObject(OPEN);
    expect(state.calls).toBe(before);
  });

  it("is not moved by few calls", async () => {
    const { state, calls } = mx();
    await calls(19, DOWN);
    expect(state.calls).toBe(19);
  });

  it("is not moved by fewer failures than half", async () => {
    const { state, calls } = mx();
    for (let round = 0; round < 20; round += 1) {
      await calls(3, answerOf("ok"), 300);
      await calls(2, DOWN, 200);
    }
    expect(state.calls).toBe(100);
  });

  it("is moved by 10 failures in 20 calls", async () => {
    const { state, calls } = mx();
    for (let round = 0; round < 20; round += 1) {
      await calls(1, answerOf("ok"), 100);
      await calls(1, DOWN, 100);
    }
    expect(state.calls).toBe(20);
  });

  it("forgets what is longer ago than ten seconds, however few calls there are", async () => {
    const { state, calls } = mx();
    await calls(19, DOWN);
    await vi.advanceTimersByTimeAsync(60_000);
    await calls(19, DOWN);
    expect(state.calls).toBe(38);
  });

  it.each<[string, Answer, boolean]>([
    ["a connection that cannot be made", answerOf("not_sent"), true],
    ["a connection that is cut", answerOf("ambiguous", { reason: "und_err_socket" }), true],
    ["no answer in time", answerOf("ambiguous", { reason: "timeout" }), true],
    ["502", answerOf("ambiguous", { status: 502 }), true],
    ["503 that says so", answerOf("throttled", { status: 503 }), true],
    ["an answer that is none", answerOf("invalid_response", { reason: "content_type" }), true],
    ["429", answerOf("throttled", { status: 429 }), false],
    ["a User or Member that does not exist", answerOf("not_found", { status: 500 }), false],
    ["a User that exists already", answerOf("conflict", { status: 400 }), false],
    ["a request that MX rejects", answerOf("rejected", { status: 401 }), false],
  ])("counts %s as a failure: %4$s", async (_what, answer, isFailure) => {
    const { state, calls } = mx();
    await calls(40, answer);
    expect(state.calls < 40).toBe(isFailure);
  });

  describe("after a failure of MX", () => {
    it.each([
      [0, 4000],
      [0.5, 5000],
      [1, 6000],
    ])("tries again after 5 s, give or take a fifth (chance %d: %i ms)", async (chance, openMs) => {
      const { state, call, breaking } = mx({ random: () => chance });
      state.answer = DOWN;
      for (let index = 0; index < 40; index += 1) await call().catch(() => undefined);
      const before = state.calls;
      state.answer = answerOf("ok");
      await vi.advanceTimersByTimeAsync(openMs - 1);
      await expect(call()).rejects.toMatchObject(OPEN);
      await vi.advanceTimersByTimeAsync(1);
      const budget = createBudget({ deadlineMs: 8000 });
      expect(await breaking(CALL, budget)).toMatchObject({ outcome: "ok" });
      expect(state.calls).toBe(before + 1);
    });

    it("tries with one call; the others are answered at once", async () => {
      const { state, call } = mx();
      state.answer = DOWN;
      for (let index = 0; index < 40; index += 1) await call().catch(() => undefined);
      const before = state.calls;
      Object.assign(state, { answer: answerOf("ok"), takesMs: 500 });
      await vi.advanceTimersByTimeAsync(5000);
      const probe = call();
      await settle();
      for (let index = 0; index < 10; index += 1) await expect(call()).rejects.toMatchObject(OPEN);
      expect(state.calls).toBe(before + 1);
      await vi.advanceTimersByTimeAsync(500);
      expect(await probe).toMatchObject({ outcome: "ok" });
      state.takesMs = 0;
      expect(await call()).toMatchObject({ outcome: "ok" });
    });

    it("lets go with it what the same request asks beside it", async () => {
      const { state, breaking, calls, call } = mx();
      await calls(40, DOWN);
      await vi.advanceTimersByTimeAsync(5000);
      Object.assign(state, { answer: answerOf("ok"), takesMs: 100, calls: 0 });

      const budget = createBudget({ deadlineMs: 8000 });
      const both = Promise.all([breaking(CALL, budget), breaking(CALL, budget)]);
      await expect(call()).rejects.toMatchObject(OPEN);
      await vi.advanceTimersByTimeAsync(100);
      expect(await both).toMatchObject([{ outcome: "ok" }, { outcome: "ok" }]);
      expect(state.calls).toBe(2);
    });

    it("starts anew once that call has succeeded: no failure from before counts", async () => {
      const { state, call, calls } = mx();
      await calls(40, DOWN, 2000, "mallory");
      await calls(40, DOWN, 2000);
      await vi.advanceTimersByTimeAsync(5000);
      await calls(1, answerOf("ok"), 100);
      state.calls = 0;
      await calls(18, DOWN, 100);
      await calls(2, DOWN, 100, "mallory"); // With the last one it opens again.
      await expect(call()).rejects.toMatchObject(OPEN);
      expect(state.calls).toBe(20);
    });

    it("is seen in each of its states", async () => {
      let read = (): string => "unwatched";
      const watchBreaker: CircuitBreakerOptions["watchBreaker"] = (watched) => {
        read = watched;
      };
      const { state, call } = mx({ watchBreaker });
      expect(read()).toBe("closed");
      state.answer = DOWN;
      for (let index = 0; index < 40; index += 1) await call().catch(() => undefined);
      expect(read()).toBe("open");
      Object.assign(state, { answer: answerOf("ok"), takesMs: 100 });
      await vi.advanceTimersByTimeAsync(5000);
      const probe = call();
      await settle();
      expect(read()).toBe("half_open");
      await vi.advanceTimersByTimeAsync(100);
      await probe;
      expect(read()).toBe("closed");
    });

    it("waits again when that call fails too", async () => {
      const { state, call } = mx();
      state.answer = DOWN;
      for (let index = 0; index < 40; index += 1) await call().catch(() => undefined);
      await vi.advanceTimersByTimeAsync(5000);
      expect(await call()).toMatchObject({ outcome: "ambiguous" });
      await expect(call()).rejects.toMatchObject(OPEN);
    });

    it("does not take a call that was never sent for a sign of life", async () => {
      const { state, call } = mx();
      state.answer = DOWN;
      for (let index = 0; index < 40; index += 1) await call().catch(() => undefined);
      await vi.advanceTimersByTimeAsync(5000);
      state.isGateFull = true;
      await expect(call()).rejects.toMatchObject({ message: "not sent" });
      state.isGateFull = false;
      const before = state.calls;
      for (let index = 0; index < 10; index += 1) await call().catch(() => undefined);
      expect(state.calls).toBeLessThanOrEqual(before + 1);
    });

    it("tries again later where a call of that kind took the try", async () => {
      const { state, call } = mx();
      state.answer = DOWN;
      for (let index = 0; index < 40; index += 1) await call().catch(() => undefined);
      await vi.advanceTimersByTimeAsync(5000);
      state.isGateFull = true;
      await expect(call()).rejects.toMatchObject({ message: "not sent" });
      Object.assign(state, { isGateFull: false, answer: answerOf("ok") });
      await vi.advanceTimersByTimeAsync(5000);
      expect(await call()).toMatchObject({ outcome: "ok" });
    });

    it("tries on a new connection, and trusts none of the others", async () => {
      const calls: MxCall[] = [];
      let answer: Answer = DOWN;
      const send: Send = async (call) => {
        calls.push(call);
        return answer;
      };
      const ask = withCircuitBreaker(send, { random: () => 0.5 });
      for (let user = 0; user < 20; user += 1) {
        await ask({ ...CALL, userId: `u-${user}` }, frozenBudget());
      }
      answer = answerOf("ok");
      await vi.advanceTimersByTimeAsync(5000);
      for (let turn = 0; turn < 2; turn += 1) await ask(CALL, frozenBudget());
      const trial = { ...CALL, newConnection: true, isTrial: true };
      expect(calls.slice(20)).toEqual([trial, CALL]);
    });

    it("tries again after the same time when the machine's clock is put back", async () => {
      const { state, call } = mx();
      state.answer = DOWN;
      for (let index = 0; index < 40; index += 1) await call().catch(() => undefined);
      state.answer = answerOf("ok");
      await vi.advanceTimersByTimeAsync(3000);
      vi.setSystemTime(Date.now() - 3_600_000);
      await vi.advanceTimersByTimeAsync(3000);
      expect(await call()).toMatchObject({ outcome: "ok" });
    });

    it("does not take a caller without time or calls for a sign of life", async () => {
      const { state, call, breaking } = mx();
      state.answer = DOWN;
      for (let index = 0; index < 40; index += 1) await call().catch(() => undefined);
      await vi.advanceTimersByTimeAsync(5000);
      const before = state.calls;
      await expect(breaking(CALL, createBudget({ deadlineMs: 100 }))).rejects.toMatchObject({
        code: "upstream_timeout",
      });
      expect(state.calls).toBe(before);
      expect(await call()).toMatchObject({ outcome: "ambiguous" });
    });
  });
});

describe("a user whose requests fail", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("does not open the breaker alone, however many there are", async () => {
    const { state, calls } = mx();
    await calls(200, DOWN, 9000, "mallory");
    expect(state.calls).toBe(200);
    await calls(20, answerOf("ok"));
    expect(state.calls).toBe(220);
  });

  it("does not open it beside the requests of others", async () => {
    const { state, calls } = mx();
    for (let round = 0; round < 30; round += 1) {
      await calls(1, answerOf("ok"), 100);
      await calls(5, DOWN, 100, "mallory");
    }
    expect(state.calls).toBe(30 * 6);
  });

  it.each([
    [6, false],
    [7, true],
  ])("is counted three times: %i of them make twenty failures: %s", async (users, isOpen) => {
    const { state, calls, call } = mx();
    for (let user = 0; user < users; user += 1) await calls(10, DOWN, 300, `user ${user}`);
    const before = state.calls;
    state.answer = answerOf("ok");
    await call().catch(() => undefined);
    expect(state.calls === before).toBe(isOpen);
  });

  it("is counted anew after ten seconds", async () => {
    const { state, calls } = mx();
    await calls(19, DOWN, 900);
    await calls(3, answerOf("ok"), 8000);
    await calls(1, DOWN, 100, "u-1");
    await calls(20, DOWN, 1900);
    expect(state.calls).toBeLessThan(19 + 3 + 1 + 20);
  });

  it("does not keep it open: after a try in vain somebody else tries first", async () => {
    const { state, calls, call } = mx();
    await calls(40, DOWN);
    await vi.advanceTimersByTimeAsync(5000);
    expect(await call("mallory")).toMatchObject({ outcome: "ambiguous" });
    await vi.advanceTimersByTimeAsync(5000);

    await expect(call("mallory")).rejects.toMatchObject(OPEN);
    state.answer = answerOf("ok");
    expect(await call("ada")).toMatchObject({ outcome: "ok" });
    expect(await call("mallory")).toMatchObject({ outcome: "ok" });
  });

  it("tries again when nobody else does", async () => {
    const { state, calls, call } = mx();
    await calls(40, DOWN);
    await vi.advanceTimersByTimeAsync(5000);
    await call("ada");
    state.answer = answerOf("ok");
    await vi.advanceTimersByTimeAsync(9999);
    await expect(call("ada")).rejects.toMatchObject(OPEN);
    await vi.advanceTimersByTimeAsync(1);
    expect(await call("ada")).toMatchObject({ outcome: "ok" });
  });
});

describe("a call that ends after the breaker has moved", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** Forty calls that are sent before the breaker opens, and fail only when the test says so. */
  async function withLateFailures() {
    const late = Promise.withResolvers<Answer>();
    let answer: Answer | Promise<Answer> = late.promise;
    let users = 0;
    const ask = withCircuitBreaker(async () => answer, { random: () => 0.5 });
    const call = () => {
      users += 1;
      return ask({ ...CALL, userId: `u-${users}` }, frozenBudget());
    };
    const pending = Array.from({ length: 40 }, call);
    answer = DOWN;
    for (let index = 0; index < 20; index += 1) await call().catch(() => undefined);
    await expect(call()).rejects.toMatchObject(OPEN);
    return {
      call,
      answerWith(next: Answer) {
        answer = next;
      },
      async endLate() {
        late.resolve(DOWN);
        await Promise.all(pending);
      },
    };
  }

  it("does not keep it open for longer", async () => {
    const { call, answerWith, endLate } = await withLateFailures();
    await vi.advanceTimersByTimeAsync(4900);
    await endLate();
    answerWith(answerOf("ok"));
    await vi.advanceTimersByTimeAsync(100);
    expect(await call()).toMatchObject({ outcome: "ok" });
  });

  it("does not open it again once it has closed", async () => {
    const { call, answerWith, endLate } = await withLateFailures();
    answerWith(answerOf("ok"));
    await vi.advanceTimersByTimeAsync(5000);
    expect(await call()).toMatchObject({ outcome: "ok" });
    await endLate();
    expect(await call()).toMatchObject({ outcome: "ok" });
  });

  it("does not end the try that is under way", async () => {
    const { call, answerWith, endLate } = await withLateFailures();
    answerWith(answerOf("ok"));
    await vi.advanceTimersByTimeAsync(5000);
    const trial = call();
    await endLate();
    expect(await trial).toMatchObject({ outcome: "ok" });
    expect(await call()).toMatchObject({ outcome: "ok" });
  });
});

describe("a try that meets a stale connection", () => {
  it("closes nothing: its repeat is the try", async () => {
    let nowMs = 0;
    let answer = answerOf("ambiguous");
    let state = (): string => "unwatched";
    const ask = withCircuitBreaker(async () => answer, {
      now: () => nowMs,
      random: () => 0.5,
      watchBreaker(read) {
        state = read;
      },
    });
    for (let count = 0; count < 20; count += 1) {
      await ask({ ...CALL, userId: `u-${count}` }, frozenBudget());
    }

    nowMs = 6100;
    const budget = frozenBudget();
    answer = answerOf("ambiguous", { reason: "stale_connection" });
    await ask(CALL, budget);
    expect(state()).toBe("open");
    answer = answerOf("ambiguous");
    await ask(CALL, budget);

    await expect(ask(CALL, frozenBudget())).rejects.toMatchObject({ code: "upstream_unavailable" });
  });
});
