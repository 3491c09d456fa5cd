/**
 * The service with a standard output that fails or hangs: it serves, counts what is lost, and ends when it is told to.
 */

import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { freePort } from "../support/free-port.ts";
import { scrape } from "../support/metrics.ts";
import { startProgram } from "../support/program.ts";
import { fetchChecked, startUpstreams } from "../support/start.ts";

const folder = mkdtempSync(join(tmpdir(), "log-"));
const upstreams = await startUpstreams();
afterAll(async () => {
  await upstreams[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

/** Its first line cannot be read here, so the ports are chosen before. */
async function startWith(stdout: number) {
  const [port, operationsPort] = [await freePort(), await freePort()];
  const program = startProgram({
    environment: {
      ...upstreams.environment(),
      PORT: String(port),
      OPERATIONS_PORT: String(operationsPort),
    },
    stdout,
  });
  const operationsUrl = `http://127.0.0.1:${operationsPort}`;
  await expect
    .poll(() =>
      fetch(`${operationsUrl}/readyz`).then(
        ({ status }) => status,
        () => 0,
      ),
    )
    .toBe(200);
  return {
    operationsUrl,
    errors: program.stderr,
    ask: async (subject: string) => {
      const headers = { Authorization: `Bearer ${await upstreams.issuer.issueToken(subject)}` };
      return fetchChecked(`http://127.0.0.1:${port}/session`, { method: "POST", headers });
    },
    async stop() {
      program.signal("SIGTERM");
      return program.exited;
    },
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

function createPipe(name: string): { reader: number; writer: number } {
  const path = join(folder, name);
  execFileSync("mkfifo", [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { reader, writer: openSync(path, constants.O_WRONLY | constants.O_NONBLOCK) };
}

/** One that takes no more bytes. */
function createFullPipe(name: string): { reader: number; writer: number } {
  const pipe = createPipe(name);
  expect(() => {
    for (;;) writeSync(pipe.writer, "x".repeat(4096));
  }).toThrow("EAGAIN");
  return pipe;
}

it("refuses a faulty configuration although nobody reads standard error", async () => {
  const { reader, writer } = createFullPipe("errors");
  await using program = startProgram({ stderr: writer });

  expect(await program.exited).toBe(1);
  closeSync(reader);
  closeSync(writer);
});

describe("where standard output", () => {
  const outputs: Record<string, () => number> = {
    "is on a full disk": () => openSync("/dev/full", "w"),
    "has lost its reader": () => {
      const { reader, writer } = createPipe("closed");
      closeSync(reader);
      return writer;
    },
  };
  it.each(Object.keys(outputs))("%s, the service serves, counts and ends", async (kind) => {
    const stdout = outputs[kind]?.() ?? -1;
    await using service = await startWith(stdout);
    closeSync(stdout);

    for (const subject of ["ada", "bob", "eve"])
      expect((await service.ask(subject)).status).toBe(200);
    const lost = async () =>
      (await scrape(service.operationsUrl)).value("bff_log_lines_lost_total") ?? 0;
    await expect.poll(lost).toBeGreaterThanOrEqual(5); // Two of the start, and one for each request.

    expect(await service.stop()).toBe(0);
    expect(service.errors()).toMatch(/^Log lines are lost: .* bff_log_lines_lost_total .*\n$/);
  });

  it("is read by nobody, the service serves, and the end does not wait for the reader", async () => {
    const { reader, writer } = createFullPipe("full");
    await using service = await startWith(writer);

    for (const subject of ["ada", "bob", "eve"])
      expect((await service.ask(subject)).status).toBe(200);

    expect(await service.stop()).toBe(0);
    expect(service.errors()).toBe("");
    closeSync(reader);
    closeSync(writer);
  });
});
