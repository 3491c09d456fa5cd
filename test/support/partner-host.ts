/**
 * A partner's web server: pages, the token of a user who is logged in, and, where wanted, the service under its own origin.
 */

import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type PartnerHost = AsyncDisposable & {
  port: number;
  /** What `/token` answers. */
  giveToken: () => Promise<string>;
  /** Base URL of the service that stands behind `/session`, `/embed.js` and the like. */
  proxied: string | undefined;
};

/** Files by path: content type and content. */
export type Files = Record<string, readonly [type: string, content: string]>;

export async function startPartnerHost(files: Files): Promise<PartnerHost> {
  const host: PartnerHost = {
    port: 0,
    giveToken: async () => "",
    proxied: undefined,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
  const server = createServer(async (req, res) => {
    const path = req.url ?? "/";
    const file = files[path];
    if (file) {
      const [type, content] = file;
      res.setHeader("Content-Type", type);
      res.setHeader("Content-Security-Policy", POLICY);
      res.end(content);
    } else if (path === "/token") {
      res.end(await host.giveToken());
    } else if (path === "/favicon.ico") {
      res.writeHead(204).end();
    } else if (host.proxied) {
      forward(req, res, host.proxied + path);
    } else {
      res.writeHead(404).end();
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  host.port = (server.address() as AddressInfo).port;
  return host;
}

/** No inline script or style; what else is fetched and framed here differs from test to test. */
const POLICY =
  "default-src 'none'; script-src 'self' http://*.test:*; connect-src 'self' http://*.test:*; frame-src http://127.0.0.1:*; base-uri 'none'; form-action 'none'";

function forward(req: IncomingMessage, res: ServerResponse, url: string): void {
  const { method, headers } = req;
  const upstream = request(url, { ...(method && { method }), headers }, (answer) => {
    res.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(res);
  });
  upstream.on("error", () => res.writeHead(502).end());
  req.pipe(upstream);
}
