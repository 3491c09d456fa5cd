/**
 * `npm run demo`: MX's simulator, a login with three people, the service with its ordinary wiring, and a partner's page.
 *
 * Nothing but loopback, no account, nothing kept. docs/demo.md has the flags.
 */

import { once } from "node:events";
import { parseArgs } from "node:util";
import { startIdentityProvider } from "../packages/simulator/src/identity-provider.ts";
import { startSimulator } from "../packages/simulator/src/simulator.ts";
import { openLog } from "../src/app/log.ts";
import { startService } from "../src/app/service.ts";
import { loadConfig } from "../src/config/load.ts";
import { createLogger } from "../src/telemetry/logger.ts";
import { APIS, isApis, toEnvironment } from "./environment.ts";
import { startPartner } from "./partner.ts";
import { choosePort, type PortChoice, PortError } from "./pick-port.ts";
import { toWelcome } from "./welcome.ts";

const port = { type: "string" } as const;
const OPTIONS = {
  apis: { type: "string", default: "both" },
  "page-port": port,
  "service-port": port,
  "operations-port": port,
  "simulator-port": port,
} as const;

const flags = readFlags();
const { apis } = flags;
if (!isApis(apis)) fail(`--apis must be one of ${Object.keys(APIS).join(", ")}.`);

const shutdown = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => shutdown.abort());

const chosen: PortChoice[] = [];
const ports = {
  page: await choose("the partner's page", "page-port", 4000),
  service: await choose("the service", "service-port", 3000),
  operations: await choose("the operations port", "operations-port", 9090),
  simulator: await choose("the simulator", "simulator-port", 4102),
};
const pageUrl = `http://127.0.0.1:${ports.page}`;

await using simulator = await startSimulator({ propagationMs: 300, widgetPort: ports.simulator });
await using issuer = await startIdentityProvider();
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
  say: (line) => process.stdout.write(`\n  ${line}\n\n`),
});

const notes = chosen.flatMap(({ note }) => note ?? []);
process.stdout.write(toWelcome({ pageUrl: partner.url, service, simulator, apis, notes }));
if (!shutdown.signal.aborted) await once(shutdown.signal, "abort");

function readFlags() {
  try {
    return parseArgs({ options: OPTIONS }).values;
  } catch (error) {
    return fail(error instanceof Error ? error.message : "The flags are not valid.");
  }
}

async function choose(part: string, name: `${string}-port` & keyof typeof OPTIONS, usual: number) {
  const others = chosen.map((choice) => choice.port);
  try {
    const choice = await choosePort({ part, flag: `--${name}`, asked: flags[name], usual, others });
    chosen.push(choice);
    return choice.port;
  } catch (error) {
    if (error instanceof PortError) fail(error.message);
    throw error;
  }
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
