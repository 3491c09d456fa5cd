import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createSemaphore, withTimeout } from "../../../src/upstream/limits.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a semaphore", () => {
  it("gives as many places as its limit, and then in the order of arrival", async () => {
    const semaphore = createSemaphore({ limit: 2 });
    expect(await semaphore.acquire()).toBe("acquired");
    expect(await semaphore.acquire()).toBe("acquired");
    const order: string[] = [];
    const waiting = ["first", "second"].map(async (name) => {
      await semaphore.acquire();
      order.push(name);
    });
    expect(semaphore.state()).toEqual({ inUse: 2, waiting: 2 });
    semaphore.release();
    semaphore.release();
    await Promise.all(waiting);
    expect(order).toEqual(["first", "second"]);
    expect(semaphore.state()).toEqual({ inUse: 2, waiting: 0 });
  });

  it("hands a place on, so that a newcomer does not overtake", async () => {
    const semaphore = createSemaphore({ limit: 1 });
    await semaphore.acquire();
    const patient = semaphore.acquire();
    semaphore.release();
    const newcomer = semaphore.acquire(0);
    await vi.advanceTimersByTimeAsync(0);
    expect(await newcomer).toBe("timeout");
    expect(await patient).toBe("acquired");
  });

  it("refuses at once when too many wait", async () => {
    const semaphore = createSemaphore({ limit: 1, maxWaiting: 1 });
    await semaphore.acquire();
    void semaphore.acquire();
    expect(await semaphore.acquire()).toBe("full");
  });

  it.each([
    ["its own bound", 1000, 5000, 1000],
    ["what the caller can wait, where that is less", 1000, 300, 300],
    ["what the caller can wait, where there is no bound", undefined, 300, 300],
    ["nothing, where the caller's time is up", 1000, -5, 0],
  ])("lets nobody wait longer than %s", async (_what, maxWaitMs, timeoutMs, waitedMs) => {
    const semaphore = createSemaphore({ limit: 1, ...(maxWaitMs && { maxWaitMs }) });
    await semaphore.acquire();
    const startedAt = Date.now();
    const late = semaphore.acquire(timeoutMs);
    await vi.advanceTimersByTimeAsync(waitedMs);
    expect(await late).toBe("timeout");
    expect(Date.now() - startedAt).toBe(waitedMs);
    semaphore.release();
    expect(semaphore.state()).toEqual({ inUse: 0, waiting: 0 });
    expect(vi.getTimerCount()).toBe(0);
  });

  it("gives a free place to a caller that cannot wait", async () => {
    expect(await createSemaphore({ limit: 1 }).acquire(0)).toBe("acquired");
  });
});

describe("withTimeout", () => {
  const toError = () => new Error("late");

  it("gives the result, and leaves no timer behind", async () => {
    expect(await withTimeout(Promise.resolve("done"), 1000, toError)).toBe("done");
    await expect(withTimeout(Promise.reject(new Error("failed")), 1000, toError)).rejects.toThrow(
      "failed",
    );
    expect(vi.getTimerCount()).toBe(0);
  });

  it("rejects when the time is up, and ignores what the work does after that", async () => {
    const { promise, reject } = Promise.withResolvers<never>();
    const late = expect(withTimeout(promise, 1000, toError)).rejects.toThrow("late");
    await vi.advanceTimersByTimeAsync(1000);
    await late;
    reject(new Error("unheard"));
  });
});
