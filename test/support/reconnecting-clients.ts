/**
 * Clients that open a connection for each request, and come again as soon as they have the answer, until one is refused.
 *
 * In a thread of their own, so that the kernel can set up connections while the server's thread is held up.
 */

import { once } from "node:events";
import { connect } from "node:net";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

export type Tally = {
  answered: number;
  /** Connections that were set up, and closed without an answer. */
  lost: number;
};

type Input = { port: number; clients: number; connected: SharedArrayBuffer };

export type ReconnectingClients = {
  /** Blocks this thread until that many connections have been set up. */
  waitForConnections(count: number): void;
  /** What came of them, once a connection has been refused to each client. */
  ended: Promise<Tally>;
};

export function startReconnectingClients(port: number, clients: number): ReconnectingClients {
  const connected = new Int32Array(new SharedArrayBuffer(4));
  const workerData: Input = { port, clients, connected: connected.buffer };
  const worker = new Worker(new URL(import.meta.url), { workerData });
  return {
    waitForConnections(count) {
      for (let now = 0; now < count; now = Atomics.load(connected, 0)) {
        Atomics.wait(connected, 0, now);
      }
    },
    ended: once(worker, "message").then(([tally]: Tally[]) => tally as Tally),
  };
}

if (!isMainThread && workerData?.connected) {
  const { port, clients, connected }: Input = workerData;
  const connections = new Int32Array(connected);
  const tally: Tally = { answered: 0, lost: 0 };

  const comeAgain = async () => {
    for (;;) {
      const socket = connect(port, "127.0.0.1").on("error", () => {});
      const isConnected = await once(socket, "connect").then(
        () => true,
        () => false,
      );
      if (!isConnected) return;
      Atomics.add(connections, 0, 1);
      Atomics.notify(connections, 0);
      socket.write("GET /problems/overloaded HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
      const bytes = await socket.toArray().catch(() => []);
      if (bytes.length > 0) tally.answered += 1;
      else tally.lost += 1;
    }
  };
  await Promise.all(Array.from({ length: clients }, comeAgain));
  parentPort?.postMessage(tally);
}
