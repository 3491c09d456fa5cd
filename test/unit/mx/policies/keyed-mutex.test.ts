import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { MxCall, Send } from "../../../../src/mx/call.ts";
import { serializeWrites } from "../../../../src/mx/client.ts";
import { createKeyedMutex } from "../../../../src/mx/policies/keyed-mutex.ts";
import { createBudget } from "../../../../src/session/budget.ts";
import { answerOf, frozenBudget, settle } from "../../fakes.ts";

/** Work that ends when the test says so, and tells when it runs. */
function stage() {
  const events: string[] = [];
  const work = (name: string) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const run = async () => {
      events.push(`${name} starts`);
      return promise.finally(() => events.push(`${name} ends`));
    };
    return { run, end: () => resolve(name), fail: () => reject(new Error(name)) };
  };
  return { events, work };
}

describe("work of one user", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  it("is done one after the other, in the order in which it came", async () => {
    const runExclusive = createKeyedMutex();
    const { events, work } = stage();
    const [first, second, third] = [work("first"), work("second"), work("third")];
    const all = [first, second, third].map(({ run }) => runExclusive("u-1", frozenBudget(), run));
    await settle();
    third.end();
    second.end();
    await settle();
    expect(events).toEqual(["first starts"]);

    first.end();
    expect(await Promise.all(all)).toEqual(["first", "second", "third"]);
    expect(events).toEqual([
      "first starts",
      "first ends",
      "second starts",
      "second ends",
      "third starts",
      "third ends",
    ]);
  });

  it("does not wait for another user", async () => {
    const runExclusive = createKeyedMutex();
    const { events, work } = stage();
    const slow = work("u-1");
    const quick = work("u-2");
    const running = runExclusive("u-1", frozenBudget(), slow.run);
    quick.end();
    expect(await runExclusive("u-2", frozenBudget(), quick.run)).toBe("u-2");
    expect(events).toEqual(["u-1 starts", "u-2 starts", "u-2 ends"]);
    slow.end();
    await running;
  });

  it("goes on after work that failed", async () => {
    const runExclusive = createKeyedMutex();
    const { work } = stage();
    const [first, second] = [work("first"), work("second")];
    const failing = runExclusive("u-1", frozenBudget(), first.run);
    const next = runExclusive("u-1", frozenBudget(), second.run);
    first.fail();
    second.end();
    await expect(failing).rejects.toThrow("first");
    expect(await next).toBe("second");
  });

  it("goes on after work that threw at once", async () => {
    const runExclusive = createKeyedMutex();
    const failing = runExclusive("u-1", frozenBudget(), () => {
      throw new Error("at once");
    });
    const next = runExclusive("u-1", frozenBudget(), async () => "next");
    await expect(failing).rejects.toThrow("at once");
    expect(await next).toBe("next");
  });

  it("is given up unstarted when its time runs out while it waits", async () => {
    const runExclusive = createKeyedMutex();
    const { events, work } = stage();
    const [slow, late] = [work("slow"), work("late")];
    const running = runExclusive("u-1", frozenBudget(), slow.run);
    const waiting = runExclusive("u-1", createBudget({ deadlineMs: 1000 }), late.run);
    const refused = expect(waiting).rejects.toMatchObject({ code: "upstream_timeout" });
    await vi.advanceTimersByTimeAsync(1000);
    await refused;
    slow.end();
    await running;
    await settle();
    expect(events).toEqual(["slow starts", "slow ends"]);
  });

  it("keeps its turn although one before it gave up", async () => {
    const runExclusive = createKeyedMutex();
    const { events, work } = stage();
    const [slow, late, patient] = [work("slow"), work("late"), work("patient")];
    const running = runExclusive("u-1", frozenBudget(), slow.run);
    const waiting = runExclusive("u-1", createBudget({ deadlineMs: 1000 }), late.run).catch(
      () => "gone",
    );
    const next = runExclusive("u-1", frozenBudget(), patient.run);
    patient.end();
    await vi.advanceTimersByTimeAsync(1000);
    expect(await waiting).toBe("gone");
    expect(events).toEqual(["slow starts"]);
    slow.end();
    await Promise.all([running, next]);
    expect(events).toEqual(["slow starts", "slow ends", "patient starts", "patient ends"]);
  });

  it("that comes after one that gave up still waits for the work that runs", async () => {
    const runExclusive = createKeyedMutex();
    const { events, work } = stage();
    const [slow, late, newcomer] = [work("slow"), work("late"), work("newcomer")];
    const running = runExclusive("u-1", frozenBudget(), slow.run);
    const waiting = runExclusive("u-1", createBudget({ deadlineMs: 1000 }), late.run).catch(
      () => "gone",
    );
    await vi.advanceTimersByTimeAsync(1000);
    expect(await waiting).toBe("gone");

    const next = runExclusive("u-1", frozenBudget(), newcomer.run);
    newcomer.end();
    await settle();
    expect(events).toEqual(["slow starts"]);
    slow.end();
    await Promise.all([running, next]);
    expect(events).toEqual(["slow starts", "slow ends", "newcomer starts", "newcomer ends"]);
  });

  it("leaves no timer behind", async () => {
    const runExclusive = createKeyedMutex();
    await Promise.all(
      [1, 2, 3].map(() => runExclusive("u-1", frozenBudget(), async () => undefined)),
    );
    expect(vi.getTimerCount()).toBe(0);
  });

  it("leaves nothing in memory, however many users came", async () => {
    const remember = vi.spyOn(Map.prototype, "set");
    const runExclusive = createKeyedMutex();
    const work = Array.from({ length: 1000 }, (_, index) => `user ${index % 500}`).map(
      (key, index) =>
        runExclusive(key, frozenBudget(), async () => {
          if (index % 3 === 0) throw new Error("some fail");
        }),
    );
    await Promise.allSettled(work);
    await settle();
    const queues =
      remember.mock.contexts[remember.mock.calls.findIndex(([key]) => key === "user 0")];
    expect(queues).toBeInstanceOf(Map);
    expect(queues).toHaveProperty("size", 0);
  });
});

const READ: MxCall = {
  operation: "sso.read_user",
  userId: "u-1",
  kind: "read",
  method: "GET",
  path: "/user/u-1",
};

const write = (path: string, serializeBy: string): MxCall => ({
  operation: "sso.create_user",
  userId: "u-1",
  kind: "create_user",
  method: "POST",
  path,
  serializeBy,
});

/** Sends that begin at once and end when the test says so, the oldest first. */
function held() {
  const paths: string[] = [];
  const doors: (() => void)[] = [];
  const send: Send = async ({ path }) => {
    paths.push(path);
    await new Promise<void>((resolve) => doors.push(resolve));
    return answerOf("ok", { status: 200 });
  };
  const runExclusive = serializeWrites(send);
  return {
    paths,
    send: (call: MxCall) => runExclusive(call, frozenBudget()),
    async end() {
      doors.shift()?.();
      await settle();
    },
  };
}

describe("writes for one User or Member", () => {
  it("are sent one after the other", async () => {
    const { paths, send, end } = held();
    const calls = [send(write("create", "u-1")), send(write("update", "u-1"))];
    await settle();
    expect(paths).toEqual(["create"]);
    await end();
    expect(paths).toEqual(["create", "update"]);
    await end();
    expect(await Promise.all(calls)).toEqual([
      answerOf("ok", { status: 200 }),
      answerOf("ok", { status: 200 }),
    ]);
  });

  it("hold up no read of the same, and no write for another", async () => {
    const { paths, send } = held();
    void send(write("create u-1", "u-1"));
    void send(write("create M-u-1", "M-u-1"));
    void send(write("create u-2", "u-2"));
    void send(READ);
    await settle();
    expect(paths).toEqual(["create u-1", "create M-u-1", "create u-2", "/user/u-1"]);
  });

  it("do not wait for those of another tenant, who may have the same ids", async () => {
    const [one, two] = [held(), held()];
    void one.send(write("create", "u-1"));
    void two.send(write("create", "u-1"));
    await settle();
    expect([one.paths, two.paths]).toEqual([["create"], ["create"]]);
  });
});
