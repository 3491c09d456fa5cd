/**
 * The public hosts of identity providers on this machine: a forward proxy leads every https host to one TLS server, whose
 * certificate this process trusts. So a service is configured as it would be for the real provider.
 */

import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { makeCertificates } from "./certificates.ts";
import { startProxy } from "./proxy.ts";

/** A document, or what answers. */
export type Page = object | ((req: IncomingMessage, res: ServerResponse) => void);

export type ProviderWorld = AsyncDisposable & {
  /** For HTTPS_PROXY. */
  proxyUrl: string;
  /** By URL; anything else is 404. */
  pages: Map<string, Page>;
};

export async function startProviderWorld(hosts: readonly string[]): Promise<ProviderWorld> {
  await using parts = new AsyncDisposableStack();
  const certificates = parts.use(makeCertificates());
  parts.use(certificates.trust());
  const pages = new Map<string, Page>();
  const server = createServer(certificates.issue(hosts), (req, res) => {
    const page = pages.get(`https://${req.headers.host}${req.url}`);
    if (typeof page === "function") page(req, res);
    else if (page === undefined) res.writeHead(404).end();
    else res.setHeader("content-type", "application/json").end(JSON.stringify(page));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  parts.defer(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const proxy = parts.use(await startProxy({ leadsTo: `127.0.0.1:${port}` }));
  const owned = parts.move();
  return { proxyUrl: proxy.url, pages, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
