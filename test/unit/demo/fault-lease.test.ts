import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createFaultLease } from "../../../demo/fault-lease.ts";

describe("a fault of the demo's page", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const simulator = { set: async () => undefined, expireUrls: async () => undefined };

  it("is told to the terminal for as long as it lasts", async () => {
    const lines: string[] = [];
    const end = await createFaultLease(simulator, (line) => lines.push(line)).start(
      "down",
      vi.fn(),
    );
    await vi.advanceTimersByTimeAsync(60_000);
    await end();
    await vi.advanceTimersByTimeAsync(60_000);

    expect(lines).toEqual([
      "Fault on: MX down. It was set on the demo's page, and ends when that page is closed.",
      "Fault still on: MX down.",
      "Fault still on: MX down.",
      "Fault off: MX down.",
    ]);
  });

  it("that the simulator does not take is off, and the next one is set", async () => {
    const lines: string[] = [];
    const set = vi.fn(simulator.set).mockRejectedValueOnce(new Error("no answer"));
    const lease = createFaultLease({ ...simulator, set }, (line) => lines.push(line));

    await expect(lease.start("down", vi.fn())).rejects.toThrow("no answer");
    expect(lines.at(-1)).toBe("Fault off: MX down.");
    const end = await lease.start("slow", vi.fn());
    await end();
    expect(set.mock.calls).toEqual([["down"], ["slow"], [undefined]]);
  });
});
