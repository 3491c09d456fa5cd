/**
 * Web sites under names of their own, over TLS, on one port: the partner's, with the service behind it, and any others.
 *
 * `https://bank.test` has the partner's login, and passes the paths of the service on to it, as an edge proxy does. Its
 * cookie is `SameSite=None`, so that the browser sends it whoever asks. All other names serve an empty page.
 */

import { once } from "node:events";
import { type IncomingMessage, request, type ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { makeCertificates } from "./certificates.ts";

/** What came for the service, once it was answered. */
export type SeenRequest = { method: string; hasCookie: boolean; status: number };

export type Sites = AsyncDisposable & {
  /** Origin of a name such as `bank.test`. */
  origin(name: string): string;
  seen: SeenRequest[];
  /** Where requests for the service go. */
  passOnTo(serviceUrl: string): void;
};

export async function startSites(cookie: string): Promise<Sites> {
  using certificates = makeCertificates();
  const seen: SeenRequest[] = [];
  let serviceUrl = "";

  function passOn(req: IncomingMessage, res: ServerResponse): void {
    const { method = "", url = "", headers } = req;
    const hasCookie = headers.cookie?.includes(cookie) ?? false;
    const inner = request(new URL(url, serviceUrl), { method, headers }, (answer) => {
      const { statusCode: status = 0 } = answer;
      res.writeHead(status, answer.headers);
      answer.pipe(res).once("finish", () => seen.push({ method, hasCookie, status }));
    });
    req.pipe(inner);
  }

  const server = createServer(certificates.good, (req, res) => {
    const { host = "", pathname, searchParams } = new URL(`https://${req.headers.host}${req.url}`);
    if (host.startsWith("bank.test:") && /^\/(session|user)/.test(pathname)) passOn(req, res);
    else if (pathname === "/login")
      res.setHeader("set-cookie", `${cookie}; Path=/; Secure; HttpOnly; SameSite=None`).end();
    else if (pathname === "/redirect")
      res.writeHead(307, { location: searchParams.get("to") ?? "/" }).end();
    else res.setHeader("content-type", "text/html").end("<!doctype html><title>A page</title>");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  return {
    origin: (name) => `https://${name}:${port}`,
    seen,
    passOnTo(url) {
      serviceUrl = url;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}
