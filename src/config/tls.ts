/** TLS_CERT_FILE and TLS_KEY_FILE -> how the public port identifies itself. */

import type { Faults } from "./faults.ts";
import { type KeyPair, parseKeyPair } from "./key-pair.ts";
import type { ReadFile, TlsConfig } from "./types.ts";
import type { Variables } from "./variables.ts";

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
