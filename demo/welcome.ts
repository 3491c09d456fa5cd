/** What `npm run demo` says once everything runs. */

import type { Simulator } from "../packages/simulator/src/simulator.ts";
import type { Service } from "../src/app/service.ts";
import { APIS, type Apis } from "./environment.ts";

export type WelcomeOptions = {
  pageUrl: string;
  service: Service;
  simulator: Simulator;
  apis: Apis;
  /** Sentences about ports that are not the documented ones. */
  notes: readonly string[];
};

export function toWelcome({ pageUrl, service, simulator, apis, notes }: WelcomeOptions): string {
  const serviceUrl = service.url.origin;
  return `
  The demo is running. Open the partner's page:

    ${pageUrl}

  Or request a widget URL yourself. Each URL opens once, within ten minutes:

    ${toCurl(pageUrl, serviceUrl)}

  service     ${serviceUrl}  (contract at /docs)
  operations  ${service.operationsUrl.origin}  (/livez, /readyz, /metrics)
  simulator   ${simulator.controlUrl}  (users, calls, faults, clock)
  MX's APIs   ${APIS[apis]}  (--apis ${Object.keys(APIS).join(", ")})
${notes.map((note) => `\n  ${note}\n`).join("")}
  Press Ctrl-C to stop. Nothing is kept. The service's log follows.

`;
}

/** Works as pasted in any POSIX shell: the inner curl logs in, the outer one asks. */
function toCurl(pageUrl: string, serviceUrl: string): string {
  return `curl -s -X POST ${serviceUrl}/session -H "Authorization: Bearer $(curl -s ${pageUrl}/token/ada)"`;
}
