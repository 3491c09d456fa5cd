/** Opens sockets as undici does, with our client certificate. The time limit is the caller's. */

import { Socket } from "node:net";
import buildConnector from "undici/lib/core/connect.js";
import type { ClientCertificate } from "./client-certificate.ts";

type Connect = (target: buildConnector.Options, signal: AbortSignal) => Promise<Socket>;

/** `explain` sees the socket of a failed attempt before it is closed. */
export function createConnect(
  certificate?: ClientCertificate,
  explain: (error: Error, socket: Socket | undefined) => Error = (error) => error,
): Connect {
  let pair = certificate?.();
  let connector = createConnector(pair);

  /** One for all, so that TLS sessions are resumed, until the certificate changes: a session stands for the old one. */
  function currentConnector() {
    const current = certificate?.();
    if (current !== pair) connector = createConnector(current);
    pair = current;
    return connector;
  }

  return function connect(target, signal) {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<Socket>();
    const opening: unknown = currentConnector()(target, (...[error, socket]) => {
      signal.removeEventListener("abort", abort);
      if (error) reject(explain(error, opening instanceof Socket ? opening : undefined));
      else resolve(socket);
    });
    const abort = () => {
      if (opening instanceof Socket) opening.destroy(signal.reason);
    };
    signal.addEventListener("abort", abort);
    return promise;
  };
}

function createConnector(pair: ReturnType<ClientCertificate> | undefined) {
  const pem = pair && { cert: pair.cert.reveal(), key: pair.key.reveal() };
  return buildConnector({ timeout: 0, allowH2: false, ...pem });
}
