import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AppError } from "../../../src/errors.ts";
import type { Answer, Outcome } from "../../../src/mx/call.ts";
import { createOrFind } from "../../../src/mx/create-or-find.ts";
import { toAppError } from "../../../src/mx/outcome.ts";
import { type Budget, createBudget } from "../../../src/session/budget.ts";
import { answerOf, SEED } from "../fakes.ts";

beforeEach(() => void vi.useFakeTimers({ fakeNodeBuiltins: true }));
afterEach(() => void vi.useRealTimers());

const SETTLE_MS = 200;

type Scenario = {
  creates: readonly Outcome[];
  /** Whether each look finds it; the last one counts for all later ones. */
  finds?: readonly boolean[];
  knowsExisting?: boolean;
  deadlineMs?: number;
  /** How long each call takes. */
  callMs?: number;
  /** The request may spend whatever it wants. */
  isUnlimited?: boolean;
};

/** Tells the steps in order, with the time at which each began. */
async function run(scenario: Scenario) {
  const {
    creates,
    finds = [false],
    knowsExisting = false,
    deadlineMs = 8000,
    callMs = 0,
  } = scenario;
  const { isUnlimited = false } = scenario;
  const budget: Budget = {
    ...createBudget({ deadlineMs }),
    ...(isUnlimited && { allows: () => true, spend: () => undefined }),
  };
  const startedAt = performance.now();
  const steps: string[] = [];
  const times: number[] = [];
  let audited = 0;
  const counts = { create: 0, find: 0 };

  function nth<T>(step: keyof typeof counts, values: readonly T[]): T | undefined {
    steps.push(step);
    times.push(performance.now() - startedAt);
    counts[step] += 1;
    return values[Math.min(counts[step], values.length) - 1];
  }
  const pass = () => new Promise((resolve) => setTimeout(resolve, callMs));

  const working = createOrFind<string>(
    {
      kind: "create_user",
      async create(): Promise<Answer> {
        budget.spend("create_user");
        const outcome = nth("create", creates) ?? "ok";
        await pass();
        return answerOf(outcome, { operation: "sso.create_user" });
      },
      toCreated(answer) {
        if (answer.outcome === "ok") return "created";
        throw toAppError(answer);
      },
      async find() {
        budget.spend("read");
        const isThere = nth("find", finds);
        await pass();
        return isThere ? "found" : undefined;
      },
      ...(knowsExisting && { toExisting: () => "existing" }),
      settleMs: SETTLE_MS,
      onCreated: () => {
        audited += 1;
      },
    },
    budget,
  );
  const result = working.catch((error: unknown) => {
    if (error instanceof AppError) return error;
    throw error;
  });
  await vi.runAllTimersAsync();
  return { result: await result, steps, times, audited };
}

describe("a create at MX", () => {
  it("that goes well is all there is to do", async () => {
    expect(await run({ creates: ["ok"] })).toMatchObject({ result: "created", steps: ["create"] });
  });

  it.each([
    ["rejected", "upstream_rejected"],
    ["not_found", "upstream_rejected"],
    ["throttled", "upstream_unavailable"],
    ["not_sent", "upstream_unavailable"],
    ["invalid_response", "upstream_bad_response"],
  ] as const)("that is %s ends it with %s", async (outcome, code) => {
    const { result, steps } = await run({ creates: [outcome] });
    expect(result).toMatchObject({ code });
    expect(steps).toEqual(["create"]);
  });

  it.each([
    [["ok"], [false], 1],
    [["conflict"], [true], 0],
    [["ambiguous"], [true], 1],
    [["ambiguous", "ok"], [false], 1],
    [["ambiguous", "conflict"], [false, true], 1],
    [["rejected"], [false], 0],
  ] as const)("%j, looks %j: is audited %i times", async (creates, finds, audited) => {
    expect(await run({ creates, finds })).toMatchObject({ audited });
  });

  describe("when MX says that it exists", () => {
    it("leads to a read, at once", async () => {
      const { result, steps, times } = await run({ creates: ["conflict"], finds: [true] });
      expect(result).toBe("found");
      expect(steps).toEqual(["create", "find"]);
      expect(times).toEqual([0, 0]);
    });

    it("needs no read where that is enough to go on", async () => {
      expect(await run({ creates: ["conflict"], knowsExisting: true })).toMatchObject({
        result: "existing",
        steps: ["create"],
      });
    });

    it.each([
      [
        [false, true],
        [0, 0, SETTLE_MS],
      ],
      [
        [false, false, true],
        [0, 0, SETTLE_MS, 3 * SETTLE_MS],
      ],
    ])("is read again after a moment, for it may not show yet (%j)", async (finds, at) => {
      const { result, times } = await run({ creates: ["conflict"], finds });
      expect(result).toBe("found");
      expect(times).toEqual(at);
    });

    it("but never shows it, gives up without another create", async () => {
      const { result, steps } = await run({ creates: ["conflict"], finds: [false] });
      expect(result).toMatchObject({
        code: "upstream_unavailable",
        upstream: { reason: "conflict_but_not_found" },
      });
      expect(steps).toEqual(["create", "find", "find", "find"]);
    });

    it("is not read again where there is no time for it", async () => {
      const { result, steps } = await run({ creates: ["conflict"], deadlineMs: 400 });
      expect(result).toMatchObject({ upstream: { reason: "conflict_but_not_found" } });
      expect(steps).toEqual(["create", "find"]);
    });
  });

  describe("when the answer was lost", () => {
    it("is looked for after a moment, and found", async () => {
      const { result, steps, times } = await run({ creates: ["ambiguous"], finds: [true] });
      expect(result).toBe("found");
      expect(steps).toEqual(["create", "find"]);
      expect(times).toEqual([0, SETTLE_MS]);
    });

    it("is repeated once MX says that nothing is there", async () => {
      const { result, steps } = await run({ creates: ["ambiguous", "ok"], finds: [false] });
      expect(result).toBe("created");
      expect(steps).toEqual(["create", "find", "create"]);
    });

    it("is read again when the second create finds it there after all", async () => {
      const { result, steps } = await run({
        creates: ["ambiguous", "conflict"],
        finds: [false, true],
      });
      expect(result).toBe("found");
      expect(steps).toEqual(["create", "find", "create", "find"]);
    });

    it("is looked for again when the second answer was lost too, and found", async () => {
      const { result, steps } = await run({
        creates: ["ambiguous", "ambiguous"],
        finds: [false, true],
      });
      expect(result).toBe("found");
      expect(steps).toEqual(["create", "find", "create", "find"]);
    });

    it.each([false, true])(
      "is given up after the second time, unfound (unlimited calls: %j)",
      async (isUnlimited) => {
        const { result, steps } = await run({ creates: ["ambiguous"], isUnlimited });
        expect(result).toMatchObject({ code: "upstream_unavailable" });
        expect(steps).toEqual(["create", "find", "create", "find"]);
      },
    );

    it("ends with what the second create says", async () => {
      const { result, steps } = await run({ creates: ["ambiguous", "rejected"] });
      expect(result).toMatchObject({ code: "upstream_rejected" });
      expect(steps).toEqual(["create", "find", "create"]);
    });

    it("is never repeated without a look, even where the time for a look is gone", async () => {
      const { result, steps } = await run({
        creates: ["ambiguous", "ok"],
        deadlineMs: 400,
      });
      expect(steps).toEqual(["create"]);
      expect(result).toMatchObject({ code: "upstream_unavailable" });
    });
  });

  it("is never sent more than twice, and the second time only after a look that found nothing", async () => {
    const outcome = fc.constantFrom<Outcome>(
      "ok",
      "not_found",
      "conflict",
      "throttled",
      "rejected",
      "not_sent",
      "ambiguous",
      "invalid_response",
    );
    const scenario = fc.record({
      creates: fc.array(fc.oneof(fc.constant<Outcome>("ambiguous"), outcome), {
        minLength: 1,
        maxLength: 4,
      }),
      finds: fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }),
      knowsExisting: fc.boolean(),
      deadlineMs: fc.integer({ min: 250, max: 8000 }),
      callMs: fc.nat({ max: 1500 }),
      isUnlimited: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async (options) => {
        const { steps } = await run(options);
        const creates = steps.flatMap((step, index) => (step === "create" ? [index] : []));
        expect(creates.length).toBeLessThanOrEqual(2);
        if (creates[1] !== undefined) {
          expect(steps[creates[1] - 1]).toBe("find");
          expect(options.finds[0]).toBe(false);
        }
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});
