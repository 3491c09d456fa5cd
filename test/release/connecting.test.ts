/** No connection to MX: a name that nobody knows, and a host that does not answer. In real time, as undici's limit is. */

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { startScript } from "../support/child.ts";
import { start } from "../support/start.ts";

describe.concurrent("POST /session when MX", () => {
  it("has a name that nobody knows: 503 after 2 calls", async () => {
    await using service = await start({
      environment: { MX_PLATFORM_BASE_URL: "https://nowhere.invalid" },
    });

    const result = await service.post("ada");

    expect([result.status, result.body.type]).toEqual([503, "/problems/upstream-unavailable"]);
    expect(result.headers["retry-after"]).toMatch(/^([1-9]|[12]\d|30)$/);
    expect(JSON.parse(service.log.at(-1) ?? "{}")["mx.calls"]).toBe(2);
    expect(result.text).not.toContain("nowhere");
  });

  it("does not answer to SYN: 503 after 2 calls", async () => {
    await using deaf = await startDeafListener();
    await using service = await start({ environment: { MX_PLATFORM_BASE_URL: deaf.url } });

    const result = await service.post("ada");

    expect([result.status, result.body.type]).toEqual([503, "/problems/upstream-unavailable"]);
    expect(result.headers["retry-after"]).toMatch(/^([1-9]|[12]\d|30)$/);
    expect(JSON.parse(service.log.at(-1) ?? "{}")["mx.calls"]).toBe(2);
  });
});

/** A listener that never accepts, with its queue full. */
async function startDeafListener(): Promise<AsyncDisposable & { url: string }> {
  const script = `
    const server = require("node:net").createServer().listen(0, "127.0.0.1", 1, () => {
      require("node:fs").writeSync(1, server.address().port + "\\n");
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const listener = await startScript(["--eval", script], /^(\d+)$/);
  const port = Number(listener.found);
  const queued: Socket[] = [];
  for (let isFull = false; !isFull; ) {
    const socket = connect(port, "127.0.0.1").on("error", () => {});
    queued.push(socket);
    const connected = once(socket, "connect").then(() => true);
    isFull = !(await Promise.race([connected, sleep(100, false)]));
  }
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of queued) socket.destroy();
      await listener[Symbol.asyncDispose]();
    },
  };
}
