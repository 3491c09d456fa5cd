/**
 * `npm run demo`: MX's simulator, a login with three people, the service with its ordinary wiring, and a partner's page.
 *
 * Nothing but loopback, no account, nothing kept; with `--real`, MX's integration environment instead of the simulator.
 * docs/demo.md has the flags.
 */

import { once } from "node:events";
import { parseArgs } from "node:util";
import { startIdentityProvider } from "../packages/simulator/src/identity-provider.ts";
import { startSimulator } from "../packages/simulator/src/simulator.ts";
import { loadEnvFile, openLog } from "../src/app/process.ts";
import { startService } from "../src/app/service.ts";
import { toFaultText } from "../src/commands/check/report.ts";
import { ConfigError } from "../src/config/faults.ts";
import { loadConfig } from "../src/config/load.ts";
import type { Environment } from "../src/config/variables.ts";
import { createLogger } from "../src/telemetry/logger.ts";
import { deleteRealUsers } from "./clean.ts";
import { APIS, isApis, toServiceEnvironment, toSimulatedEnvironment } from "./environment.ts";
import { startPartner } from "./partner.ts";
import { choosePort, type PortChoice, PortError } from "./pick-port.ts";
import { findRealProblem, toApis, toRealEnvironment, toWidgetOrigin, USER_PREFIX } from "./real.ts";
import { toWelcome } from "./welcome.ts";

const port = { type: "string" } as const;
const OPTIONS = {
  apis: { type: "string" },
  real: { type: "boolean", default: false },
  clean: { type: "boolean", default: false },
  "page-port": port,
  "service-port": port,
  "operations-port": port,
  "simulator-port": port,
} as const;

const flags = readFlags();
const { real, clean, apis: asked = "both" } = flags;
if (!isApis(asked)) fail(`--apis must be one of ${Object.keys(APIS).join(", ")}.`);
if (real && flags.apis) fail("--apis cannot be used with --real, where the MX_ variables decide.");
if (clean && !real)
  fail("--clean can be used only with --real. Without --real, nothing is stored.");

const shutdown = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => shutdown.abort());

const chosen: PortChoice[] = [];
const ports = {
  page: await choose("the sample page", "page-port", 4000),
  service: await choose("the service", "service-port", 3000),
  operations: await choose("the operations port", "operations-port", 9090),
  simulator: await choose("the simulator", "simulator-port", 4102),
};
const pageUrl = `http://127.0.0.1:${ports.page}`;

await using issuer = await startIdentityProvider();
await using simulator = real
  ? undefined
  : await startSimulator({ propagationMs: 300, widgetPort: ports.simulator });
if (real) loadEnvFile();
const mx = simulator ? toSimulatedEnvironment(asked, simulator) : toRealEnvironment(process.env);
const config = readConfig({ ...toServiceEnvironment({ issuer, ports, pageUrl }), ...mx });
const problem = real ? findRealProblem(config) : undefined;
if (problem) fail(problem);
if (clean) {
  const ids = Object.keys(issuer.users).map((user) => USER_PREFIX + user);
  const removals = await deleteRealUsers(config, ids);
  process.stdout.write(removals.map(({ line }) => `${line}\n`).join(""));
  process.exit(removals.every(({ isGone }) => isGone) ? 0 : 1);
}
const apis = real ? toApis(config) : asked;
const logger = createLogger(config.logLevel, await openLog(process.env));
await using service = await startService(config, logger);
await using partner = await startPartner({
  port: ports.page,
  serviceUrl: service.url.origin,
  widgetUrl: simulator?.widgetUrl ?? toWidgetOrigin(process.env),
  controlUrl: simulator?.controlUrl,
  userPrefix: real ? USER_PREFIX : "",
  issuer,
  apis,
  say: (line) => process.stdout.write(`\n  ${line}\n\n`),
});

const notes = chosen.flatMap(({ note }) => note ?? []);
process.stdout.write(toWelcome({ pageUrl: partner.url, service, simulator, apis, notes }));
if (!shutdown.signal.aborted) await once(shutdown.signal, "abort");

function readConfig(environment: Environment) {
  try {
    return loadConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) fail(toFaultText(error.faults).trimEnd());
    throw error;
  }
}

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
