/** The public port's certificate: what is used at the start, and what replaces it at run time. */

import { readFile } from "node:fs/promises";
import { type KeyPair, parseKeyPair, readValidity } from "../config/key-pair.ts";
import { isPair } from "../config/tls.ts";
import type { TlsConfig } from "../config/types.ts";
import type { TlsPair } from "../http/tls.ts";
import type { FileReason } from "../telemetry/log-entries.ts";
import type { TakeOver } from "./watch-files.ts";

export type Certificate = {
  /** Of both files together. A pair that cannot be used leaves the one before in place. */
  takeOver: TakeOver;
  /** Of the pair in use: seconds since 1970. */
  expiresAt(): number;
};

export function createCertificate(
  { certFile, keyFile, pair }: TlsConfig,
  use: (pair: TlsPair) => void,
): Certificate {
  let used = pair;
  return {
    async takeOver() {
      const next = await readPair(certFile, keyFile);
      if (typeof next === "string") return next;
      use(toPem(next));
      used = next;
      return undefined;
    },
    expiresAt: () => readValidity(used).toMs / 1000,
  };
}

export function toPem({ cert, key }: KeyPair): TlsPair {
  return { cert: cert.reveal(), key: key.reveal() };
}

/** A pair of which nothing is wrong now; else the reason. */
async function readPair(certFile: string, keyFile: string): Promise<KeyPair | FileReason> {
  try {
    const parsed = parseKeyPair(await readFile(certFile, "utf8"), await readFile(keyFile, "utf8"));
    if (!isPair(parsed)) return parsed.reason;
    const { fromMs, toMs } = readValidity(parsed);
    if (Date.now() >= toMs) return "expired";
    return Date.now() < fromMs ? "not_yet_valid" : parsed;
  } catch {
    return "unreadable";
  }
}
