/** Where log lines go, and the first of them. */

import { isatty } from "node:tty";
import { toDigest } from "../config/load.ts";
import type { Config, Environment } from "../config/types.ts";
import { findWarnings } from "../config/warnings.ts";
import { createLogDestination, type LogDestination } from "../telemetry/log-destination.ts";
import type { Logger } from "../telemetry/logger.ts";
import { VERSION } from "../telemetry/version.ts";
import type { Service } from "./service.ts";

/** Standard output, as JSON; in development at a terminal as short coloured lines. */
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

export function logStart(logger: Logger, config: Config, service: Service): void {
  logger.lifecycle("listening", {
    port: Number(service.url.port),
    operationsPort: Number(service.operationsUrl.port),
  });
  logger.lifecycle("configured", {
    version: VERSION,
    tenants: config.tenants.length,
    configDigest: toDigest(config),
  });
  for (const warning of findWarnings(config)) logger.warning(warning);
}
