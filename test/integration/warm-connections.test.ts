/** Nobody waits for a handshake with MX: not after a start, not after a pause in which MX has closed what was idle. */

import { describe, expect, it, onTestFinished, vi } from "vitest";
import { startSimulator } from "../../packages/simulator/src/simulator.ts";
import { stopClock } from "../support/clock.ts";
import { startFaultServer } from "../support/fault-server.ts";
import { type StartOptions, start } from "../support/start.ts";

async function startCounting({ apis = "platform", environment = {} }: StartOptions = {}) {
  await using parts = new AsyncDisposableStack();
  const mx = parts.use(await startSimulator());
  const wire = parts.use(
    await startFaultServer({ upstream: apis === "sso" ? mx.ssoUrl : mx.platformUrl }),
  );
  const url = apis === "sso" ? "MX_SSO_BASE_URL" : "MX_PLATFORM_BASE_URL";
  const started = parts.use(
    await start({ apis, mx, environment: { ...environment, [url]: wire.url } }),
  );
  const owned = parts.move();
  return { ...started, wire, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

describe("connections to MX", () => {
  it("are open before the first request", async () => {
    await using service = await startCounting();
    await expect.poll(() => service.wire.connections.open).toBe(2);
  });

  it("are there for both reads of the first session", async () => {
    await using service = await startCounting({ apis: "sso" });
    await expect.poll(() => service.wire.connections.open).toBe(2);
    let usedUnready = 0;
    service.wire.welcome((number) => {
      if (service.wire.requests.length < 2 && number > 2) usedUnready += 1;
      return "serve";
    });
    service.wire.misbehave(() => ({ kind: "delay", ms: 50 }));

    expect((await service.post("ada")).status).toBe(200);
    expect(usedUnready).toBe(0);
  });

  it("are kept when a session has been served, and used for the next one", async () => {
    await using service = await startCounting();
    await service.post("ada");
    await expect.poll(() => service.wire.connections.open).toBe(3); // One is in use, two are ready.
    const { opened } = service.wire.connections;
    for (let round = 0; round < 5; round += 1) await service.post("ada");
    expect(service.wire.connections.opened).toBe(opened);
  });

  it("are made anew at once when MX closes them after a while", async () => {
    let skippedMs = 0;
    const { now } = performance;
    const clock = vi
      .spyOn(performance, "now")
      .mockImplementation(() => now.call(performance) + skippedMs);
    onTestFinished(() => clock.mockRestore());
    await using service = await startCounting();
    await expect.poll(() => service.wire.connections.open).toBe(2);
    skippedMs += 60_000;
    await service.wire.refuse();
    await service.wire.listenAgain();

    await expect.poll(() => service.wire.connections.open).toBe(2);
  });

  it("are not made anew in a hurry when MX closes them as soon as they are open", async () => {
    using clock = stopClock();
    await using service = await startCounting();
    service.wire.welcome(() => "close");
    await service.wire.refuse();
    await service.wire.listenAgain();
    service.wire.reset();
    service.wire.welcome(() => "close");
    await clock.advance(500);
    expect(service.wire.connections.opened).toBeLessThanOrEqual(2);
  });

  it("are never more than MX_CONNECTIONS", async () => {
    using clock = stopClock();
    await using service = await startCounting({ environment: { MX_CONNECTIONS: "1" } });
    await clock.until(() => service.wire.connections.open === 1);
    for (let round = 0; round < 3; round += 1) await service.post("ada");
    await clock.advance(100);
    expect(service.wire.connections.mostOpen).toBe(1);
  });

  it("cost no session when MX closes them at the moment of their first use", async () => {
    await using service = await startCounting();
    service.mx.state.createUser({ id: "ada" });
    await expect.poll(() => service.wire.connections.open).toBe(2);
    service.wire.misbehave(({ number }) => (number === 1 ? { kind: "reset" } : undefined));

    expect((await service.post("ada")).status).toBe(200);
    expect(service.log.at(-1)).toContain('"mx.calls":2');
  });
});
