import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CallKind, createBudget } from "../../../src/session/budget.ts";
import { SEED } from "../fakes.ts";

const LIMITS: [CallKind, number][] = [
  ["read", 10],
  ["create_user", 2],
  ["create_member", 2],
  ["update_member", 2],
  ["widget_url", 4],
];
const KINDS = LIMITS.map(([kind]) => kind);

/** A budget on a clock that the test moves. */
function budgetAt(deadlineMs = 8000) {
  const clock = { ms: 1_000_000 };
  return { clock, budget: createBudget({ deadlineMs, now: () => clock.ms }) };
}

describe("the time of a request", () => {
  it("runs down to its deadline and not below zero", () => {
    const { clock, budget } = budgetAt(8000);
    expect(budget.remainingMs()).toBe(8000);
    clock.ms += 3000;
    expect(budget.remainingMs()).toBe(5000);
    clock.ms += 60_000;
    expect(budget.remainingMs()).toBe(0);
  });

  it.each([
    [250, true],
    [249, false],
    [0, false],
    [-1, false],
  ])("with %i ms left starts a call: %s", (leftMs, allowed) => {
    const { clock, budget } = budgetAt(8000);
    clock.ms += 8000 - leftMs;
    expect(budget.allows("read", 0)).toBe(allowed);
    if (allowed) expect(() => budget.spend("read")).not.toThrow();
    else
      expect(() => budget.spend("read")).toThrow(
        expect.objectContaining({
          code: "upstream_timeout",
          upstream: { operation: "session", outcome: "not_sent", reason: "deadline" },
        }),
      );
  });

  it.each([
    [750, true],
    [751, false],
  ])("with a second left allows a call after %i ms: %s", (waitMs, allowed) => {
    expect(budgetAt(1000).budget.allows("read", waitMs)).toBe(allowed);
  });

  it("pays nothing for a call that could not start", () => {
    const { clock, budget } = budgetAt();
    clock.ms += 8000;
    expect(() => budget.spend("read")).toThrow();
    expect(budget.spent()).toBe(0);
  });
});

describe("a caller that has gone", () => {
  it("leaves no time for anything new, at MX or elsewhere", () => {
    const { budget } = budgetAt();
    budget.abandon();
    expect(budget.remainingMs()).toBe(0);
    expect(budget.allows("read", 0)).toBe(false);
  });
});

describe("the calls of a request", () => {
  it.each(LIMITS)("of the kind %s are at most %i", (kind, limit) => {
    const { budget } = budgetAt();
    for (let call = 0; call < limit; call += 1) budget.spend(kind);
    expect(budget.allows(kind, 0)).toBe(false);
    expect(() => budget.spend(kind)).toThrow(
      expect.objectContaining({
        code: "upstream_unavailable",
        retryAfterSeconds: 1,
        upstream: { operation: "session", outcome: "not_sent", reason: "call_limit" },
      }),
    );
    expect(budget.spent()).toBe(limit);
  });

  it("of one kind leave the others theirs", () => {
    const { budget } = budgetAt();
    budget.spend("create_user");
    budget.spend("create_user");
    expect(budget.allows("create_member", 0)).toBe(true);
  });

  it("are ten in all, however they are mixed", () => {
    const { budget } = budgetAt();
    for (const [kind, limit] of LIMITS.slice(1))
      for (let call = 0; call < limit; call += 1) budget.spend(kind);
    expect(budget.spent()).toBe(10);
    expect(budget.allows("read", 0)).toBe(false);
    expect(() => budget.spend("read")).toThrow();
  });

  it("end when the caller has gone", () => {
    const { budget } = budgetAt();
    budget.spend("read");
    budget.abandon();
    expect(budget.allows("read", 0)).toBe(false);
    expect(() => budget.spend("read")).toThrow(
      expect.objectContaining({ upstream: expect.objectContaining({ reason: "client_gone" }) }),
    );
  });

  it("are never more than ten in all, in any order, and never late", () => {
    const step = fc.record({ kind: fc.constantFrom(...KINDS), passesMs: fc.nat({ max: 1500 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { clock, budget } = budgetAt();
        const paid: CallKind[] = [];
        for (const { kind, passesMs } of steps) {
          clock.ms += passesMs;
          const isAllowed = budget.allows(kind, 0);
          try {
            budget.spend(kind);
            paid.push(kind);
            expect(isAllowed).toBe(true);
            expect(budget.remainingMs()).toBeGreaterThanOrEqual(250);
          } catch (error) {
            expect(error).toHaveProperty("code");
            expect(isAllowed).toBe(false);
          }
        }
        expect(paid.length).toBeLessThanOrEqual(10);
        expect(budget.spent()).toBe(paid.length);
        for (const [kind, limit] of LIMITS)
          expect(paid.filter((one) => one === kind).length).toBeLessThanOrEqual(limit);
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});
