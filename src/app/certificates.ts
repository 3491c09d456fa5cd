/** The certificates of the public port and for upstreams: what is used at the start, and what replaces it at run time. */

import { readFile } from "node:fs/promises";
import { type Config, listCertificates } from "../config/load.ts";
import {
  type CertificateConfig,
  identify,
  type KeyPair,
  parseKeyPair,
  readValidity,
} from "../config/tls.ts";
import type { FileReason } from "../telemetry/log-entries.ts";
import type { ClientCertificate } from "../upstream/client-certificate.ts";
import type { FileMetrics } from "./metrics.ts";
import type { TakeOver } from "./watch-files.ts";

type Certificate = {
  /** The pair in use. */
  current(): KeyPair;
  /** Of both files together. A pair that cannot be used leaves the one before in place. */
  takeOver: TakeOver;
  /** Of the pair in use, in seconds since 1970. */
  expiresAt(): number;
};

export function createCertificate(
  { certFile, keyFile, pair }: CertificateConfig,
  use: (pair: KeyPair) => void = () => {},
): Certificate {
  let used = pair;
  return {
    current: () => used,
    async takeOver() {
      const next = await readPair(certFile, keyFile);
      if (typeof next === "string") return next;
      use(next);
      used = next;
      return undefined;
    },
    expiresAt: () => readValidity(used).toMs / 1000,
  };
}

/** The certificates that upstreams are shown. */
export type ClientCertificates = {
  of(config: CertificateConfig | undefined): ClientCertificate | undefined;
  takeOver: TakeOver;
};

/** A new pair is for connections that are opened from then on; the others end by their age. */
export function createClientCertificates(
  config: Config,
  { clientCertificateExpires }: Pick<FileMetrics, "clientCertificateExpires">,
): ClientCertificates {
  const all = listCertificates(config)
    .filter(({ name }) => name !== "TLS")
    .map((each) => ({ ...each, ...createCertificate(each) }));
  const byId = new Map(all.map((each) => [identify(each), each]));
  for (const [variable, group] of Map.groupBy(all, ({ name }) => `${name}_CERT_FILE`)) {
    const read = () => Math.min(...group.map(({ expiresAt }) => expiresAt()));
    clientCertificateExpires({ variable }, read);
  }
  return {
    of: (wanted) => wanted && byId.get(identify(wanted))?.current,
    async takeOver(path) {
      const own = all.filter((each) => [each.certFile, each.keyFile].includes(path));
      const reasons = await Promise.all(own.map((each) => each.takeOver(path)));
      return reasons.find((reason) => reason !== undefined);
    },
  };
}

/** A pair that can be used now, or the reason why not. */
async function readPair(certFile: string, keyFile: string): Promise<KeyPair | FileReason> {
  try {
    const parsed = parseKeyPair(await readFile(certFile, "utf8"), await readFile(keyFile, "utf8"));
    if (typeof parsed === "string") return parsed;
    const { fromMs, toMs } = readValidity(parsed);
    if (Date.now() >= toMs) return "expired";
    return Date.now() < fromMs ? "not_yet_valid" : parsed;
  } catch {
    return "unreadable";
  }
}
