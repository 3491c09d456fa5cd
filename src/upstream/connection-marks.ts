/**
 * What the errors of a connection do not say by themselves: whether it had been opened, and whether it had been idle.
 */

import type { Socket } from "node:net";
import type { buildConnector } from "undici";

/** Failures before there was a connection, the TLS handshake included. */
const beforeConnection = new WeakSet<Error>();

/** Failures of connections that had been idle, and brought not a byte since the last request. */
const afterReuse = new WeakSet<Error>();

/** No byte of a request can have gone. Behind a proxy only codes tell; see `UNSENT_CODES` in exchange.ts. */
export function isBeforeConnection(error: Error): boolean {
  return beforeConnection.has(error);
}

/** The connection was probably closed while it was idle. */
export function isAfterReuse(error: Error): boolean {
  return afterReuse.has(error);
}

/** `wasReady`: whether the socket had been idle before its first request. */
export function withMarks(
  connector: buildConnector.connector,
  wasReady: (socket: Socket) => boolean = () => false,
): buildConnector.connector {
  return function connect(target, callback) {
    connector(target, (...result) => {
      const [error, socket] = result;
      if (error) beforeConnection.add(error);
      if (socket) markFailureAfterReuse(socket, wasReady(socket));
      callback(...result);
    });
  };
}

function markFailureAfterReuse(socket: Socket, wasReady: boolean): void {
  const bytesAtStart = socket.bytesRead; // Not 0 after a TLS handshake.
  let bytesAtRequest = bytesAtStart;
  const write = socket.write;
  socket.write = (...args: unknown[]) => {
    bytesAtRequest = socket.bytesRead;
    return Reflect.apply(write, socket, args);
  };
  socket.prependOnceListener("error", (error) => {
    const isReused = wasReady || bytesAtRequest > bytesAtStart;
    if (isReused && socket.bytesRead === bytesAtRequest) afterReuse.add(error);
  });
}
