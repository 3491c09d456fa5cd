/**
 * MX as a load run needs it, in a process of its own: every user exists, and each URL is made once.
 *
 * On a bare socket, because what this process burns is not measured but in the way.
 * Source: MX Platform API, Request widget URL.
 */

import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { readMessage } from "./http-message.ts";
import { serveParent } from "./worker.ts";

/**
 * - `answer`: after the latency
 * - `silence`: takes calls and says nothing, not even afterwards
 * - `status`: answers this status after the latency, to this share of the calls
 * - `reset`: resets the connection for this share of the calls
 * - `refuse`: nobody listens, and every connection is gone
 */
export type MxMode =
  | { kind: "answer" }
  | { kind: "silence" }
  | { kind: "status"; status: 429 | 502 | 503; share: number }
  | { kind: "reset"; share: number }
  | { kind: "refuse" };

export type MxRequest =
  | { kind: "listen" }
  | { kind: "mode"; mode: MxMode }
  | { kind: "latency"; latencyMs: number }
  /** Gives what was counted since it was last asked. */
  | { kind: "take" };

export type MxSecond = {
  /** Epoch milliseconds at which it begins. */
  at: number;
  calls: number;
  /** Calls for a user who was asked for before: retries, where each request has a user of its own. */
  repeats: number;
  /** The most connections that were open. */
  sockets: number;
};

export type MxReply = { port: number; seconds: MxSecond[] };

const CALL = /^POST \/users\/([^/ ]+)\/widget_urls HTTP/;

serveParent(createMxStub());

function createMxStub(): (request: MxRequest) => Promise<MxReply> {
  const sockets = new Set<Socket>();
  let seenUsers = new Set<string>();
  let seconds: MxSecond[] = [];
  let mode: MxMode = { kind: "answer" };
  let latencyMs = 50;
  let lastUrl = 0;
  let port = 0;
  const server = createServer({ noDelay: true }, accept);

  function accept(socket: Socket): void {
    sockets.add(socket);
    current();
    let text = "";
    socket.setEncoding("latin1");
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (chunk: string) => {
      text += chunk;
      const message = readMessage(text);
      if (!message) return;
      text = text.slice(message.length);
      handle(socket, CALL.exec(message.head)?.[1]);
    });
  }

  function handle(socket: Socket, userId: string | undefined): void {
    count(userId);
    if (mode.kind === "silence") return;
    const isHit = "share" in mode && Math.random() < mode.share;
    if (isHit && mode.kind === "reset") {
      socket.resetAndDestroy();
      return;
    }
    const status = isHit && mode.kind === "status" ? mode.status : userId ? 200 : 404;
    setTimeout(() => socket.write(toAnswer(status, userId ?? "")), latencyMs);
  }

  function toAnswer(status: number, userId: string): string {
    if (status !== 200) return toHttp(status, '{"error":{"message":"No.","status":"error"}}');
    lastUrl += 1;
    const url = `https://widgets.example/${userId}/${lastUrl}`;
    return toHttp(
      status,
      `{"widget_url":{"type":"connect_widget","url":"${url}","user_id":"${userId}"}}`,
    );
  }

  function count(userId: string | undefined): void {
    const second = current();
    second.calls += 1;
    if (!userId) return;
    if (seenUsers.has(userId)) second.repeats += 1;
    else seenUsers.add(userId);
  }

  function current(): MxSecond {
    const at = Math.floor(Date.now() / 1000) * 1000;
    let second = seconds.at(-1);
    if (second?.at !== at) {
      second = { at, calls: 0, repeats: 0, sockets: 0 };
      seconds.push(second);
    }
    second.sockets = Math.max(second.sockets, sockets.size);
    return second;
  }

  async function listen(): Promise<void> {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    port = (server.address() as AddressInfo).port;
  }

  async function setMode(next: MxMode): Promise<void> {
    mode = next;
    if (mode.kind !== "refuse") {
      if (!server.listening) await listen();
      return;
    }
    server.close();
    for (const socket of sockets) socket.resetAndDestroy();
  }

  return async function answer(request) {
    if (request.kind === "listen") await listen();
    if (request.kind === "mode") await setMode(request.mode);
    if (request.kind === "latency") latencyMs = request.latencyMs;
    if (request.kind !== "take") return { port, seconds: [] };
    const taken = seconds;
    seconds = [];
    seenUsers = new Set();
    return { port, seconds: taken };
  };
}

function toHttp(status: number, body: string): string {
  return `HTTP/1.1 ${status} Status\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}
