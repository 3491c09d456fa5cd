/**
 * `mx-simulator`: MX on loopback, with a login for three invented people. `--help` says what can be set.
 */

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { z } from "zod";
import { startIdentityProvider } from "./identity-provider.ts";
import { Seed } from "./seed.ts";
import { startSimulator } from "./simulator.ts";

const HELP = `mx-simulator: MX's Platform API, SSO APIs, MDX Real Time and widgets in memory, and an OpenID provider for their users.

  --host ADDRESS         where to listen                                  127.0.0.1
  --platform-port PORT   Platform API                                     4100
  --sso-port PORT        SSO API v2                                       4101
  --widget-port PORT     widgets, and the control API below /_simulator   4102
  --login-port PORT      the OpenID provider                              4103
  --sso-v3-port PORT     SSO API v3                                       4104
  --mdx-port PORT        MDX Real Time                                    4105
  --latency MS           time that each API call takes                    0
  --propagation MS       how long a new user is not found                 0
  --seed FILE            JSON with the users and members to start with
  --version, --help

Port 0 means any free port.
`;

const number = { type: "string" } as const;
const OPTIONS = {
  host: { type: "string", default: "127.0.0.1" },
  "platform-port": { ...number, default: "4100" },
  "sso-port": { ...number, default: "4101" },
  "widget-port": { ...number, default: "4102" },
  "login-port": { ...number, default: "4103" },
  "sso-v3-port": { ...number, default: "4104" },
  "mdx-port": { ...number, default: "4105" },
  latency: { ...number, default: "0" },
  propagation: { ...number, default: "0" },
  seed: { type: "string" },
  version: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

const options = parse();
if (options.help) process.stdout.write(HELP);
else if (options.version) process.stdout.write(`${readVersion()}\n`);
else await run();

function parse() {
  try {
    return parseArgs({ options: OPTIONS }).values;
  } catch (error) {
    return fail(error instanceof Error ? error.message : "The arguments are not valid.");
  }
}

function fail(message: string): never {
  process.stderr.write(`${message}\n\n${HELP}`);
  process.exit(64); // EX_USAGE of sysexits.h.
}

function toNumber(name: keyof typeof OPTIONS, max: number): number {
  const text = String(options[name]);
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  return value <= max ? value : fail(`--${name} must be a whole number from 0 to ${max}.`);
}

function readSeed(): Seed | undefined {
  if (options.seed === undefined) return undefined;
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(options.seed, "utf8"));
  } catch {
    return fail("--seed must name a readable file with JSON.");
  }
  const { data, error } = Seed.safeParse(content);
  return data ?? fail(`--seed is not valid.\n${error ? z.prettifyError(error) : ""}`);
}

async function run(): Promise<void> {
  const { host } = options;
  const port = (name: keyof typeof OPTIONS) => toNumber(name, 65_535);
  await using simulator = await startSimulator({
    host,
    platformPort: port("platform-port"),
    ssoPort: port("sso-port"),
    ssoV3Port: port("sso-v3-port"),
    mdxPort: port("mdx-port"),
    widgetPort: port("widget-port"),
    latencyMs: toNumber("latency", 60_000),
    propagationMs: toNumber("propagation", 60_000),
    seed: readSeed(),
  }).catch(explain);
  await using issuer = await startIdentityProvider({ host, port: port("login-port") }).catch(
    explain,
  );
  const { credentials } = simulator;
  process.stdout.write(`MX is simulated until you press Ctrl+C.

  Platform API   ${simulator.platformUrl}   client ${credentials.clientId}, key ${credentials.apiKey}
  SSO API v2     ${simulator.ssoUrl}   client ${credentials.clientGuid}, key ${credentials.ssoKey}
  SSO API v3     ${simulator.ssoV3Url}   client ${credentials.vendorClientId}, key ${credentials.mdApiKey}
  MDX Real Time  ${simulator.mdxUrl}   client and key of SSO API v3
  Control        ${simulator.controlUrl}
  OpenID         ${issuer.issuer}   audience mx-session-bff

A token of Ada's:
  TOKEN=$(curl -s ${issuer.issuer}/token/ada)
Answer the next call with 503:
  curl -s ${simulator.controlUrl}/faults -H 'Content-Type: application/json' -d '{"kind":"status","status":503}'
`);
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stop.abort());
  await once(stop.signal, "abort");
}

function explain(error: unknown): never {
  const { code, port } = error as NodeJS.ErrnoException & { port?: number };
  if (code === "EADDRINUSE")
    fail(`Port ${port} is taken. Choose another one, or 0 for any free port.`);
  throw error;
}

function readVersion(): string {
  return JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version;
}
