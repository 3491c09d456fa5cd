/**
 * What Node's HTTP parser refuses. It never becomes a request, so no middleware and no access log sees it. Without this, a
 * load balancer that speaks another protocol to this port would fail all traffic and leave no trace.
 *
 * The answers are Node's own. Sources: Node.js, `http.Server`, event "clientError"; RFC 9113, section 3.4 (HTTP/2
 * preface); haproxy, PROXY protocol, section 2; RFC 8446, section 5.1 (TLS records).
 */

import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { ParserRefusal } from "../telemetry/log-entries.ts";
import type { Logger } from "../telemetry/logger.ts";

export type OnParserRefusal = (kind: ParserRefusal) => void;

/** `findAnswer`: what the connection is being answered, if anything. */
export function answerParserErrors(
  server: Server,
  findAnswer: (socket: Socket) => ServerResponse | undefined,
  onRefusal: OnParserRefusal,
): void {
  server.on("clientError", (error: ParserError, socket: Socket) => {
    if (CONNECTION_ERRORS.has(error.code)) return void socket.destroy();
    onRefusal(toKind(error));
    if (TLS_ERROR.test(error.code)) return void socket.destroy(); // Nothing can be said on it.
    const isAnswered = findAnswer(socket)?.headersSent; // More bytes would corrupt that answer.
    if (socket.writable && !isAnswered) socket.write(toAnswer(STATUS[error.code]));
    socket.destroySoon();
  });
}

/** For what came in place of a TLS handshake. The answer is not encrypted, so that the client can read it. */
export function answerOtherProtocol(
  socket: Socket,
  bytes: Buffer,
  onRefusal: OnParserRefusal,
): void {
  onRefusal(readKind(bytes) ?? (REQUEST.test(toStart(bytes)) ? "plain_http" : "malformed"));
  if (socket.writable) socket.write(toAnswer());
  socket.destroySoon();
}

function toAnswer(status = "400 Bad Request"): string {
  return `HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`;
}

type ParserError = Error & { code: string; rawPacket?: Buffer };

/** The caller or the network is gone. Nothing was refused. */
const CONNECTION_ERRORS = new Set(["ECONNRESET", "EPIPE", "ETIMEDOUT", "HPE_INVALID_EOF_STATE"]);

const STATUS: Record<string, string> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  HPE_CHUNK_EXTENSIONS_OVERFLOW: "413 Payload Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};

const TLS_ERROR = /^ERR_(SSL|TLS)_/;

const FIRST_BYTES: [ParserRefusal, string][] = [
  ["http2", "PRI * HTTP/2"],
  ["proxy_protocol_v1", "PROXY "],
  ["proxy_protocol_v2", "\r\n\r\n\0\r\nQUIT\n"],
  ["tls", "\x16\x03"],
];

function toKind({ code, rawPacket }: ParserError): ParserRefusal {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT" || code === "ERR_TLS_HANDSHAKE_TIMEOUT") return "timeout";
  if (code === "HPE_HEADER_OVERFLOW") return "headers_too_large";
  if (code === "ERR_SSL_NO_APPLICATION_PROTOCOL") return "http2"; // All that it offers.
  if (TLS_ERROR.test(code)) return "tls_handshake";
  return readKind(rawPacket) ?? "malformed";
}

/** A method, and what follows it. */
const REQUEST = /^[A-Z]{3,10} [/h*]/;

function readKind(bytes: Buffer | undefined): ParserRefusal | undefined {
  const start = toStart(bytes);
  return FIRST_BYTES.find(([, first]) => start.startsWith(first))?.[0];
}

function toStart(bytes: Buffer | undefined): string {
  return bytes?.toString("latin1", 0, 16) ?? "";
}

const LOG_EVERY_MS = 60_000;

/** Logs the first refusal of a kind, then at most one line a minute, with how many came since the one before. */
export function createParserRefusalLog(
  logger: Logger,
  now: () => number = () => performance.now(),
): OnParserRefusal {
  const kinds = new Map<ParserRefusal, { nextLogMs: number; count: number }>();
  return function logParserRefusal(kind) {
    const { nextLogMs, count } = kinds.get(kind) ?? { nextLogMs: now(), count: 0 };
    if (now() < nextLogMs) return void kinds.set(kind, { nextLogMs, count: count + 1 });
    kinds.set(kind, { nextLogMs: now() + LOG_EVERY_MS, count: 0 });
    logger.parserRefusal(kind, count + 1);
  };
}
