import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRetryBudget } from "../../src/mx/retry-budget.ts";
import { SEED } from "./fakes.ts";

/** A budget on a clock that the test moves. */
function budgetAt(ms = 1_000_000) {
  const clock = { ms };
  return { clock, budget: createRetryBudget({ now: () => clock.ms }) };
}

/** As many retries as are allowed at this moment. */
function takeAll(budget: ReturnType<typeof createRetryBudget>): number {
  let taken = 0;
  while (taken < 10_000 && budget.takeRetry()) taken += 1;
  return taken;
}

describe("retries in ten seconds", () => {
  it.each([
    [0, 30],
    [100, 30],
    [300, 30],
    [309, 30],
    [319, 31],
    [1000, 100],
    [5000, 500],
  ])("after %i calls are %i", (calls, retries) => {
    const { budget } = budgetAt();
    for (let call = 0; call < calls; call += 1) budget.recordCall();
    expect(takeAll(budget)).toBe(retries);
  });

  it("are free again when ten seconds have passed", () => {
    const { clock, budget } = budgetAt();
    takeAll(budget);
    clock.ms += 9000;
    expect(budget.takeRetry()).toBe(false);
    clock.ms += 1000;
    expect(takeAll(budget)).toBe(30);
  });

  it("do not live from calls of long ago", () => {
    const { clock, budget } = budgetAt();
    for (let call = 0; call < 10_000; call += 1) budget.recordCall();
    clock.ms += 60_000;
    expect(takeAll(budget)).toBe(30);
  });

  it("are at most a tenth of the calls, or three per second, however they come", () => {
    const step = fc.record({ passesMs: fc.nat({ max: 3000 }), calls: fc.nat({ max: 400 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { clock, budget } = budgetAt();
        const log: { second: number; calls: number; retries: number }[] = [];
        for (const { passesMs, calls } of steps) {
          clock.ms += passesMs;
          for (let call = 0; call < calls; call += 1) budget.recordCall();
          const second = Math.floor(clock.ms / 1000);
          log.push({ second, calls, retries: takeAll(budget) });
          const recent = log.filter((each) => each.second > second - 10);
          const all = (of: "calls" | "retries") => recent.reduce((sum, each) => sum + each[of], 0);
          if (log.at(-1)?.retries)
            expect(all("retries")).toBeLessThanOrEqual(Math.max(30, Math.floor(all("calls") / 10)));
        }
      }),
      { seed: SEED, numRuns: 200 },
    );
  });
});
