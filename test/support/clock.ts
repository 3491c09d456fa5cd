/**
 * A clock that stands still until the test moves it, for everything in this process: the service, MX, the issuer. So no
 * time limit depends on how fast the machine is, and no test waits for one.
 *
 * Node's own limits of connections stay in real time, and so does undici's for connecting.
 */

import { stat } from "node:fs/promises";
import { performance as realPerformance } from "node:perf_hooks";
import { setImmediate as nextTurn } from "node:timers/promises";
import { promisify } from "node:util";
// @ts-expect-error: undici declares no types for it.
import { setFastTimeout } from "undici/lib/util/timers.js";
import { vi } from "vitest";

export type Clock = Disposable & {
  /** Milliseconds. What is due until then happens. */
  advance(ms: number): Promise<void>;
  /**
   * Waits for the work. Whenever everything else waits for a time as well, the clock goes on to the next one. `ms` is how
   * long the work took on this clock.
   */
  run<T>(work: Promise<T>): Promise<{ result: T; ms: number }>;
};

/** undici keeps one timer for good, and starts it anew: it must not belong to a clock that is gone. */
setFastTimeout(() => {}, 0);

const { nodeTiming } = realPerformance;
const { setInterval: setRealInterval, clearInterval: clearRealInterval } = globalThis;
const realSleep = promisify(setTimeout);

const FAKED = ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] as const;
/** More than any time limit of a request. */
const ENDLESS_MS = 5 * 60_000;

export function stopClock(): Clock {
  vi.useFakeTimers({ toFake: [...FAKED, "Date", "performance"], fakeNodeBuiltins: true });
  const atOnce = setRealInterval(() => vi.advanceTimersByTime(0), 1);
  return {
    async advance(ms) {
      await vi.advanceTimersByTimeAsync(ms);
    },
    async run(work) {
      const startedAt = performance.now();
      let isDone = false;
      const end = () => {
        isDone = true;
      };
      work.then(end, end);
      for (;;) {
        await untilQuiet();
        if (isDone) break;
        if (performance.now() - startedAt > ENDLESS_MS) throw new Error("Nothing ends this.");
        await vi.advanceTimersToNextTimerAsync();
      }
      return { result: await work, ms: performance.now() - startedAt };
    },
    [Symbol.dispose]() {
      clearRealInterval(atOnce);
      vi.useRealTimers();
    },
  };
}

/**
 * Nothing more will happen before some time has passed. The other threads have worked off what they were given: there is
 * one (vitest.config.ts), and it has come to `stat`. And nothing was sent to this process, which its own peers do at once.
 */
async function untilQuiet(): Promise<void> {
  for (let quiet = 0; quiet < 3; ) {
    await stat("/");
    await nextTurn(); // libuv counts an event once it has been handled.
    const { events } = nodeTiming.uvMetricsInfo;
    await realSleep(1);
    quiet = nodeTiming.uvMetricsInfo.events === events ? quiet + 1 : 0;
  }
}
