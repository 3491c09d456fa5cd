/** Ends the process in words for what the operator has to mend, instead of a stack. */

import { toFaultText } from "../commands/check/report.ts";
import { ConfigError } from "../config/faults.ts";
import { loadConfig } from "../config/load.ts";
import type { Config, Environment } from "../config/types.ts";

export async function loadOrExit(environment: Environment): Promise<Config> {
  try {
    return loadConfig(environment, undefined, process.execArgv);
  } catch (error) {
    if (error instanceof ConfigError) return exit(toFaultText(error.faults));
    throw error;
  }
}

/** For what `startService` rejects with: an address that cannot be opened is the operator's to mend. */
export async function explainAndExit(
  error: NodeJS.ErrnoException & { port?: number },
): Promise<never> {
  if (!/^(listen|bind|getaddrinfo)$/.test(error.syscall ?? "")) throw error;
  const port = error.port === undefined ? "the port" : `port ${error.port}`;
  return exit(
    `Cannot listen on ${port} of HOST (${error.code}): see HOST, PORT and OPERATIONS_PORT.\n`,
  );
}

async function exit(message: string): Promise<never> {
  await writeAll(process.stderr, message);
  process.exit(1);
}

/** Resolves when all of it is out: a pipe takes 64 kB at a time, and `process.exit` cuts the rest. */
export function writeAll(stream: NodeJS.WritableStream, text: string): Promise<void> {
  return new Promise((resolve) => {
    stream.write(text, () => resolve());
  });
}
