/**
 * A clock that stands still until something waits for it, for everything in this process: the service, MX, the issuer. So
 * no time limit depends on how fast the machine is, and no test waits for one.
 *
 * Node's own limits of connections stay in real time, and so does undici's for connecting. So does Nagle's algorithm: peers
 * that pass bytes on set `noDelay`.
 */

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { stat } from "node:fs/promises";
import { performance as realPerformance } from "node:perf_hooks";
import { setImmediate as nextTurn } from "node:timers/promises";
// @ts-expect-error: undici declares no types for it.
import timers from "undici/lib/util/timers.js";
import { vi } from "vitest";

export type Clock = Disposable & {
  /** Milliseconds. What is due before then happens, and what follows from it. What is due at its end has only begun. */
  advance(ms: number): Promise<void>;
  /** Waits for what follows from this moment. */
  settle(): Promise<void>;
  /** Waits for what comes without time: `expect.poll` would move the clock each time that it looks. */
  until(condition: () => boolean): Promise<void>;
  /** How long the work takes on this clock, see `letTimePass`. */
  run<T>(work: Promise<T>): Promise<{ result: T; ms: number }>;
};

/** undici keeps one timer for good, and starts it anew: it must not belong to a clock that is gone. */
timers.setFastTimeout(() => {}, 0);

const { nodeTiming } = realPerformance;
const { setInterval: setRealInterval, clearInterval: clearRealInterval } = globalThis;

const FAKED = ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] as const;
/** More than any time limit of a request. */
const ENDLESS_MS = 5 * 60_000;

export function stopClock(): Clock {
  vi.useFakeTimers({ toFake: [...FAKED, "Date", "performance"], fakeNodeBuiltins: true });
  const atOnce = setRealInterval(() => vi.advanceTimersByTime(0), 1);
  return {
    advance: (ms) => letTimePass(new Promise((resolve) => setTimeout(resolve, ms))),
    settle: async () => passing,
    async until(condition) {
      while (!condition()) await stat("/");
    },
    async run(work) {
      const startedAt = performance.now();
      const result = await letTimePass(work);
      return { result, ms: performance.now() - startedAt };
    },
    [Symbol.dispose]() {
      clearRealInterval(atOnce);
      vi.useRealTimers();
    },
  };
}

let waiting = 0;
let lastCameAt = 0;
/** Settles when nothing waits any more, or when what is waited for never comes. */
let passing: Promise<void> | undefined;

/**
 * Waits for the work. On a clock that stands still, time passes whenever everything else waits as well: it goes on to the
 * next moment for which something waits.
 */
export async function letTimePass<T>(work: PromiseLike<T>): Promise<T> {
  if (!process.env.VITEST || !vi.isFakeTimers()) return work; // `npm run test:dashboard` runs without Vitest.
  waiting += 1;
  lastCameAt = performance.now();
  passing ??= passTime().finally(() => {
    passing = undefined;
  });
  try {
    return await Promise.race([work, passing.then(() => work)]);
  } finally {
    waiting -= 1;
  }
}

async function passTime(): Promise<void> {
  for (;;) {
    await untilQuiet();
    if (waiting === 0 || !vi.isFakeTimers()) return;
    if (performance.now() - lastCameAt > ENDLESS_MS)
      throw new Error("What is waited for never comes.");
    vi.advanceTimersToNextTimer();
  }
}

/**
 * Nothing more will happen before some time has passed. The other threads have worked off what they were given: there is
 * one (vitest.config.ts), and it has come to `stat`. And nothing is on its way over loopback, where a datagram to ourselves
 * comes after all that was sent before it. So the process's own peers are waited for, however slow the machine is; other
 * processes are not.
 */
async function untilQuiet(): Promise<void> {
  const toEvents = () => nodeTiming.uvMetricsInfo.events;
  for (let quiet = 0, last = toEvents(); quiet < 3; ) {
    await stat("/");
    vi.advanceTimersByTime(0);
    await nextTurn();
    await echo();
    await nextTurn(); // libuv counts an event once it has been handled.
    quiet = toEvents() === last + OWN_EVENTS ? quiet + 1 : 0;
    last = toEvents();
  }
}

/** Of libuv, that one `stat` and one `echo` are. */
const OWN_EVENTS = 2;
const echo = await openEcho();

/** Sends a datagram to itself. Resolves when it is back. */
async function openEcho(): Promise<() => Promise<void>> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1").unref();
  await once(socket, "listening");
  socket.connect(socket.address().port, "127.0.0.1");
  await once(socket, "connect");
  return async () => {
    socket.send("");
    await once(socket, "message");
  };
}
