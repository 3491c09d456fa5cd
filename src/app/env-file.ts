/** `.env` of the working directory, where there is one: what is set already wins over it. */

import { readFileSync } from "node:fs";
import { getCACertificates, setDefaultCACertificates } from "node:tls";

export function loadEnvFile(): void {
  try {
    process.loadEnvFile();
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
  trustExtraAuthorities();
}

/** Node reads NODE_EXTRA_CA_CERTS before it reads `.env`, so what stands there has no effect by itself. */
export function trustExtraAuthorities(): void {
  const path = process.env.NODE_EXTRA_CA_CERTS;
  if (!path || getCACertificates("extra").length > 0) return;
  try {
    setDefaultCACertificates([...getCACertificates("default"), readFileSync(path, "utf8")]);
  } catch {
    process.emitWarning("The file named by NODE_EXTRA_CA_CERTS cannot be used.");
  }
}
