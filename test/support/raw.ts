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
  /** How long to wait for the end. Default: 2 s. */
  patienceMs?: number;
  /** Ends our side after the bytes. */
  end?: boolean;
};

const QUIET_MS = 60;
const CLOSE_MS = 10_000;

/** Waits for the connection to be closed, or for a final answer that nothing follows. */
export async function sendRaw(
  url: string,
  bytes: string,
  options: RawOptions = {},
): Promise<RawAnswer> {
  const { patienceMs = 2000, end = false } = options;
  const startedAt = performance.now();
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  const { promise: isEnough, resolve } = Promise.withResolvers<void>();
  let text = "";
  let isClosed = false;
  let quiet: NodeJS.Timeout | undefined;
  let patience = setTimeout(resolve, patienceMs);
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
    clearTimeout(quiet);
    if (/\r\nConnection: close\r\n/.test(text)) {
      clearTimeout(patience);
      patience = setTimeout(resolve, CLOSE_MS); // It is about to come, on a slow machine a little later.
    } else if (statusesIn(text).some((status) => status >= 200))
      quiet = setTimeout(resolve, QUIET_MS);
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
