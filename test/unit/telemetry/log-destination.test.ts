/** With real descriptors: pipes that nobody reads, files that are full, readers that go and come back. */

import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import { createLogDestination } from "../../../src/telemetry/log-destination.ts";

const folder = mkdtempSync(join(tmpdir(), "log-"));
afterAll(() => rmSync(folder, { recursive: true }));

const LINES_OF_4_MB = (4 * 1024 * 1024) / 1024;

function line(at: number, bytes = 1024): string {
  const start = `{"at":${at},"x":"`;
  return `${start}${"x".repeat(bytes - start.length - 3)}"}\n`;
}

const numbersOf = (text: string): number[] =>
  text
    .split("\n")
    .filter((each) => each !== "")
    .map((each) => JSON.parse(each).at);

let made = 0;

/** A named pipe: a writing end that would block, and its readers. */
function createPipe() {
  const path = join(folder, `pipe-${++made}`);
  execFileSync("mkfifo", [path]);
  let reader = openReader();
  const writer = openSync(path, constants.O_WRONLY);
  function openReader(): number {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  }
  return {
    writer,
    hangUp: () => closeSync(reader),
    comeBack() {
      reader = openReader();
    },
    /** All that is there. */
    read(): string {
      const buffer = Buffer.alloc(1 << 20);
      let text = "";
      try {
        for (let n = readSync(reader, buffer); n > 0; n = readSync(reader, buffer))
          text += buffer.toString("utf8", 0, n);
      } catch {} // EAGAIN: nothing more.
      return text;
    },
    [Symbol.dispose]() {
      closeSync(writer);
      closeSync(reader);
    },
  };
}

function open(fd: number) {
  const messages: string[] = [];
  return {
    messages,
    log: createLogDestination(fd, (message) => void messages.push(message)),
  };
}

describe("a log that nobody reads", () => {
  it("keeps 4 MB, counts the lines beyond, says so once, and loses none of those that wait", async () => {
    using pipe = createPipe();
    const { log, messages } = open(pipe.writer);
    const count = LINES_OF_4_MB + 1000;
    for (let at = 0; at < count; at += 1) {
      log.write(line(at));
      if (at % 500 === 0) await sleep(1); // The pipe itself takes some.
    }
    const lost = log.linesLost();
    expect(lost).toBeGreaterThan(900); // The pipe has taken 64 kB.
    expect(lost).toBeLessThanOrEqual(1000);
    expect(messages).toEqual([expect.stringContaining("nobody reads it")]);

    let text = "";
    const readLines = () => {
      text += pipe.read();
      return text.split("\n").length - 1;
    };
    await expect.poll(readLines, { interval: 1 }).toBe(count - lost);
    log.write(line(count));
    await expect.poll(readLines).toBe(count - lost + 1);
    expect(numbersOf(text)).toHaveLength(count - lost + 1);
    expect(log.linesLost()).toBe(lost);
  });

  it("does not keep the end waiting longer than it is told to", async () => {
    using pipe = createPipe();
    const { log } = open(pipe.writer);
    for (let at = 0; at < 200; at += 1) log.write(line(at));

    await log.end(20);

    expect(numbersOf(pipe.read().replace(/[^\n]*$/, "")).length).toBeLessThan(200);
  });

  it("is written to the end where its reader is only slow", async () => {
    using pipe = createPipe();
    const { log } = open(pipe.writer);
    for (let at = 0; at < 1000; at += 1) log.write(line(at));
    let text = "";
    const reading = setInterval(() => {
      text += pipe.read();
    }, 5);

    await log.end(10_000);

    clearInterval(reading);
    expect(numbersOf(text + pipe.read())).toEqual(Array.from({ length: 1000 }, (_, at) => at));
    expect(log.linesLost()).toBe(0);
  });
});

describe("a log that cannot be written", () => {
  it("counts the lines while its reader is gone, and goes on when another one comes", async () => {
    using pipe = createPipe();
    const { log, messages } = open(pipe.writer);
    log.write(line(0));
    await log.end(1000);
    expect(numbersOf(pipe.read())).toEqual([0]);

    pipe.hangUp();
    for (const at of [1, 2, 3]) {
      log.write(line(at));
      await log.end(1000);
    }
    expect(log.linesLost()).toBe(3);
    expect(messages).toEqual([expect.stringContaining("EPIPE")]);

    pipe.comeBack();
    log.write(line(4));
    await log.end(1000);
    expect(numbersOf(pipe.read())).toEqual([4]);
    expect(log.linesLost()).toBe(3);
    expect(messages).toHaveLength(1);
  });

  it("counts every line on a full device", async () => {
    const { log, messages } = open(openSync("/dev/full", "w"));
    for (let at = 0; at < 300; at += 1) log.write(line(at));
    await log.end(1000);
    expect(log.linesLost()).toBe(300);
    expect(messages).toEqual([expect.stringContaining("ENOSPC")]);
  });
});

/** Runs the destination in a process of its own, whose files may have `blocks` × 512 bytes. */
function runWithFileLimit(blocks: number, script: string): string {
  const path = join(folder, `file-${++made}`);
  const module = new URL("../../../src/telemetry/log-destination.ts", import.meta.url).href;
  execFileSync(
    "sh",
    ["-c", `ulimit -f ${blocks}; exec "$0" --input-type=module -e "$1" >> "$2"`]
      .concat(process.execPath)
      .concat(`import { createLogDestination } from ${JSON.stringify(module)};
        import { truncateSync } from "node:fs";
        const path = ${JSON.stringify(path)};
        const line = ${line};
        const log = createLogDestination();
        ${script}`)
      .concat(path),
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  return readFileSync(path, "utf8");
}

describe("a file that is full", () => {
  it("never has half a line before a whole one, once there is room again", () => {
    const text = runWithFileLimit(
      8,
      `for (let at = 0; at < 10; at += 1) log.write(line(at, 1000));
       await log.end(1000);
       const lost = log.linesLost();
       truncateSync(path, 0);
       log.write(line(lost, 1000));
       await log.end(1000);`,
    );
    // 4096 bytes took four lines and the beginning of the fifth, whose end comes first now.
    const [rest = "", ...others] = text.split("\n");
    expect(`${rest}\n`).toBe(line(4, 1000).slice(96));
    expect(numbersOf(others.join("\n"))).toEqual([5]);
  });

  it("is written at an exit that waits for nothing", () => {
    const text = runWithFileLimit(
      1000,
      "for (let at = 0; at < 10; at += 1) log.write(line(at)); process.exit();",
    );
    expect(numbersOf(text)).toEqual(Array.from({ length: 10 }, (_, at) => at));
  });
});
