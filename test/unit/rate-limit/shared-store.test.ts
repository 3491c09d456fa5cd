/** What a store tells of its Redis: once a minute for each reason, and nothing that is its own doing. */

import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { createSharedStore } from "../../../src/rate-limit/shared-store.ts";
import { toSettings } from "../../support/redis.ts";

/** Connected to a server that answers HELLO and nothing else. */
async function startStore() {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (data) => {
      if (/hello/i.test(data.toString())) socket.write("*0\r\n");
    });
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const clock = { ms: 0 };
  const events: string[] = [];
  const store = createSharedStore(toSettings(`redis://127.0.0.1:${port}`, 60_000), {
    now: () => clock.ms,
    onProblem: (problem) => void events.push(`${clock.ms / 1000} ${problem}`),
    onRecovery: () => void events.push(`${clock.ms / 1000} recovered`),
  });
  onTestFinished(() => store[Symbol.asyncDispose]());
  await once(store.client, "ready");
  return {
    client: store.client,
    clock,
    events,
    succeed: () => store.run(async () => 1),
    fail: (message: string) =>
      store.run(() => Promise.reject(new Error(message))).catch(() => undefined),
    ask: () => store.run(() => store.client.get("a")).catch(() => undefined),
  };
}

it("tells each reason once a minute, however often Redis counts in between", async () => {
  const { clock, events, succeed, fail } = await startStore();

  for (; clock.ms < 120_000; clock.ms += 1000) {
    await fail("LOADING Redis is loading the dataset in memory");
    await succeed();
    await fail("OOM command not allowed when used memory > 'maxmemory'.");
    await succeed();
  }

  expect(events).toEqual(
    [0, 60].flatMap((at) => [
      `${at} loading`,
      `${at} recovered`,
      `${at} out_of_memory`,
      `${at} recovered`,
    ]),
  );
});

it("tells a failure that lasts once a minute, and one recovery", async () => {
  const { clock, events, succeed, fail } = await startStore();

  for (; clock.ms < 120_000; clock.ms += 1000) {
    await fail("LOADING Redis is loading the dataset in memory");
    await fail("OOM command not allowed when used memory > 'maxmemory'.");
  }
  await succeed();
  await succeed();

  expect(events).toEqual([
    ...[0, 60].flatMap((at) => [`${at} loading`, `${at} out_of_memory`]),
    "120 recovered",
  ]);
});

it.each([
  ["Command timed out", "timeout"],
  ["READONLY You can't write against a read only replica.", "read_only"],
])(
  "takes the end of a connection that it leaves after %s for no problem",
  async (message, told) => {
    const { client, events, succeed, fail, ask } = await startStore();
    const inFlight = ask();
    const isBack = once(client, "ready");

    await fail(message);
    await ask(); // The old connection takes no more commands.
    await inFlight;
    await succeed(); // An answer that was on its way.
    expect(events).toEqual([`0 ${told}`]);

    await isBack;
    await succeed();
    expect(events).toEqual([`0 ${told}`, "0 recovered"]);
  },
);
