/** Opens a socket as undici does, with our client certificate. The time limit is the caller's. */

import { Socket } from "node:net";
import { buildConnector } from "undici";
import type { ClientCertificate } from "./client-certificate.ts";

export function createConnector(
  pair: { cert?: string; key?: string } = {},
): buildConnector.connector {
  return buildConnector({ timeout: 0, allowH2: false, ...pair });
}

/** One for all, so that TLS sessions are resumed, until the certificate changes: a session stands for the old one. */
export function createConnectors(certificate: ClientCertificate | undefined) {
  let pair = certificate?.();
  let connector = createConnector(pair && toPem(pair));
  return function currentConnector() {
    const current = certificate?.();
    if (current && current !== pair) {
      pair = current;
      connector = createConnector(toPem(current));
    }
    return connector;
  };
}

function toPem({ cert, key }: ReturnType<ClientCertificate>) {
  return { cert: cert.reveal(), key: key.reveal() };
}

/** `explain` sees the socket before it is closed. */
export function connect(
  connector: buildConnector.connector,
  target: buildConnector.Options,
  signal: AbortSignal,
  explain: (error: Error, socket: Socket | undefined) => Error = (error) => error,
): Promise<Socket> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const opening: unknown = connector(target, (...[error, socket]) => {
    signal.removeEventListener("abort", abort);
    if (error) reject(explain(error, opening instanceof Socket ? opening : undefined));
    else resolve(socket);
  });
  const abort = () => {
    if (opening instanceof Socket) opening.destroy(signal.reason);
  };
  signal.addEventListener("abort", abort);
  return promise;
}
