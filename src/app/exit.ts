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

type ListenError = NodeJS.ErrnoException & { port?: number; hostname?: string };

/** For what `startService` rejects with: an address that cannot be opened is the operator's to change. */
export async function explainAndExit(error: ListenError, config: Config): Promise<never> {
  if (!/^(listen|bind|getaddrinfo)$/.test(error.syscall ?? "")) throw error;
  return exit(`Cannot listen: ${explainListenError(error, config)}\n`);
}

function explainListenError({ code, port }: ListenError, config: Config): string {
  const variable = port === config.operationsPort ? "OPERATIONS_PORT" : "PORT";
  switch (code) {
    case "EADDRINUSE":
      return `port ${port} is taken by another process. Stop that one, or set ${variable} to another port.`;
    case "EACCES":
      return `this user may not open port ${port}. Set ${variable} to a port from 1024 on.`;
    default:
      return `HOST is no address of this machine (${code}). Leave it out to listen on all.`;
  }
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
