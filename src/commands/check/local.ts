/**
 * What is found without a request of its own: until when our certificates are valid, which secrets travel in clear,
 * and whether this machine's clock agrees with those of the issuer and MX, since tokens and URLs expire by it.
 */

import { CLOCK_TOLERANCE_SECONDS } from "../../auth/claims.ts";
import { type CertificateConfig, readValidity } from "../../config/tls.ts";
import { isLoopback } from "../../upstream/upstream-url.ts";
import type { Asked } from "./ask.ts";
import type { Finding, Party, Place } from "./finding.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** Time enough to renew it by hand. */
const SOON_DAYS = 14;

/** `now`: milliseconds since the epoch. */
export function checkCertificate(
  { name, certFile, pair }: CertificateConfig,
  now: number,
): Finding {
  const what = `The certificate in ${name}_CERT_FILE`;
  const { fromMs, toMs } = readValidity(pair);
  const subject = { party: "certificate" as const, target: certFile };
  const until = toDay(toMs);
  if (now >= toMs)
    return {
      ...subject,
      verdict: "certificate_expired",
      message: `${what} has expired (${until}).`,
      next: "Put a new one and its key into the files: they are used within 30 seconds, without a restart.",
    };
  if (now < fromMs)
    return {
      ...subject,
      verdict: "certificate_not_yet_valid",
      message: `${what} is not valid before ${toDay(fromMs)}.`,
      next: "Make sure that this machine's clock is right.",
    };
  const days = Math.floor((toMs - now) / DAY_MS);
  if (days < SOON_DAYS)
    return {
      ...subject,
      verdict: "certificate_expires_soon",
      message: `${what} expires in ${days} days (${until}).`,
      next: "Renew it. A new pair is used within 30 seconds, without a restart.",
    };
  return {
    ...subject,
    verdict: "ok",
    message: `${what} fits its key and is valid until ${until}.`,
  };
}

function toDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** What is sent to those that may be called over plain http. */
const TRAVELS: Partial<Record<Party, string>> = {
  issuer: "the keys that verify logins. Anyone who can change them can log in as any user",
  credential_lookup: "MEMBER_LOOKUP_TOKEN and Members' credentials",
  introspection: "AUTH_INTROSPECTION_CLIENT_SECRET and users' tokens",
  session_check: "users' sessions",
};

type Asking = { party: Party; place: Place; tenant?: string };

export function warnOfPlainHttp({ party, place, tenant }: Asking): Finding[] {
  const travels = TRAVELS[party];
  if (!travels || typeof place === "string") return [];
  if (place.protocol !== "http:" || isLoopback(place.hostname)) return [];
  const target = place.host;
  return [
    {
      party,
      target,
      tenant,
      verdict: "plain_http",
      message: `${target} is called over plain http. These are sent unencrypted: ${travels}.`,
      next: "Use https, or make sure that the network encrypts the traffic, as a service mesh does.",
    },
  ];
}

/** Nothing where no answer had a date. */
export function judgeClock(clocks: readonly Asked[]): Finding[] {
  const [worst] = clocks.toSorted((a, b) => Math.abs(b.aheadMs) - Math.abs(a.aheadMs));
  if (!worst) return [];
  const { host, aheadMs } = worst;
  const subject = { party: "clock" as const, target: host };
  if (Math.abs(aheadMs) <= CLOCK_TOLERANCE_SECONDS * 1000) {
    return [{ ...subject, verdict: "ok", message: "This machine's clock agrees with the others." }];
  }
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  const direction = aheadMs > 0 ? "ahead of" : "behind";
  return [
    {
      ...subject,
      verdict: "clock_off",
      message: `This machine's clock is ${seconds} s ${direction} that of ${host}.`,
      next: `Set the clock by NTP. If it is more than ${CLOCK_TOLERANCE_SECONDS} s off, logins are refused.`,
    },
  ];
}
