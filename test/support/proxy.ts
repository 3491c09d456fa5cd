/**
 * A forward proxy with CONNECT that keeps what it was asked for.
 *
 * Source: RFC 9110, section 9.3.6.
 */

import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";

export const USER = "canary-user";
export const PASSWORD = "canary-p@ss/w:rd";
export const BASIC = Buffer.from(`${USER}:${PASSWORD}`).toString("base64");

export type Proxy = AsyncDisposable & {
  /** With credentials. */
  url: string;
  /** What it was asked for so far. */
  tunnels: { target: string | undefined; authorization: string | undefined }[];
};

export type ProxyOptions = {
  /** Answers each CONNECT with this status. Default: 200, and opens the tunnel. */
  status?: number;
  /** Host and port that every tunnel leads to. Default: what it was asked for. */
  leadsTo?: string;
};

export async function startProxy({ status = 200, leadsTo }: ProxyOptions = {}): Promise<Proxy> {
  const tunnels: Proxy["tunnels"] = [];
  const server = createServer((_req, res) => res.writeHead(500).end());
  server.on("connect", (req, socket, head) => {
    tunnels.push({ target: req.url, authorization: req.headers["proxy-authorization"] });
    socket.on("error", () => {});
    if (status !== 200) {
      socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: 6\r\n\r\ncanary`);
      return;
    }
    const { hostname, port } = new URL(`https://${leadsTo ?? req.url}`);
    const upstream = connect({ port: Number(port), host: hostname, noDelay: true }, () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      upstream.write(head);
      socket.pipe(upstream).pipe(socket);
    });
    upstream.on("error", () => socket.destroy());
    socket.once("close", () => upstream.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const credentials = `${encodeURIComponent(USER)}:${encodeURIComponent(PASSWORD)}`;
  return {
    url: `http://${credentials}@127.0.0.1:${port}`,
    tunnels,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}
