/**
 * The issuer: two keys, published at a JWKS address that can fail.
 */

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createTokenKey, type TokenIssuer, type TokenKey, toPublicJwk } from "./tokens.ts";

export type JwksFailure = "500" | "silence";

export type Issuer = AsyncDisposable &
  TokenIssuer & {
    jwksUrl: string;
    keys: { rs256: TokenKey; es256: TokenKey };
    /** Only these keys from now on. */
    publish(names: readonly ("rs256" | "es256")[]): void;
    /** How often the keys were asked for, failures included. */
    requests(): number;
    /** `undefined`: works again. */
    fail(failure: JwksFailure | undefined): void;
  };

export async function startIssuer(): Promise<Issuer> {
  const keys = { rs256: createTokenKey("RS256", "rsa"), es256: createTokenKey("ES256", "ec") };
  const toDocument = (published: readonly TokenKey[]) =>
    JSON.stringify({ keys: published.map(toPublicJwk) });
  let document = toDocument(Object.values(keys));
  let requests = 0;
  let failing: JwksFailure | undefined;

  const server = createServer((_req, res) => {
    requests += 1;
    if (failing === "silence") return;
    res.writeHead(failing ? 500 : 200, { "content-type": "application/json" });
    res.end(failing ? "{}" : document);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  return {
    issuer: "https://login.example",
    audience: "mx-session-bff",
    jwksUrl: `http://127.0.0.1:${port}/jwks`,
    keys,
    publish(names) {
      document = toDocument(names.map((name) => keys[name]));
    },
    requests: () => requests,
    fail(failure) {
      failing = failure;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}
