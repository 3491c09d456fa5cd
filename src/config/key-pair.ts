/** A certificate and the private key that belongs to it, in PEM: what a listener or a client identifies itself with. */

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { createSecret, type Secret } from "../secret.ts";

export type KeyPair = Readonly<{
  /** Its own certificate first, then those that lead to an authority. Wrapped so that it stands in no digest. */
  cert: Secret;
  key: Secret;
}>;

export type PairReason =
  | "no_certificate"
  | "no_key"
  | "encrypted_key"
  | "mismatch"
  | "refused_by_openssl";

export type PairProblem = { reason: PairReason; of: "cert" | "key"; message: string };

/** The texts of two files -> a pair that TLS can use, or what is wrong. Expired certificates are not looked for. */
export function parseKeyPair(cert: string, key: string): KeyPair | PairProblem {
  const certificate = attempt(() => new X509Certificate(cert));
  if (!certificate) return PROBLEMS.no_certificate;
  const privateKey = readKey(key);
  if (typeof privateKey === "string") return PROBLEMS[privateKey];
  if (!certificate.checkPrivateKey(privateKey)) return PROBLEMS.mismatch;
  if (!attempt(() => createSecureContext({ cert, key }))) return PROBLEMS.refused_by_openssl;
  return { cert: createSecret(cert), key: createSecret(key) };
}

/** When the pair's own certificate is valid: milliseconds since the epoch. */
export function readValidity({ cert }: Pick<KeyPair, "cert">): { fromMs: number; toMs: number } {
  const { validFromDate, validToDate } = new X509Certificate(cert.reveal());
  return { fromMs: validFromDate.getTime(), toMs: validToDate.getTime() };
}

function readKey(key: string): KeyObject | "no_key" | "encrypted_key" {
  try {
    return createPrivateKey(key);
  } catch {
    return /ENCRYPTED/.test(key) ? "encrypted_key" : "no_key";
  }
}

function attempt<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined; // Errors of OpenSSL can quote what they were given.
  }
}

const PROBLEMS: Readonly<Record<PairReason, PairProblem>> = {
  no_certificate: {
    reason: "no_certificate",
    of: "cert",
    message: "must name a file that starts with a certificate in PEM format",
  },
  no_key: {
    reason: "no_key",
    of: "key",
    message: "must name a file with a private key in PEM format",
  },
  encrypted_key: {
    reason: "encrypted_key",
    of: "key",
    message:
      "names a key with a passphrase; remove it: openssl pkey -in encrypted.pem -out key.pem",
  },
  mismatch: {
    reason: "mismatch",
    of: "key",
    message:
      "does not belong to the first certificate of the other file; the server's or client's own comes first there",
  },
  refused_by_openssl: {
    reason: "refused_by_openssl",
    of: "cert",
    message:
      "names a certificate that OpenSSL refuses: too weak a key or signature, or a broken chain",
  },
};
