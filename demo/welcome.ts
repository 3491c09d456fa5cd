/** What `npm run demo` says once everything runs. */

import type { Simulator } from "../packages/simulator/src/simulator.ts";
import type { Service } from "../src/app/service.ts";
import type { Apis } from "./environment.ts";

export type WelcomeOptions = {
  pageUrl: string;
  service: Service;
  simulator: Simulator;
  apis: Apis;
};

export function toWelcome({ pageUrl, service, simulator, apis }: WelcomeOptions): string {
  const serviceUrl = service.url.origin;
  return `
  The demo runs. Open the partner's page:

    ${pageUrl}

  Or ask for a widget URL yourself (a new one each time, good for one use within ten minutes):

    ${toCurl(pageUrl, serviceUrl)}

  service     ${serviceUrl}  (contract at /openapi.yaml)
  operations  ${service.operationsUrl.origin}  (/livez, /readyz, /metrics)
  simulator   ${simulator.controlUrl}  (state, faults, clock), ${DESCRIPTIONS[apis]}

  Ctrl-C ends it; nothing is kept. Below: the service's own log.

`;
}

/** Works as pasted in any POSIX shell: the inner curl logs in, the outer one asks. */
function toCurl(pageUrl: string, serviceUrl: string): string {
  return `curl -s -X POST ${serviceUrl}/session -H "Authorization: Bearer $(curl -s ${pageUrl}/token/ada)"`;
}

const DESCRIPTIONS: Record<Apis, string> = {
  platform: "Platform API only",
  sso: "SSO API only",
  both: "SSO API and Platform API",
};
