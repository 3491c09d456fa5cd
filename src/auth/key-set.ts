/**
 * Loads an issuer's public keys: by OpenID Connect discovery, from a URL, or from a file. Keys come only from where the
 * operator or the issuer's own document says, never from a token.
 *
 * Entries that cannot verify a signature are skipped, and the first hundred others are used.
 * Sources: OpenID Connect Discovery 1.0, section 4; RFC 7517, section 5; RFC 8725, section 3.10.
 */

import { createPublicKey, type JsonWebKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { JSONWebKeySet, JWK } from "jose";
import * as z from "zod";
import { AppError } from "../errors.ts";
import type { KeySource } from "../session/settings.ts";
import type { ClientCertificate } from "../upstream/client-certificate.ts";
import type { ForwardProxy } from "../upstream/connection.ts";
import { createExchange, type ExchangeResult } from "../upstream/exchange.ts";
import type { Limits } from "../upstream/limits.ts";
import { mayLeadTo } from "../upstream/upstream-url.ts";

/** Gives at least one key, or throws. Requests that wait for keys need no reason. */
export type LoadKeys = () => Promise<JSONWebKeySet>;

export type LoadOptions = {
  proxy?: ForwardProxy | undefined;
  clientCertificate?: ClientCertificate | undefined;
  /** For each of the two documents, where it is more than 3 s to connect and 6 s in all. Who waits for a key may wait less. */
  limits?: Limits;
  /** Called with each exchange of a load. */
  watch?: (result: ExchangeResult, url: URL) => void;
};

const MIN_TIMEOUT_MS = 6000;
const MIN_CONNECT_MS = 3000;
const MAX_BYTES = 256 * 1024;
const MAX_KEYS = 100;
/** Weaker RSA keys are refused by the verifier. Source: RFC 7518, section 3.3. */
const MIN_RSA_BITS = 2048;

const KeySet = z.object({ keys: z.array(z.unknown()) });
const Discovery = z.object({ issuer: z.string(), jwks_uri: z.url() });

/** All is read again at each load, so that keys can be rotated by replacing the file. */
export function createLoader(issuer: string, keys: KeySource, options: LoadOptions = {}): LoadKeys {
  return async function load() {
    if (keys.kind === "file") {
      return toKeySet(JSON.parse((await readFile(keys.path, "utf8")).replace(/^\uFEFF/, "")));
    }
    const url = keys.kind === "url" ? keys.url : await discover(issuer, keys.httpHosts, options);
    return toKeySet(await fetchJson(url, options));
  };
}

async function discover(issuer: string, httpHosts: readonly string[], options: LoadOptions) {
  const document = Discovery.parse(await fetchJson(toDiscoveryUrl(issuer), options));
  if (document.issuer !== issuer) throw unusable("wrong_issuer");
  const jwksUrl = new URL(document.jwks_uri);
  if (!mayLeadTo(new URL(issuer), jwksUrl, httpHosts)) throw unusable("unsafe_keys_url");
  return jwksUrl;
}

export function toDiscoveryUrl(issuer: string): URL {
  return new URL(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
}

function unusable(reason: "wrong_issuer" | "unsafe_keys_url" | "no_usable_key"): AppError {
  return new AppError("auth_unavailable", "The issuer's keys cannot be used.", { reason });
}

async function fetchJson(url: URL, options: LoadOptions): Promise<unknown> {
  const { proxy, clientCertificate, watch, limits } = options;
  await using exchange = createExchange({
    origin: url.origin,
    connections: 1,
    maxResponseBytes: MAX_BYTES,
    connectTimeoutMs: Math.max(MIN_CONNECT_MS, limits?.connectTimeoutMs ?? 0),
    proxy,
    clientCertificate,
  });
  const headers = { accept: "application/json, application/jwk-set+json" };
  const result = await exchange(
    { method: "GET", path: url.pathname + url.search, headers },
    Math.max(MIN_TIMEOUT_MS, limits?.attemptMs ?? 0),
  );
  watch?.(result, url);
  if (result.kind === "failure") throw new Error(result.reason);
  if (result.status !== 200) throw new Error(`status ${result.status}`);
  return JSON.parse(result.text);
}

function toKeySet(body: unknown): JSONWebKeySet {
  const keys = KeySet.parse(body).keys.filter(isUsable).slice(0, MAX_KEYS);
  if (keys.length === 0) throw unusable("no_usable_key");
  return { keys };
}

/** Whether it is a public key for signatures. Other entries do not make the set invalid. */
function isUsable(entry: unknown): entry is JWK {
  if (typeof entry !== "object" || entry === null) return false;
  const jwk: JWK = entry;
  if (jwk.d !== undefined || (jwk.use !== undefined && jwk.use !== "sig")) return false;
  try {
    const { asymmetricKeyDetails } = createPublicKey({ key: jwk as JsonWebKey, format: "jwk" });
    return (asymmetricKeyDetails?.modulusLength ?? MIN_RSA_BITS) >= MIN_RSA_BITS;
  } catch {
    return false; // Without `kty`, symmetric, of an unknown kind or curve, or malformed.
  }
}
