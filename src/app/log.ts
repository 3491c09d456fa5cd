/** Where log lines go: standard output, as JSON; in development on a terminal as short coloured lines. */

import { isatty } from "node:tty";
import type { Environment } from "../config/types.ts";
import { createLogDestination, type LogDestination } from "../telemetry/log-destination.ts";

export async function openLog(
  { NODE_ENV, MX_ENVIRONMENT }: Environment,
  isTerminal = isatty(1),
): Promise<LogDestination> {
  const destination = createLogDestination();
  const isProduction = [NODE_ENV, MX_ENVIRONMENT].includes("production");
  if (!isTerminal || isProduction) return destination;
  const { withPrettyLines } = await import("../telemetry/pretty-lines.ts");
  return withPrettyLines(destination);
}
