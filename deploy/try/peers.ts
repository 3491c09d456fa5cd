/**
 * What the service stands between, for the compose file: MX simulated and a login, each behind TLS on the host name `peers`.
 *
 * GET http://…:4000/token/ada gives a token of Ada's.
 */

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { startIdentityProvider } from "../../packages/simulator/src/identity-provider.ts";
import { startSimulator } from "../../packages/simulator/src/simulator.ts";

const certificate = {
  key: readFileSync("/certificates/peers.key"),
  cert: readFileSync("/certificates/peers.pem"),
};

/** Whatever arrives at `port` goes on without TLS to `url`. */
function wrapInTls(port: number, url: string): void {
  const { hostname, port: target } = new URL(url);
  createTlsServer(certificate, (outside) => {
    const inside = connect(Number(target), hostname);
    outside.pipe(inside).pipe(outside);
    outside.once("error", () => inside.destroy()).once("close", () => inside.destroy());
    inside.once("error", () => outside.destroy());
  }).listen(port);
}

const mx = await startSimulator({ latencyMs: 100, widgetOrigin: "https://localhost:8445" });
wrapInTls(8443, mx.platformUrl);
wrapInTls(8444, mx.ssoUrl);
wrapInTls(8445, mx.widgetUrl);

const issuer = await startIdentityProvider({ port: 4001, issuer: "https://peers:8446" });
wrapInTls(8446, "http://127.0.0.1:4001");

createServer(async (req, res) => {
  const [, user] = /^\/token\/([\w-]{1,64})$/.exec(req.url ?? "") ?? [];
  if (user) res.end(await issuer.issueToken(user));
  else res.writeHead(404).end();
}).listen(4000);

process.once("SIGTERM", () => process.exit(0));
