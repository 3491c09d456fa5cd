/**
 * Writes log lines to standard output. Neither a request nor the exit ever waits for the log (promise P10).
 *
 * - The descriptor does not block, so a reader that hangs or a terminal that is paused holds nothing up.
 * - At most 4 MB wait for the reader; lines beyond that are dropped and counted.
 * - Lines in a write that fails (ENOSPC, EFBIG, EPIPE and every other error) are dropped and counted. Each batch is a
 *   new try, so writing resumes as soon as it is possible.
 * - No line is left incomplete: the rest of a line that was cut is written before the next one.
 *
 * pino's own destination promises none of this: it stays silent after EPIPE, repeats a failed write at the exit without
 * end, and blocks a thread that `process.exit` waits for.
 */

import { constants, fstatSync, openSync, writeSync, write as writeTo } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const MAX_WAITING_BYTES = 4 * 1024 * 1024;
/** A write for each line would cost more than the line. */
const BATCH_BYTES = 64 * 1024;
const BATCH_MS = 100;
/** Between two tries while the reader takes nothing; doubles up to `BATCH_MS`. */
const MIN_PAUSE_MS = 1;
const LINE_END = 10;
const NOTHING = Buffer.alloc(0);

export type LogDestination = {
  /** One whole line, its line end included. Never throws. */
  write(line: string): void;
  /** Writes what waits, together with what else is logged in this turn of the event loop. */
  flush(): void;
  linesLost(): number;
  /** Writes what waits, for at most `timeoutMs`. */
  end(timeoutMs: number): Promise<void>;
};

/** `fd` defaults to standard output. `onFirstLoss` is called once, with a sentence for the operator, and must not throw. */
export function createLogDestination(fd = 1, onFirstLoss = warn): LogDestination {
  const output = openNonBlocking(fd);
  const waiting = createLineBuffer();
  let isWriting = false;
  let pauseMs = MIN_PAUSE_MS;
  let timer: NodeJS.Timeout | undefined;
  let lost = 0;

  function schedule(ms: number): void {
    timer ??= setTimeout(writeBatch, ms).unref();
  }

  function writeBatch(): void {
    clearTimeout(timer);
    timer = undefined;
    const batch = waiting.batch();
    if (isWriting || batch.length === 0) return;
    isWriting = true;
    writeTo(output, batch, (error, written) => {
      isWriting = false;
      if (error?.code === "EAGAIN") return pause();
      pauseMs = MIN_PAUSE_MS;
      if (error) lose(waiting.drop(), error.code ?? error.name);
      else waiting.advance(written);
      if (waiting.hasBatch()) writeBatch();
      else if (waiting.hasLines()) schedule(BATCH_MS);
    });
  }

  function pause(): void {
    schedule(pauseMs);
    pauseMs = Math.min(2 * pauseMs, BATCH_MS);
  }

  function lose(count: number, why: string): void {
    if (lost === 0 && count > 0) onFirstLoss(toMessage(why));
    lost += count;
  }

  process.once("exit", () => {
    if (!isWriting) writeNow(output, waiting); // For an exit that has not waited for `end`.
  });

  return {
    write(line) {
      if (!waiting.add(line)) lose(1, "nobody reads it");
      else if (waiting.isDue()) writeBatch();
      else schedule(BATCH_MS);
    },
    flush: () => void setImmediate(writeBatch),
    linesLost: () => lost,
    async end(timeoutMs) {
      const giveUpAt = performance.now() + timeoutMs;
      for (writeBatch(); waiting.hasBatch() || waiting.hasLines(); writeBatch()) {
        if (performance.now() > giveUpAt) return;
        await sleep(MIN_PAUSE_MS);
      }
    },
  };
}

type LineBuffer = ReturnType<typeof createLineBuffer>;

/** Lines that wait, and the batch of them that is being written. */
function createLineBuffer() {
  let lines: string[] = [];
  let lineBytes = 0;
  let batch: Buffer = NOTHING;
  /** What the reader still has to get of a line that was cut. */
  let rest: Buffer = NOTHING;
  let isMidLine = false;

  const hasBatch = () => batch.length > 0;

  return {
    hasBatch,
    hasLines: () => lines.length > 0,
    isDue: () => lineBytes >= BATCH_BYTES && !hasBatch(),
    /** `false` where there is no room for it. */
    add(line: string): boolean {
      const bytes = Buffer.byteLength(line);
      if (batch.length + lineBytes + bytes > MAX_WAITING_BYTES) return false;
      lines.push(line);
      lineBytes += bytes;
      return true;
    },
    /** What is to be written next; empty where nothing waits. */
    batch(): Buffer {
      if (!hasBatch()) {
        batch = Buffer.concat([rest, Buffer.from(lines.join(""))]);
        rest = NOTHING;
        lines = [];
        lineBytes = 0;
      }
      return batch;
    },
    /** This many bytes of the batch were written. */
    advance(written: number): void {
      isMidLine = batch[written - 1] !== LINE_END;
      batch = batch.length === written ? NOTHING : batch.subarray(written);
    },
    /** The batch cannot be written. Gives the number of lines that are lost with it. */
    drop(): number {
      const restBytes = isMidLine ? batch.indexOf(LINE_END) + 1 : 0;
      rest = Buffer.from(batch.subarray(0, restBytes));
      const count = countLines(batch.subarray(restBytes));
      batch = NOTHING;
      return count;
    },
  };
}

function countLines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(LINE_END); at >= 0; at = bytes.indexOf(LINE_END, at + 1)) count += 1;
  return count;
}

function writeNow(output: number, waiting: LineBuffer): void {
  try {
    for (let batch = waiting.batch(); batch.length > 0; batch = waiting.batch())
      waiting.advance(writeSync(output, batch));
  } catch {
    // The process ends: there is no later try.
  }
}

/**
 * Opens the same file again where possible, so that its mode does not affect other processes. A regular file has no such
 * mode. Where it cannot be opened (a socket, another user's pipe, no /proc), libuv changes the mode of the descriptor
 * itself when the stream is first used.
 */
function openNonBlocking(fd: number): number {
  if (fstatSync(fd).isFile()) return fd;
  try {
    const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
    return openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
  } catch {
    if (fd === 1) void process.stdout;
    if (fd === 2) void process.stderr;
    return fd;
  }
}

function toMessage(why: string): string {
  return `Log lines are lost: standard output cannot be written (${why}). The metric bff_log_lines_lost_total counts them.\n`;
}

function warn(message: string): void {
  try {
    writeSync(openNonBlocking(2), message);
  } catch {
    // Standard error may be on the same full disk.
  }
}
