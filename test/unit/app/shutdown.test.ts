import { afterEach, beforeEach, expect, it } from "vitest";
import { watchForShutdown } from "../../../src/app/process.ts";
import { createLogger } from "../../../src/telemetry/logger.ts";

const SIGNALS = [
  ...["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGABRT", "SIGALRM", "SIGIO", "SIGPWR"],
  ...["SIGSTKFLT", "SIGUSR1", "SIGUSR2", "SIGVTALRM", "SIGXCPU"],
] as NodeJS.Signals[];
const EVENTS = [...SIGNALS, "uncaughtException", "unhandledRejection"] as const;

/** Vitest's own listeners, for which an error that nobody catches is a failure of the test. */
const others = new Map<string, NodeJS.SignalsListener[]>();
let log: string[];
let shutdown: AbortSignal;

beforeEach(() => {
  for (const event of EVENTS) {
    others.set(event, process.listeners(event as "SIGTERM"));
    process.removeAllListeners(event);
  }
  log = [];
  shutdown = watchForShutdown(createLogger("info", { write: (line) => void log.push(line) }));
});
afterEach(() => {
  for (const event of EVENTS) {
    process.removeAllListeners(event);
    for (const listener of others.get(event) ?? []) process.on(event as "SIGTERM", listener);
  }
  process.exitCode = undefined;
});

it.each(SIGNALS)("%s shuts the service down, also the second time", (signal) => {
  expect(shutdown.aborted).toBe(false);
  for (let time = 0; time < 2; time += 1) expect(process.emit(signal, signal)).toBe(true);
  expect(shutdown.aborted).toBe(true);
});

it("an exception that nobody caught shuts it down, is logged without its text, and fails the process", () => {
  process.emit("uncaughtException" as never, new Error("canary"));
  expect([shutdown.aborted, process.exitCode]).toEqual([true, 1]);
  expect(log).toEqual([expect.stringContaining('"level":"error"')]);
  expect(log.join("")).not.toContain("canary");
});

it("a rejection that nobody caught is logged, and ends nothing", () => {
  process.emit("unhandledRejection", new Error("canary"), Promise.resolve());
  expect([shutdown.aborted, process.exitCode]).toEqual([false, undefined]);
  expect(log).toHaveLength(1);
});
