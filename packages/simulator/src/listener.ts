/** One HTTP listener that can be closed at once, with whatever still hangs on it. */

import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";

export type Listener = AsyncDisposable & {
  /** Such as `http://127.0.0.1:41234`. */
  readonly url: string;
};

/** Rejects when the port is taken. Port 0 is any free one. */
export async function startListener(
  handler: RequestListener,
  address: { host: string; port: number },
): Promise<Listener> {
  const server = createServer(handler);
  server.keepAliveTimeout = 120_000; // Longer than any client's, so that no call meets a closing connection by chance.
  server.listen(address.port, address.host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;

  return {
    url: `http://${host}:${port}`,
    async [Symbol.asyncDispose]() {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
