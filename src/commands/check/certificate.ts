/** Until when the public port's certificate is valid. That it fits its key is checked with the configuration. */

import { readValidity } from "../../config/key-pair.ts";
import type { TlsConfig } from "../../config/types.ts";
import type { Finding } from "./finding.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** Time enough to renew it by hand. */
const SOON_DAYS = 14;

/** `now`: milliseconds since the epoch. */
export function checkCertificate({ certFile, pair }: TlsConfig, now: number): Finding {
  const { fromMs, toMs } = readValidity(pair);
  const subject = { party: "certificate" as const, target: certFile };
  const until = toDay(toMs);
  if (now >= toMs)
    return {
      ...subject,
      verdict: "certificate_expired",
      message: `The certificate in TLS_CERT_FILE has expired (${until}).`,
      next: "Put a new one and its key into the files: they are used within 30 seconds, without a restart.",
    };
  if (now < fromMs)
    return {
      ...subject,
      verdict: "certificate_not_yet_valid",
      message: `The certificate in TLS_CERT_FILE is not valid before ${toDay(fromMs)}.`,
      next: "Make sure that this machine's clock is right.",
    };
  const days = Math.floor((toMs - now) / DAY_MS);
  if (days < SOON_DAYS)
    return {
      ...subject,
      verdict: "certificate_expires_soon",
      message: `The certificate in TLS_CERT_FILE expires in ${days} days (${until}).`,
      next: "Renew it. A new pair is used within 30 seconds, without a restart.",
    };
  return {
    ...subject,
    verdict: "ok",
    message: `The certificate fits its key and is valid until ${until}.`,
  };
}

function toDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
