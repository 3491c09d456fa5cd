/** Whether this machine's clock agrees with those of the issuer and MX: tokens and URLs expire by it. */

import { CLOCK_TOLERANCE_SECONDS } from "../../auth/claims.ts";
import type { Asked } from "./ask.ts";
import type { Finding } from "./finding.ts";

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
