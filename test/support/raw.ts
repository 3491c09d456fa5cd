/** Bytes as they are, to a real socket, for what no HTTP client would send. */

import { once } from "node:events";
import { connect } from "node:net";

export type RawAnswer = {
  /** Of each answer, 100 included. */
  statuses: number[];
  text: string;
  /** The service has closed the connection. */
  isClosed: boolean;
  /** Until it was closed, or given up. */
  ms: number;
};

export type RawOptions = {
  /** Ends our side after the bytes. */
  end?: boolean;
  /** Waits for the connection to be closed, also where the answer does not announce it. */
  untilClosed?: boolean;
};

const QUIET_MS = 60;
/** For a service that does not answer, or does not close. */
const PATIENCE_MS = 10_000;

/** Waits for the connection to be closed, or for a final answer that nothing follows. */
export async function sendRaw(
  url: string,
  bytes: string,
  options: RawOptions = {},
): Promise<RawAnswer> {
  const { end = false, untilClosed = false } = options;
  const startedAt = performance.now();
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  const { promise: isEnough, resolve } = Promise.withResolvers<void>();
  let text = "";
  let isClosed = false;
  let quiet: NodeJS.Timeout | undefined;
  const patience = setTimeout(resolve, PATIENCE_MS);
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
    clearTimeout(quiet);
    if (untilClosed || /\r\nConnection: close\r\n/.test(text)) return;
    if (statusesIn(text).some((status) => status >= 200)) quiet = setTimeout(resolve, QUIET_MS);
  });
  socket.on("error", () => {}); // A reset; "close" follows.
  socket.once("close", () => {
    isClosed = true;
    resolve();
  });
  await once(socket, "connect");
  if (end) socket.end(bytes, "latin1");
  else socket.write(bytes, "latin1");
  await isEnough;
  clearTimeout(quiet);
  clearTimeout(patience);
  socket.destroy();
  return { statuses: statusesIn(text), text, isClosed, ms: performance.now() - startedAt };
}

function statusesIn(text: string): number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}
