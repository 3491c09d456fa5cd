/** Gateways that ask for a client certificate: TLS in front of a server without it, by Node and by nginx. */

import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type TLSSocket } from "node:tls";
import { findFreePort, startNginx } from "../load/nginx.ts";
import type { Certificate } from "./certificates.ts";

export type TlsVersion = "TLSv1.2" | "TLSv1.3";

export type GatewayOptions = {
  /** Its own, for localhost. */
  certificate: Certificate;
  /** Who signs the clients' certificates, in PEM. */
  authority: string;
  version?: TlsVersion;
  /** Asks for a certificate, and takes everybody. */
  isOptional?: boolean;
};

export type Gateway = AsyncDisposable & {
  url: string;
  /** Origin of the server behind it, to be set. */
  upstream: string;
  /** Whom the certificates name that it was shown, one for each connection; "" for none. Those that it refused are not there. */
  shown: string[];
};

/** Refuses with an alert who shows no certificate, and closes the connection of who shows one that is not the authority's. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { certificate, authority: ca, version = "TLSv1.3", isOptional = false } = options;
  const sockets = new Set<Socket>();
  const tls = {
    ...certificate,
    ca,
    requestCert: true,
    rejectUnauthorized: !isOptional,
    minVersion: version,
    maxVersion: version,
    noDelay: true,
  };
  const server = createServer(tls, (socket: TLSSocket) => {
    gateway.shown.push(String(socket.getPeerCertificate().subject?.CN ?? ""));
    const { hostname, port } = new URL(gateway.upstream);
    const upstream = connect({ port: Number(port), host: hostname, noDelay: true });
    for (const [one, other] of [
      [socket, upstream],
      [upstream, socket],
    ] as const) {
      sockets.add(one);
      one.on("error", () => {}).once("close", () => other.destroy());
      one.pipe(other);
    }
  });
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const gateway: Gateway = {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    upstream: "",
    shown: [],
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
  return gateway;
}

export type NginxGateway = AsyncDisposable & {
  url: string;
  /** As `Gateway.shown`, one for each request; "" where it refused. */
  shown(): Promise<string[]>;
};

/** As `ssl_verify_client on`: it answers 400 with a page. */
export async function startNginxGateway(
  options: GatewayOptions & { upstream: string },
): Promise<NginxGateway> {
  const { certificate, authority, upstream, version = "TLSv1.3" } = options;
  const folder = await mkdtemp(join(tmpdir(), "gateway-"));
  const port = await findFreePort();
  const files = { "own.pem": certificate.cert, "own.key": certificate.key, "ca.pem": authority };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  const config = `
daemon off;
pid nginx.pid;
events { worker_connections 256; }
http {
  log_format shown '$ssl_client_verify $ssl_client_s_dn';
  access_log shown.log shown;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_protocols ${version};
    ssl_certificate ${folder}/own.pem;
    ssl_certificate_key ${folder}/own.key;
    ssl_client_certificate ${folder}/ca.pem;
    ssl_verify_client on;
    ssl_verify_depth 3;
    location / {
      proxy_pass ${upstream};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
}
`;
  const nginx = await startNginx({ port, config, folder, cpus: undefined });
  return {
    url: `https://localhost:${port}`,
    async shown() {
      const log = await readFile(join(folder, "nginx/shown.log"), "utf8");
      const lines = log.trim().split("\n").slice(1); // The first asked by plain http whether it listens.
      return lines.map((line) => /^SUCCESS CN=(.+)$/.exec(line)?.[1] ?? "");
    },
    async [Symbol.asyncDispose]() {
      await nginx[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}
