import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { listen } from "../../../src/http/server.ts";
import { startReconnectingClients } from "../../support/reconnecting-clients.ts";

describe("a server that stops to listen", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["Date", "performance"] }));
  afterEach(() => void vi.useRealTimers());

  it("answers every connection that was set up before, however slow it is, and no client for ever", async () => {
    let answers = 0;
    const server = await listen(
      (_req, res) => {
        answers += 1;
        vi.advanceTimersByTime(60_000);
        res.end("ok");
      },
      "127.0.0.1",
      0,
    );
    const clients = startReconnectingClients(server.port, 200);
    clients.waitForConnections(200); // None is accepted: this thread waits.

    await server.stopListening();

    const tally = await clients.ended;
    expect(tally).toEqual({ answered: answers, lost: 0 });
    expect(answers).toBeGreaterThanOrEqual(200);
    await server.close(0);
  });

  it("does so although connections come without end", async () => {
    const server = await listen((_req, res) => void res.end(), "127.0.0.1", 0);
    let isRefused = false;
    let connections = 0;
    const comeAgain = () => {
      const socket = connect(server.port, "127.0.0.1", () => {
        connections += 1;
        socket.destroy();
        comeAgain();
      });
      socket.on("error", () => {
        isRefused = true;
      });
    };
    comeAgain();
    await vi.waitUntil(() => connections > 0);

    await server.stopListening();

    await vi.waitUntil(() => isRefused);
    await server.close(0);
  });
});
