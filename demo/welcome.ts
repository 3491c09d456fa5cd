/** What `npm run demo` says once everything runs. */

import type { Simulator } from "../packages/simulator/src/simulator.ts";
import type { Service } from "../src/app/service.ts";
import { APIS, type Apis } from "./environment.ts";
import { USER_PREFIX } from "./real.ts";

export type WelcomeOptions = {
  pageUrl: string;
  service: Service;
  /** `undefined`: MX is real. */
  simulator: Simulator | undefined;
  apis: Apis;
  /** Sentences about ports that are not the documented ones. */
  notes: readonly string[];
};

export function toWelcome({ pageUrl, service, simulator, apis, notes }: WelcomeOptions): string {
  const serviceUrl = service.url.origin;
  return `
  The demo is running. Open the bank's sample page:

    ${pageUrl}

  Or request a widget URL yourself. Each URL works once, within ten minutes:

    ${toCurl(pageUrl, serviceUrl)}

  service     ${serviceUrl}  (contract at /docs)
  operations  ${service.operationsUrl.origin}  (/livez, /readyz, /metrics)
${simulator ? toSimulated(simulator, apis) : toReal(apis)}
${notes.map((note) => `\n  ${note}\n`).join("")}
  Press Ctrl-C to stop.${simulator ? " Nothing is stored." : ""} The service's log follows.

`;
}

function toSimulated({ controlUrl }: Simulator, apis: Apis): string {
  return `  simulator   ${controlUrl}  (users, calls, faults, clock)
  MX's APIs   ${APIS[apis]}  (--apis ${Object.keys(APIS).join(", ")})`;
}

function toReal(apis: Apis): string {
  return `  MX's APIs   ${APIS[apis]}, with your own keys

  Users whose ids begin with ${USER_PREFIX} stay at MX. Delete them with npm run demo -- --real --clean`;
}

/** Works as pasted in any POSIX shell: the inner curl logs in, the outer one asks. */
function toCurl(pageUrl: string, serviceUrl: string): string {
  return `curl -s -X POST ${serviceUrl}/session -H "Authorization: Bearer $(curl -s ${pageUrl}/token/ada)"`;
}
