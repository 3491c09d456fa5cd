/**
 * Keep-alive connections of the load generator: one request at a time on each, and never more than so many.
 *
 * A request that finds all connections busy waits here. Nothing is ever sent twice.
 */

import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type Message, readMessage } from "./http-message.ts";

export type Ending =
  | { kind: "answer"; message: Message; waitedMs: number }
  /** `unsent`: no connection. `cut`: it ended before the answer did. `late`: no answer after 12 s. */
  | { kind: "unsent" | "cut" | "late"; waitedMs: number };

export type Connections = Disposable & {
  send(request: string, onEnd: (ending: Ending) => void): void;
  /** Opens so many ahead of time, at a pace that no listener takes for a flood. */
  warm(count: number): Promise<void>;
  /** Requests without an ending so far. */
  pending(): number;
};

export type ConnectionsOptions = {
  port: number;
  max: number;
};

type Request = { text: string; onEnd: (ending: Ending) => void; sentAt: number };
type Connection = { socket: Socket; isOpen: boolean; request: Request | undefined };

/** Beyond the service's deadline: whoever waits that long has been forgotten. */
const LATE_MS = 12_000;
const WARM_AT_ONCE = 50;

export function createConnections({ port, max }: ConnectionsOptions): Connections {
  const all = new Set<Connection>();
  /** The one that has rested longest goes first: none gets old. */
  const idle = new Set<Connection>();
  const waiting: Request[] = [];
  let firstWaiting = 0;
  let pending = 0;

  function open(): Connection {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const connection: Connection = { socket, isOpen: false, request: undefined };
    let text = "";
    all.add(connection);
    socket.setEncoding("latin1");
    socket.once("connect", () => {
      connection.isOpen = true;
    });
    socket.on("data", (chunk: string) => {
      text += chunk;
      const message = readMessage(text);
      if (!message) return;
      text = "";
      const mustClose = /\r\nconnection: close/i.test(message.head);
      end(connection, (waitedMs) => ({ kind: "answer", message, waitedMs }));
      if (mustClose) socket.destroy();
      else release(connection);
    });
    socket.on("error", () => socket.destroy());
    socket.on("end", () => socket.destroy());
    socket.on("close", () => {
      all.delete(connection);
      idle.delete(connection);
      const kind = connection.isOpen ? "cut" : "unsent";
      end(connection, (waitedMs) => ({ kind, waitedMs }));
      const next = takeWaiting();
      if (next) start(open(), next);
    });
    return connection;
  }

  function start(connection: Connection, request: Request): void {
    connection.request = request;
    request.sentAt = performance.now();
    connection.socket.write(request.text);
  }

  function end(connection: Connection, toEnding: (waitedMs: number) => Ending): void {
    const { request } = connection;
    if (!request) return;
    connection.request = undefined;
    pending -= 1;
    request.onEnd(toEnding(performance.now() - request.sentAt));
  }

  function release(connection: Connection): void {
    const next = takeWaiting();
    if (next) start(connection, next);
    else idle.add(connection);
  }

  function takeIdle(): Connection | undefined {
    const [first] = idle;
    if (first) idle.delete(first);
    return first;
  }

  function takeWaiting(): Request | undefined {
    const next = waiting[firstWaiting];
    if (!next) return undefined;
    firstWaiting += 1;
    if (firstWaiting === waiting.length) {
      waiting.length = 0;
      firstWaiting = 0;
    }
    return next;
  }

  const sweep = setInterval(() => {
    const limit = performance.now() - LATE_MS;
    for (const connection of all) {
      if (!connection.request || connection.request.sentAt > limit) continue;
      end(connection, (waitedMs) => ({ kind: "late", waitedMs }));
      connection.socket.destroy();
    }
  }, 500);

  return {
    send(text, onEnd) {
      const request = { text, onEnd, sentAt: 0 };
      pending += 1;
      const connection = takeIdle() ?? (all.size < max ? open() : undefined);
      if (connection) start(connection, request);
      else waiting.push(request);
    },
    async warm(count) {
      while (all.size < Math.min(count, max)) {
        for (let opened = 0; opened < WARM_AT_ONCE; opened += 1) idle.add(open());
        await sleep(20);
      }
    },
    pending: () => pending,
    [Symbol.dispose]() {
      clearInterval(sweep);
      for (const { socket } of all) socket.destroy();
    },
  };
}
