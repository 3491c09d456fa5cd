/**
 * TLS_CERT_FILE and TLS_KEY_FILE -> how the public port identifies itself: a certificate and the private key that belongs to it,
 * in PEM.
 */

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { createSecret, type Secret } from "../secret.ts";
import type { Faults } from "./faults.ts";
import type { ReadFile, Variables } from "./variables.ts";

export type TlsConfig = Readonly<{ certFile: string; keyFile: string; pair: KeyPair }>;

export function toTls(
  { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile }: Variables,
  readFile: ReadFile,
  faults: Faults,
): TlsConfig | undefined {
  if (!certFile && !keyFile) return undefined;
  if (!certFile || !keyFile) {
    const [missing, given] = certFile ? ["KEY", "CERT"] : ["CERT", "KEY"];
    faults.add(`TLS_${missing}_FILE`, `is missing: TLS_${given}_FILE needs it`);
    return undefined;
  }
  const read = (name: string, path: string) => {
    try {
      return readFile(path);
    } catch {
      faults.add(name, "names a file that cannot be read");
      return undefined;
    }
  };
  const cert = read("TLS_CERT_FILE", certFile);
  const key = read("TLS_KEY_FILE", keyFile);
  if (cert === undefined || key === undefined) return undefined;
  const pair = parseKeyPair(cert, key);
  if (isPair(pair)) return { certFile, keyFile, pair };
  faults.add(pair.of === "cert" ? "TLS_CERT_FILE" : "TLS_KEY_FILE", pair.message);
  return undefined;
}

export function isPair(parsed: ReturnType<typeof parseKeyPair>): parsed is KeyPair {
  return "cert" in parsed;
}

export type KeyPair = Readonly<{
  /** Its own certificate first, then those that lead to an authority. Wrapped so that it stands in no digest. */
  cert: Secret;
  key: Secret;
}>;

type PairReason = "no_certificate" | "no_key" | "encrypted_key" | "mismatch" | "refused_by_openssl";

type PairProblem = { reason: PairReason; of: "cert" | "key"; message: string };

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
