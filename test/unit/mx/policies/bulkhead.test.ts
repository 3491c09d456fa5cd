import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Answer, MxCall, Send } from "../../../../src/mx/call.ts";
import { withBulkhead } from "../../../../src/mx/policies/bulkhead.ts";
import { createBudget } from "../../../../src/session/budget.ts";
import { answerOf, settle } from "../../fakes.ts";

const CALL: MxCall = {
  operation: "sso.read_user",
  userId: "u-1",
  kind: "read",
  method: "GET",
  path: "/user/u-1",
};

/** Sends that end when the test says so, the oldest first. */
function held(connections: number, maxWaiting?: number) {
  const open: PromiseWithResolvers<Answer>[] = [];
  const state = { inFlight: 0, most: 0, started: 0 };
  const send: Send = async () => {
    const end = Promise.withResolvers<Answer>();
    open.push(end);
    state.started += 1;
    state.inFlight += 1;
    state.most = Math.max(state.most, state.inFlight);
    return end.promise.finally(() => {
      state.inFlight -= 1;
    });
  };
  const gated = withBulkhead(send, {
    connections,
    ...(maxWaiting !== undefined && { maxWaiting }),
  });
  return {
    state,
    call: (deadlineMs = 8000) => gated(CALL, createBudget({ deadlineMs })),
    async end(count = 1) {
      for (const each of open.splice(0, count)) each.resolve(answerOf("ok"));
      await settle();
    },
    async fail() {
      open.shift()?.reject(new Error("failed"));
      await settle();
    },
  };
}

describe("the bulkhead before the pool", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("lets as many calls through as there are connections", async () => {
    const { state, call, end } = held(3);
    const calls = Array.from({ length: 9 }, () => call());
    await settle();
    expect(state.started).toBe(3);
    while (state.inFlight > 0) await end(2);
    await Promise.all(calls);
    expect(state).toMatchObject({ started: 9, most: 3 });
  });

  it("lets those who wait through in the order in which they came", async () => {
    const { call, end } = held(1);
    const order: number[] = [];
    const calls = [1, 2, 3].map((each) => call().then(() => order.push(each)));
    await settle();
    const late = end().then(() =>
      call()
        .then(() => order.push(4))
        .catch(() => undefined),
    );
    for (let turn = 0; turn < 4; turn += 1) await end();
    await Promise.all([...calls, late]);
    expect(order).toEqual([1, 2, 3, 4]);
  });

  it.each([
    ["twice as many", undefined, 6],
    ["as many as were allowed", 1, 3],
    ["none may", 0, 2],
  ])("refuses at once when %s wait already", async (_what, maxWaiting, count) => {
    const { call, end } = held(2, maxWaiting);
    const calls = Array.from({ length: count }, () => call());
    await expect(call()).rejects.toMatchObject({
      code: "upstream_unavailable",
      retryAfterSeconds: 1,
      upstream: { operation: "sso.read_user", outcome: "not_sent", reason: "bulkhead_full" },
    });
    for (let turn = 0; turn < 3; turn += 1) await end(2);
    await Promise.all(calls);
  });

  it.each([
    [8000, 999],
    [600, 349],
  ])("lets a call with %i ms left wait for %i ms", async (deadlineMs, waitMs) => {
    const { state, call, end } = held(1);
    const calls = [call(), call(deadlineMs)];
    await vi.advanceTimersByTimeAsync(waitMs);
    await end();
    expect(state.started).toBe(2);
    await end();
    await Promise.all(calls);
  });

  it("lets nobody wait for more than a second", async () => {
    const { state, call, end } = held(1);
    const first = call();
    const second = expect(call()).rejects.toMatchObject({ upstream: { reason: "bulkhead_wait" } });
    await vi.advanceTimersByTimeAsync(1000);
    await second;
    await end();
    await first;
    expect(state.started).toBe(1);
  });

  it("lets nobody wait until there is too little time for the call itself", async () => {
    const { call, end } = held(1);
    const first = call();
    const second = expect(call(600)).rejects.toMatchObject({
      upstream: { reason: "bulkhead_wait" },
    });
    await vi.advanceTimersByTimeAsync(350);
    await second;
    await end();
    await first;
  });

  it("keeps its places after a call that failed, and after one that gave up waiting", async () => {
    const { state, call, end, fail } = held(1);
    const failing = expect(call()).rejects.toThrow("failed");
    const late = expect(call(600)).rejects.toMatchObject({ code: "upstream_unavailable" });
    await vi.advanceTimersByTimeAsync(350);
    await late;
    const patient = call();
    await fail();
    await failing;
    expect(state.inFlight).toBe(1);
    await end();
    await patient;
    const last = call();
    await settle();
    expect(state.inFlight).toBe(1);
    await end();
    await last;
    expect(vi.getTimerCount()).toBe(0);
  });
});
