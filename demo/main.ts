/**
 * `npm run demo`: MX's simulator, a login with three people, the service with its ordinary wiring, and a partner's page.
 *
 * Nothing but loopback, no account, nothing kept. `npm run demo -- --apis platform` (or sso) shows the other set-ups.
 */

import { once } from "node:events";
import { parseArgs } from "node:util";
import { startIdentityProvider } from "../packages/simulator/src/identity-provider.ts";
import { startSimulator } from "../packages/simulator/src/simulator.ts";
import { openLog } from "../src/app/log.ts";
import { startService } from "../src/app/service.ts";
import { loadConfig } from "../src/config/load.ts";
import { createLogger } from "../src/telemetry/logger.ts";
import { isApis, toEnvironment } from "./environment.ts";
import { startPartner } from "./partner.ts";
import { pickPort } from "./pick-port.ts";
import { toWelcome } from "./welcome.ts";

const { values } = parseArgs({ options: { apis: { type: "string", default: "both" } } });
const { apis } = values;
if (!isApis(apis)) {
  process.stderr.write("--apis must be platform, sso or both\n");
  process.exit(1);
}

const shutdown = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => shutdown.abort());

await using simulator = await startSimulator({ propagationMs: 300 });
await using issuer = await startIdentityProvider();
const ports = {
  page: await pickPort(4000),
  service: await pickPort(3000),
  operations: await pickPort(9090),
};
const pageUrl = `http://127.0.0.1:${ports.page}`;

const config = loadConfig(toEnvironment({ apis, simulator, issuer, ports, pageUrl }));
const logger = createLogger(config.logLevel, await openLog(process.env));
await using service = await startService(config, logger);
await using partner = await startPartner({
  port: ports.page,
  serviceUrl: service.url.origin,
  widgetUrl: simulator.widgetUrl,
  controlUrl: simulator.controlUrl,
  issuer,
  apis,
});

process.stdout.write(toWelcome({ pageUrl: partner.url, service, simulator, apis }));
if (!shutdown.signal.aborted) await once(shutdown.signal, "abort");
