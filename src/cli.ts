/**
 * What can be asked of the program besides to serve: the check, its version, help.
 */

import { parseArgs } from "node:util";
import { loadEnvFile } from "./app/env-file.ts";
import { writeAll } from "./app/exit.ts";
import { type CheckResult, toExitCode, toJson, toText } from "./commands/check/report.ts";
import { ConfigError } from "./config/faults.ts";
import { loadConfig } from "./config/load.ts";
import type { Environment } from "./config/types.ts";
import { findWarnings } from "./config/warnings.ts";
import { VERSION } from "./telemetry/version.ts";

const HELP = `mx-session-bff exchanges a logged-in user's token for a one-time MX widget URL.

  mx-session-bff                  serve; configured by environment variables, see docs/configuration.md
  mx-session-bff --check          check your setup: validate the configuration, then send one read-only
                                  request to each configured system, and say what is wrong
  mx-session-bff --check --json   the same for machines
  mx-session-bff --version
  mx-session-bff --help

In a checkout: npm start, npm run check-config. All of these also read .env.
Exit codes of --check: 0 all is well, 1 a system has a problem, 2 the configuration has a fault, 64 wrong arguments.
`;

/** The exit code, or `undefined` where the service is wanted. */
export async function runCommandLine(
  args: readonly string[],
  environment: Environment,
): Promise<number | undefined> {
  if (args.length === 0) return undefined;
  const options = parse(args);
  if (!options || (options.json && !options.check)) {
    const what = options ? "--json goes with --check." : "There is an argument that is not known.";
    await writeAll(process.stderr, `${what}\n\n${HELP}`);
    return 64; // EX_USAGE of sysexits.h.
  }
  if (options.help) await writeAll(process.stdout, HELP);
  else if (options.version) await writeAll(process.stdout, `${VERSION}\n`);
  else if (options.check) {
    const result = await runCheck(environment);
    await writeAll(process.stdout, options.json ? toJson(result, VERSION) : toText(result));
    return toExitCode(result);
  }
  return 0;
}

function parse(args: readonly string[]) {
  const flag = { type: "boolean" } as const;
  try {
    const options = { check: flag, json: flag, version: flag, help: { ...flag, short: "h" } };
    return parseArgs({ args: [...args], options }).values;
  } catch {
    return undefined; // Its text would repeat the argument.
  }
}

async function runCheck(environment: Environment): Promise<CheckResult> {
  loadEnvFile();
  try {
    const config = loadConfig(environment, undefined, process.execArgv);
    const { check } = await import("./commands/check/check.ts"); // The service has no use for so much code.
    return { faults: [], warnings: findWarnings(config), findings: await check(config) };
  } catch (error) {
    if (error instanceof ConfigError) return { faults: error.faults, warnings: [], findings: [] };
    throw error;
  }
}
