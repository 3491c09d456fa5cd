/**
 * NAME_CERT_FILE and NAME_KEY_FILE -> the certificates that the service identifies itself with: on the public port, and as a client
 * of MX, of the login's hosts and of the lookup. Each with the private key that belongs to it, in PEM.
 */

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { createSecret, type Secret } from "../secret.ts";
import { type Given, reportHalf } from "./read.ts";

/** What the variables with its files begin with. */
type CertificateName = "TLS" | ClientName;

/** Whom a client certificate is shown to: MX, the login's hosts, or the lookup. */
export type ClientName = "MX_CLIENT" | "AUTH_CLIENT" | "MEMBER_LOOKUP_CLIENT";

export type CertificateConfig = Readonly<{
  name: CertificateName;
  certFile: string;
  keyFile: string;
  /** As it was at the start. */
  pair: KeyPair;
}>;

export function toCertificate(name: CertificateName, given: Given): CertificateConfig | undefined {
  const names = { cert: `${name}_CERT_FILE`, key: `${name}_KEY_FILE` } as const;
  const { [names.cert]: certFile, [names.key]: keyFile } = given.v;
  reportHalf(given, names.cert, names.key);
  if (!certFile || !keyFile) return undefined;
  const cert = given.readNamed(names.cert, certFile);
  const key = given.readNamed(names.key, keyFile);
  if (cert === undefined || key === undefined) return undefined;
  const pair = parseKeyPair(cert, key);
  if (typeof pair !== "string") return { name, certFile, keyFile, pair };
  const { of, message } = PROBLEMS[pair];
  given.faults.add(names[of], message);
  return undefined;
}

/** Hosts that are asked about a login: `issuer` ones belong to a tenant, `login` ones to the process. */
type LoginHosts = "issuer" | "login";

/** A certificate that no host would be shown is a mistake. `hosts`: which of the login's hosts these variables are about. */
export function checkUse({ v, faults }: Given, hosts: readonly LoginHosts[]): void {
  const isAsked: Record<LoginHosts, boolean> = {
    issuer: (v.AUTH_JWT && !v.AUTH_JWKS_FILE) || v.PROFILE_SOURCE === "userinfo",
    login: Boolean(v.AUTH_INTROSPECTION_URL ?? v.AUTH_SESSION_CHECK_URL),
  };
  if (v.AUTH_CLIENT_CERT_FILE && !hosts.some((kind) => isAsked[kind]))
    faults.add("AUTH_CLIENT_CERT_FILE", "has no effect, because no login needs a call to a host");
  if (v.MEMBER_LOOKUP_CLIENT_CERT_FILE && !v.MEMBER_LOOKUP_URL)
    faults.add("MEMBER_LOOKUP_CLIENT_CERT_FILE", "has no effect without MEMBER_LOOKUP_URL");
}

export function identify({ name, certFile, keyFile }: CertificateConfig): string {
  return JSON.stringify([name, certFile, keyFile]);
}

export type KeyPair = Readonly<{
  /** Its own certificate first, then those that lead to an authority. Wrapped to keep it out of the digest. */
  cert: Secret;
  key: Secret;
}>;

type PairReason = "no_certificate" | "no_key" | "encrypted_key" | "mismatch" | "refused_by_openssl";

/** The texts of two files -> a pair that TLS can use, or what is wrong. Expired certificates are not looked for. */
export function parseKeyPair(certFile: string, keyFile: string): KeyPair | PairReason {
  const [cert = "", key = ""] = [certFile, keyFile].map((text) => text.replace(/^\uFEFF/, ""));
  const certificate = attempt(() => new X509Certificate(cert));
  if (!certificate) return "no_certificate";
  const privateKey = readKey(key);
  if (typeof privateKey === "string") return privateKey;
  if (!certificate.checkPrivateKey(privateKey)) return "mismatch";
  if (!attempt(() => createSecureContext({ cert, key }))) return "refused_by_openssl";
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

/** `of`: whose variable has the fault. */
const PROBLEMS: Readonly<Record<PairReason, { of: "cert" | "key"; message: string }>> = {
  no_certificate: {
    of: "cert",
    message: "must name a file that starts with a certificate in PEM format",
  },
  no_key: { of: "key", message: "must name a file with a private key in PEM format" },
  encrypted_key: {
    of: "key",
    message:
      "names a key with a passphrase; remove it: openssl pkey -in encrypted.pem -out key.pem",
  },
  mismatch: {
    of: "key",
    message:
      "does not belong to the first certificate in the other file; the first one must be the service's own",
  },
  refused_by_openssl: {
    of: "cert",
    message:
      "names a certificate that OpenSSL refuses: too weak a key or signature, or a broken chain",
  },
};
