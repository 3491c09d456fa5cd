/**
 * The command line: the check, `--user`, `--verify`, the version, and help. Without arguments, the program serves.
 */

import { parseArgs } from "node:util";
import { loadEnvFile, writeAll } from "./app/process.ts";
import {
  type CheckResult,
  toExitCode,
  toFaultText,
  toJson,
  toText,
} from "./commands/check/report.ts";
import { findOtherHost } from "./commands/mx-environment.ts";
import { ConfigError } from "./config/faults.ts";
import { type Config, loadConfig } from "./config/load.ts";
import type { TenantConfig } from "./config/tenant.ts";
import type { Environment } from "./config/variables.ts";
import { findWarnings } from "./config/warnings.ts";
import { VERSION } from "./telemetry/version.ts";

const HELP = `mx-session-bff exchanges a logged-in user's token for a one-time MX widget URL.

  mx-session-bff                  start the service. Environment variables configure it: docs/configuration.md
  mx-session-bff --check          check your setup: validate the configuration, then send one read-only
                                  request to each configured system, and print what is wrong
  mx-session-bff --user <value>   for support: show the MX user id, the Member id and the log's user.hash
                                  of the user whose claim (USER_ID_CLAIM) has this value
      --tenant <name>             the user's tenant, if there are several
      --subject <sub>             the user's sub, if USER_ID_CLAIM is another claim
      --live                      also ask MX and your credential lookup which of these ids exist
  mx-session-bff --verify         test every assumption about MX (docs/assumptions.md) against your integration
                                  environment or a simulator. Creates one user there, and deletes it
      --tenant <name>             the tenant to use, if there are several
      --with-member               also create a Member. This may start a login at a data provider
  mx-session-bff --version
  mx-session-bff --help

With --json, the commands --check, --user and --verify print their result for scripts.
In a checkout, use npm start and npm run check-config. All of these commands also read .env.

Exit codes:
    0  everything is fine
    1  a system has a problem, the user cannot have an MX user id, or an assumption was refuted
    2  the configuration is invalid, or it is not for an integration environment
   64  an argument is wrong
  130  interrupted
`;

/** What each option goes with. */
const OPTIONS = {
  json: ["check", "user", "verify"],
  tenant: ["user", "verify"],
  subject: ["user"],
  live: ["user"],
  "with-member": ["verify"],
} as const;

type Options = NonNullable<ReturnType<typeof parse>>;

/** The exit code, or `undefined` where the service is wanted. */
export async function runCommandLine(
  args: readonly string[],
  environment: Environment,
): Promise<number | undefined> {
  if (args.length === 0) return undefined;
  const options = parse(args);
  const problem = options ? findProblem(options) : "An argument is unknown or has no value.";
  if (!options || problem) return refuse(problem ?? "");
  if (!options.help && !options.version) return runCommand(environment, options);
  await writeAll(process.stdout, options.help ? HELP : `${VERSION}\n`);
  return 0;
}

function parse(args: readonly string[]) {
  const flag = { type: "boolean" } as const;
  const text = { type: "string" } as const;
  const options = {
    check: flag,
    user: text,
    verify: flag,
    version: flag,
    help: { ...flag, short: "h" },
    json: flag,
    tenant: text,
    subject: text,
    live: flag,
    "with-member": flag,
  };
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch {
    return undefined; // Its text would repeat the argument.
  }
}

function findProblem(options: Options): string | undefined {
  if (options.help || options.version) return options.json ? goesWith("json") : undefined;
  const commands = (["check", "user", "verify"] as const).filter(
    (name) => options[name] !== undefined,
  );
  const [command, ...others] = commands;
  if (others.length > 0)
    return `${commands.map((name) => `--${name}`).join(" and ")} cannot be used together.`;
  const misplaced = (Object.keys(OPTIONS) as (keyof typeof OPTIONS)[]).find(
    (name) => options[name] !== undefined && !OPTIONS[name].some((allowed) => allowed === command),
  );
  return misplaced && goesWith(misplaced);
}

function goesWith(name: keyof typeof OPTIONS): string {
  return `--${name} can be used only with ${OPTIONS[name].map((command) => `--${command}`).join(" or ")}.`;
}

async function refuse(problem: string): Promise<number> {
  await writeAll(process.stderr, `${problem}\n\n${HELP}`);
  return 64; // EX_USAGE of sysexits.h.
}

async function runCommand(environment: Environment, options: Options): Promise<number> {
  loadEnvFile();
  try {
    const config = loadConfig(environment, undefined, process.execArgv);
    if (options.check) return await runCheck(config, options);
    const tenant = findTenant(config, options.tenant);
    if (typeof tenant === "string") return await refuse(tenant);
    return await (options.verify ? runVerify : runUser)(config, tenant, options);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { faults } = error;
    if (options.check) return print({ faults, warnings: [], findings: [] }, options);
    await writeAll(process.stderr, toFaultText(faults));
    return 2;
  }
}

async function runCheck(config: Config, options: Options): Promise<number> {
  const { check } = await import("./commands/check/check.ts"); // The service has no use for so much code.
  const findings = await check(config);
  return print({ faults: [], warnings: findWarnings(config), findings }, options);
}

async function print(result: CheckResult, { json }: Options): Promise<number> {
  await writeAll(process.stdout, json ? stringify(toJson(result, VERSION)) : toText(result));
  return toExitCode(result);
}

function stringify(json: object): string {
  return `${JSON.stringify(json, null, 2)}\n`;
}

async function runUser(config: Config, tenant: TenantConfig, options: Options): Promise<number> {
  const { user: value = "", subject, live: isLive = false } = options;
  const { lookUpUser } = await import("./app/commands.ts");
  const { text, json, code } = await lookUpUser(config, tenant, { value, subject, isLive });
  const stream = code === 0 || options.json ? process.stdout : process.stderr;
  await writeAll(stream, options.json ? stringify(json) : text);
  return code;
}

const INTERRUPTS = ["SIGINT", "SIGTERM"] as const;

async function runVerify(config: Config, tenant: TenantConfig, options: Options): Promise<number> {
  const otherHost = findOtherHost(config);
  if (otherHost !== undefined) {
    const where = "MX's integration environment, or a simulator on this machine";
    await writeAll(
      process.stderr,
      `--verify creates a user at MX, so it runs only against ${where}. ${otherHost} is neither.\n`,
    );
    return 2;
  }
  const { verifyMx } = await import("./app/commands.ts");
  const interrupt = new AbortController();
  const abort = () => interrupt.abort(); // It ends by itself, once it has deleted what it made.
  for (const name of INTERRUPTS) process.on(name, abort);
  const { "with-member": withMember = false } = options;
  const { signal } = interrupt;
  const { text, json, code } = await verifyMx(config, tenant, { withMember, signal });
  for (const name of INTERRUPTS) process.off(name, abort);
  await writeAll(process.stdout, options.json ? stringify(json) : text);
  return code;
}

/** The tenant, or what is wrong. */
function findTenant({ tenants }: Config, name: string | undefined): TenantConfig | string {
  const [only, ...others] = tenants;
  if (name === undefined && only && others.length === 0) return only;
  const names = tenants.map((tenant) => tenant.name).join(", ");
  if (name === undefined) return `--tenant is missing. There are: ${names}.`;
  return (
    tenants.find((tenant) => tenant.name === name) ??
    `There is no such tenant. There are: ${names}.`
  );
}
