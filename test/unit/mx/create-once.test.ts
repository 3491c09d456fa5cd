/** With a clock that the tests move. MX shows a thing from `visibleAtMs` on. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Outcome } from "../../../src/mx/call.ts";
import { createCreateOnce } from "../../../src/mx/create-once.ts";
import { toAppError } from "../../../src/mx/outcome.ts";
import { createBudget } from "../../../src/session/budget.ts";
import { answerOf } from "../fakes.ts";

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
    return createOnce(
      "ada",
      {
        kind: "create_user",
        async create() {
          steps.push(`${name} creates`);
          const { outcome } = mx;
          await new Promise((resolve) => setTimeout(resolve, CREATE_MS));
          return answerOf(outcome, { operation: "platform.create_user" });
        },
        toCreated(answer) {
          if (answer.outcome === "ok") return "created";
          throw toAppError(answer);
        },
        async find() {
          steps.push(`${name} looks`);
          return performance.now() - startedAt >= mx.visibleAtMs ? "found" : undefined;
        },
        ...(knowsExisting && { toExisting: () => "existing" }),
        settleMs: 200,
        showsWithinMs: SHOWS_WITHIN_MS,
      },
      createBudget({ deadlineMs }),
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

  it("does not wait for what it has no time to wait for", async () => {
    const { login, steps } = startMx({ outcome: "ok", visibleAtMs: 60_000 });
    const logins = Promise.all([login("a"), login("b", 400)]);
    await vi.runAllTimersAsync();

    expect(await logins).toEqual(["created", "created"]);
    expect(steps).toEqual(["a creates", "b looks", "b creates"]);
  });
});
