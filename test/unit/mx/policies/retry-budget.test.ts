import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRetryBudget } from "../../../../src/mx/policies/retry-budget.ts";
import { SEED } from "../../fakes.ts";

/** A budget on a clock that the test moves. */
function budgetAt(ms = 1_000_000) {
  const clock = { ms };
  const budget = createRetryBudget({ now: () => clock.ms });
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
