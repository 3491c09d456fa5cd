/** A port for each part of the demo: the documented one, the one that was asked for, or any free one. */

import { once } from "node:events";
import { createServer } from "node:net";

export type PortChoice = {
  port: number;
  /** What a reader of the documentation has to know, in a sentence: the documented port is taken. */
  note?: string;
};

export type PortRequest = {
  /** What listens there, as in "the service". */
  part: string;
  /** The flag that chooses another port. */
  flag: string;
  /** The flag's value, if it was given. `0` is any free port. */
  asked: string | undefined;
  /** The port in the documentation. */
  usual: number;
  /** Ports of the parts that are chosen already. */
  others: readonly number[];
};

/** Throws a `PortError` for a value that is no port, and for one that was asked for and is taken. */
export async function choosePort(request: PortRequest): Promise<PortChoice> {
  const { part, flag, asked, usual, others } = request;
  if (asked !== undefined && !isPort(asked))
    throw new PortError(`${flag} must be a whole number from 0 to 65535.`);
  const wanted = asked === undefined ? usual : Number(asked);
  const free = others.includes(wanted) ? undefined : await findFree(wanted);
  if (free !== undefined) return { port: free };
  if (asked !== undefined)
    throw new PortError(`Port ${wanted} is taken. Choose another one with ${flag}.`);
  const port = await pickPort();
  return {
    port,
    note: `Port ${wanted} is taken, so ${part} uses ${port}. Choose another one with ${flag}.`,
  };
}

export class PortError extends Error {}

/** Any free port of this machine. */
async function pickPort(): Promise<number> {
  return (await findFree(0)) ?? 0;
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535;
}

/** `undefined` where the port is taken, or may not be used. */
async function findFree(wanted: number): Promise<number | undefined> {
  const server = createServer();
  server.listen(wanted, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch {
    return undefined;
  }
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address ? address.port : undefined;
}
