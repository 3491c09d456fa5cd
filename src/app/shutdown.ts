/**
 * When and how the process ends.
 *
 * The first signal drains, and so does an exception that nobody caught. Further signals change nothing; only SIGKILL
 * ends the drain early.
 */

import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { LogDestination } from "../telemetry/log-destination.ts";
import type { Logger } from "../telemetry/logger.ts";
import { flushSpans } from "../telemetry/tracing.ts";

/**
 * Every signal that would end the process. Left out: what V8 uses for itself (SIGPROF), the CPU's faults (SIGSEGV and
 * the like), and what Node.js reports as an error of the write (SIGPIPE, SIGXFSZ).
 */
const SIGNALS = [
  "SIGTERM",
  "SIGINT",
  "SIGHUP",
  "SIGQUIT",
  "SIGABRT",
  "SIGALRM",
  "SIGBREAK",
  "SIGIO",
  "SIGPWR",
  "SIGSTKFLT",
  "SIGUSR1",
  "SIGUSR2",
  "SIGVTALRM",
  "SIGXCPU",
] as const;

const LAST_LINES_MS = 500;
const LAST_SPANS_MS = 1000;
/** For a lookup or a write that is under way. */
const LAST_THREADS_MS = 1000;

/** Aborts as soon as the process is to end. */
export function watchForShutdown(logger: Logger): AbortSignal {
  const shutdown = new AbortController();
  for (const name of SIGNALS) {
    if (name in constants.signals) process.on(name, () => shutdown.abort());
  }
  process.on("unhandledRejection", (cause) => logger.fault(cause)); // One request's fault ends no other's.
  /** Node.js would print the error with its fields, which can hold requests. Its state is unknown, so we drain. */
  process.on("uncaughtException", (cause) => {
    logger.fault(cause);
    process.exitCode = 1;
    shutdown.abort();
  });
  return shutdown.signal;
}

/** Ends the process within 2.5 seconds, whatever still holds it: the channel to a cluster, an agent's timer. */
export async function endProcess(log: LogDestination): Promise<never> {
  await Promise.all([log.end(LAST_LINES_MS), flushSpans(LAST_SPANS_MS)]);
  const giveUpAt = performance.now() + LAST_THREADS_MS;
  while (isThreadBusy() && performance.now() < giveUpAt) await sleep(10);
  if (isThreadBusy()) process.kill(process.pid, "SIGKILL"); // `process.exit` would wait for the thread.
  process.exit();
}

/** A name server or a disk that does not answer. */
function isThreadBusy(): boolean {
  return process
    .getActiveResourcesInfo()
    .some((name) => name === "GetAddrInfoReqWrap" || name === "FSReqCallback");
}
