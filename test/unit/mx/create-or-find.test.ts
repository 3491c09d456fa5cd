/** With a clock that the tests move. MX shows a thing from `visibleAtMs` on. */

import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AppError } from "../../../src/errors.ts";
import type { Outcome } from "../../../src/mx/call.ts";
import { createCreateOnce, createOrFind } from "../../../src/mx/create-or-find.ts";
import { toAppError } from "../../../src/mx/outcome.ts";
import { type Budget, createBudget } from "../../../src/session/budget.ts";
import { answerOf, contextOf, SEED } from "../fakes.ts";

beforeEach(() => void vi.useFakeTimers({ fakeNodeBuiltins: true }));
afterEach(() => void vi.useRealTimers());

const SETTLE_MS = 200;
const CREATE = {
  operation: "sso.create_user",
  userId: "ada",
  kind: "create_user",
  method: "POST",
  path: "/user",
  serializeBy: "ada",
} as const;

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
  /** "Not found" is a result, as for a Member without its User. */
  mayBeUnowned?: boolean;
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
  const { isUnlimited = false, mayBeUnowned = false } = scenario;
  const budget: Budget = {
    ...createBudget({ deadlineMs }),
    ...(isUnlimited && { allows: () => true, spend: () => undefined }),
  };
  const startedAt = performance.now();
  const steps: string[] = [];
  const times: number[] = [];
  const newConnections: boolean[] = [];
  const audited: string[] = [];
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
      async send({ newConnection = false }) {
        newConnections.push(newConnection);
        budget.spend("create_user");
        const outcome = nth("create", creates) ?? "ok";
        await pass();
        return answerOf(outcome, { operation: "sso.create_user" });
      },
      call: CREATE,
      toCreated(answer) {
        if (answer.outcome === "ok") return "created";
        if (mayBeUnowned && answer.outcome === "not_found") return "unowned";
        throw toAppError(answer);
      },
      async find({ newConnection }) {
        newConnections.push(newConnection);
        budget.spend("read");
        const isThere = nth("find", finds);
        await pass();
        return isThere ? "found" : undefined;
      },
      ...(knowsExisting && { toExisting: () => "existing" }),
      settleMs: SETTLE_MS,
    },
    { ...contextOf(budget), audit: (event) => void audited.push(event) },
  );
  const result = working.catch((error: unknown) => {
    if (error instanceof AppError) return error;
    throw error;
  });
  await vi.runAllTimersAsync();
  return { result: await result, steps, times, audited, newConnections };
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
    const events = audited === 1 ? ["user_created"] : [];
    expect(await run({ creates, finds })).toMatchObject({ audited: events });
  });

  it("that cannot be is no failure where it may not, and is not audited", async () => {
    const ran = await run({ creates: ["not_found"], mayBeUnowned: true });
    expect(ran).toMatchObject({ result: "unowned", steps: ["create"], audited: [] });
  });

  it.each<[Outcome[], boolean[], boolean[]]>([
    [["conflict"], [true], [false, false]],
    [["conflict"], [false, true], [false, false, true]],
    [["ambiguous"], [true], [false, true]],
    [["ambiguous", "ok"], [false], [false, true, true]],
  ])("%j, looks %j: uses new connections after a failure: %j", async (creates, finds, expected) => {
    expect(await run({ creates, finds })).toMatchObject({ newConnections: expected });
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

beforeEach(() => void vi.useFakeTimers({ fakeNodeBuiltins: true }));
afterEach(() => void vi.useRealTimers());

const SHOWS_WITHIN_MS = 1000;
const CREATE_MS = 100;

type Mx = { outcome: Outcome; visibleAtMs: number; knowsExisting?: boolean };

function startMx({ outcome, visibleAtMs, knowsExisting = false }: Mx) {
  const createOnce = createCreateOnce();
  const startedAt = performance.now();
  const steps: string[] = [];
  const mx = { outcome, visibleAtMs };

  function login(name: string, deadlineMs = 8000): Promise<string> {
    return createOnce<string>(
      {
        async send() {
          steps.push(`${name} creates`);
          const { outcome } = mx;
          await new Promise((resolve) => setTimeout(resolve, CREATE_MS));
          return answerOf(outcome, { operation: "platform.create_user" });
        },
        call: CREATE,
        toCreated(answer) {
          if (answer.outcome === "ok") return "created";
          throw toAppError(answer);
        },
        async find({ newConnection }) {
          steps.push(`${name} looks${newConnection ? " on a new connection" : ""}`);
          return performance.now() - startedAt >= mx.visibleAtMs ? "found" : undefined;
        },
        ...(knowsExisting && { toExisting: () => "existing" }),
        settleMs: 200,
        showsWithinMs: SHOWS_WITHIN_MS,
      },
      contextOf(createBudget({ deadlineMs })),
    );
  }
  return { login, steps, mx, confirm: () => createOnce.confirm("ada") };
}

describe("a create that several requests need", () => {
  it("is sent once, and those who waited look instead", async () => {
    const { login, steps } = startMx({ outcome: "ok", visibleAtMs: 0 });

    const logins = Promise.all(["a", "b", "c"].map((name) => login(name)));
    await vi.runAllTimersAsync();

    expect(await logins).toEqual(["created", "found", "found"]);
    expect(steps).toEqual(["a creates", "b looks", "c looks"]);
  });

  it("is not remembered when ten thousand others came after it", async () => {
    const createOnce = createCreateOnce();
    const looks: string[] = [];
    const login = (key: string) =>
      createOnce<string>(
        {
          send: async () => answerOf("ok", { operation: "platform.create_user" }),
          call: { ...CREATE, serializeBy: key },
          toCreated: () => "created",
          async find() {
            looks.push(key);
            return "found";
          },
          settleMs: 200,
        },
        contextOf(),
      );
    for (let count = 0; count <= 10_000; count += 1) await login(`u-${count}`);

    await login("u-1");
    await login("u-0");

    expect(looks).toEqual(["u-1"]);
  });

  it("is sent once although MX shows late what it has made", async () => {
    const { login, steps } = startMx({ outcome: "ok", visibleAtMs: CREATE_MS + 800 });

    const waiting = Promise.all([login("a"), login("b")]);
    await vi.advanceTimersByTimeAsync(CREATE_MS + 1);
    const late = login("late");
    await vi.runAllTimersAsync();

    expect([...(await waiting), await late]).toEqual(["created", "found", "found"]);
    expect(steps).toEqual(["a creates", "b looks", "b looks", "late looks"]);
  });

  it("needs no look of those who waited where a conflict would need none", async () => {
    const { login, steps } = startMx({
      outcome: "ok",
      visibleAtMs: CREATE_MS + 800,
      knowsExisting: true,
    });

    const waiting = Promise.all([login("a"), login("b")]);
    await vi.advanceTimersByTimeAsync(CREATE_MS + 1);
    const late = login("late");
    await vi.runAllTimersAsync();

    expect([...(await waiting), await late]).toEqual(["created", "existing", "found"]);
    expect(steps).toEqual(["a creates", "late looks", "late looks"]);
  });

  it("is preceded by a look where the request before has failed meanwhile", async () => {
    const { login, steps } = startMx({ outcome: "rejected", visibleAtMs: 0 });

    const logins = Promise.allSettled([login("a"), login("b")]);
    await vi.runAllTimersAsync();

    expect((await logins).map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
    expect(steps).toEqual(["a creates", "b looks"]);
  });

  it("is sent at once where the request before had failed already", async () => {
    const { login, steps, mx } = startMx({ outcome: "rejected", visibleAtMs: 60_000 });
    const first = Promise.allSettled([login("a")]);
    await vi.runAllTimersAsync();
    await first;
    await vi.advanceTimersByTimeAsync(1);
    mx.outcome = "ok";

    const second = login("b");
    await vi.runAllTimersAsync();

    expect(await second).toBe("created");
    expect(steps).toEqual(["a creates", "b creates"]);
  });

  it("is sent again by those who waited where it has failed and nothing is there", async () => {
    const { login, steps, mx } = startMx({ outcome: "rejected", visibleAtMs: 60_000 });

    const logins = Promise.allSettled([login("a"), login("b")]);
    await vi.advanceTimersByTimeAsync(CREATE_MS / 2);
    mx.outcome = "ok";
    await vi.runAllTimersAsync();

    expect((await logins).map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
    expect(steps).toEqual(["a creates", "b looks", "b creates"]);
  });

  it.each([
    ["a moment later, after two looks", 200, ["looks", "looks", "creates"]],
    ["when MX would show it, after one", SHOWS_WITHIN_MS, ["looks", "creates"]],
    ["long after, at once", 3001, ["creates"]],
  ])("is sent again for what was deleted: %s", async (_, afterMs, expected) => {
    const { login, steps } = startMx({ outcome: "ok", visibleAtMs: 60_000 });
    const first = login("a");
    await vi.runAllTimersAsync();
    await first;
    await vi.advanceTimersByTimeAsync(afterMs);

    const second = login("a");
    await vi.runAllTimersAsync();

    expect(await second).toBe("created");
    expect(steps).toEqual(["creates", ...expected].map((step) => `a ${step}`));
  });

  it("is sent again at once, after one look, where MX had shown what it does not find now", async () => {
    const { login, steps, confirm } = startMx({ outcome: "ok", visibleAtMs: 60_000 });
    const first = login("a");
    await vi.runAllTimersAsync();
    await first;
    confirm();
    await vi.advanceTimersByTimeAsync(1);

    const logins = Promise.all([login("b"), login("c")]);
    await vi.runAllTimersAsync();

    expect(await logins).toEqual(["created", "created"]);
    expect(steps).toEqual(["a creates", "b looks", "b creates", "c looks", "c looks", "c creates"]);
  });

  it("is still known to have been shown after others have found it", async () => {
    const { login, steps, mx, confirm } = startMx({ outcome: "ok", visibleAtMs: 0 });
    for (const name of ["a", "b", "c"]) {
      mx.visibleAtMs = name === "c" ? 60_000 : 0;
      const next = login(name);
      await vi.runAllTimersAsync();
      await next;
      if (name === "a") confirm();
      await vi.advanceTimersByTimeAsync(1);
    }
    expect(steps).toEqual(["a creates", "b looks", "c looks", "c creates"]);
  });

  it("does not wait for what it has no time to wait for", async () => {
    const { login, steps } = startMx({ outcome: "ok", visibleAtMs: 60_000 });
    const logins = Promise.all([login("a"), login("b", 400)]);
    await vi.runAllTimersAsync();

    expect(await logins).toEqual(["created", "created"]);
    expect(steps).toEqual(["a creates", "b looks", "b creates"]);
  });
});
