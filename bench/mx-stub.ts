/**
 * MX on a bare socket, in a process of its own: where nginx is absent, where answers take time or speak TLS, and for
 * first logins, which need a memory.
 *
 * Handshakes are counted: a connection that is opened while somebody waits is what nobody should wait for.
 */

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { readMessage } from "../test/load/http-message.ts";
import { serveParent } from "../test/load/worker.ts";
import {
  type MxAnswer,
  NEW_USER,
  NO_USER,
  SSO_MEMBER,
  SSO_USER,
  WIDGET_URL,
} from "./mx-answers.ts";

export type StubRequest =
  | {
      kind: "listen";
      /** Nobody is known: a user is created, gets one URL, and is forgotten. */
      isFirstLogin?: boolean;
      /** From a call until its answer; a handshake takes twice as long, as it would over such a distance. */
      latencyMs?: number;
      /** Files in PEM. */
      tls?: { keyPath: string; certPath: string };
      /** Closes what has been idle for so long. */
      idleMs?: number;
    }
  /** Gives what was counted so far. */
  | { kind: "count" };

export type StubReply = { port: number; handshakes: number; calls: number };

const CALL = /^(GET|POST|PUT) \/(users|user|member)(?:\/([^/ ?]+))?(\/widget_urls)?[ ?]/;

serveParent(createStub());

function createStub(): (request: StubRequest) => Promise<StubReply> {
  const reply: StubReply = { port: 0, handshakes: 0, calls: 0 };

  return async function answer(request) {
    if (request.kind === "count") return reply;
    const { tls, latencyMs = 0, isFirstLogin = false, idleMs = 0 } = request;
    const toAnswer = isFirstLogin ? createFirstLogin() : toFixedAnswer;
    const onCall = (head: string, body: string) => {
      reply.calls += 1;
      return toAnswer(head, body);
    };
    const accept = (socket: Socket) => {
      reply.handshakes += 1;
      socket.setTimeout(idleMs, () => socket.end());
      serve(socket, latencyMs, onCall);
    };
    const server = createServer({ noDelay: true, pauseOnConnect: tls !== undefined });
    if (tls) {
      const secure = createTlsServer({
        key: readFileSync(tls.keyPath),
        cert: readFileSync(tls.certPath),
      });
      secure.on("secureConnection", accept).on("tlsClientError", () => {});
      server.on("connection", (socket) => {
        setTimeout(() => secure.emit("connection", socket), 2 * latencyMs);
      });
    } else {
      server.on("connection", accept);
    }
    server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 });
    await once(server, "listening");
    reply.port = (server.address() as AddressInfo).port;
    return reply;
  };
}

type ToAnswer = (head: string, body: string) => MxAnswer;

function serve(socket: Socket, latencyMs: number, toAnswer: ToAnswer): void {
  let text = "";
  socket.setEncoding("latin1");
  socket.setNoDelay(true);
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk: string) => {
    text += chunk;
    const message = readMessage(text);
    if (!message) return;
    text = text.slice(message.length);
    const answer = toHttp(toAnswer(message.head, message.body));
    if (latencyMs === 0) socket.write(answer);
    else setTimeout(() => socket.write(answer), latencyMs);
  });
}

function toFixedAnswer(head: string): MxAnswer {
  const [, , collection, , urls] = CALL.exec(head) ?? [];
  if (urls) return WIDGET_URL;
  if (collection === "user") return SSO_USER;
  return collection === "member" ? SSO_MEMBER : NEW_USER;
}

function createFirstLogin(): ToAnswer {
  const users = new Set<string>();

  return function toAnswer(head, body) {
    const [, method, , id = "", urls] = CALL.exec(head) ?? [];
    if (method === "GET") return users.has(id) ? NEW_USER : NO_USER;
    if (!urls) {
      users.add(/"id":"([^"]+)"/.exec(body)?.[1] ?? "");
      return NEW_USER;
    }
    return users.delete(id) ? WIDGET_URL : NO_USER;
  };
}

function toHttp({ status, body }: MxAnswer): string {
  return `HTTP/1.1 ${status} Status\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}
