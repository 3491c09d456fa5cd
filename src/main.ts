/**
 * Entry: environment -> config -> service -> wait for a signal -> drain. With arguments: what cli.ts offers.
 */

import { once } from "node:events";
import {
  endProcess,
  explainAndExit,
  loadOrExit,
  logStart,
  openLog,
  trustExtraAuthorities,
  watchForShutdown,
} from "./app/process.ts";
import { startService } from "./app/service.ts";
import { runCommandLine } from "./cli.ts";
import { createLogger } from "./telemetry/logger.ts";
import { openTracing } from "./telemetry/tracing.ts";
import { VERSION } from "./telemetry/version.ts";

const code = await runCommandLine(process.argv.slice(2), process.env);
if (code !== undefined) process.exit(code);

trustExtraAuthorities();
const config = await loadOrExit(process.env);
const log = await openLog(process.env);
const logger = createLogger(config.logLevel, log);
const shutdown = watchForShutdown(logger);
const tracing = await openTracing(VERSION, config.traces, config.tracePropagation);

{
  await using service = await startService(config, logger, tracing).catch((error) =>
    explainAndExit(error, config),
  );
  logStart(logger, config, service);

  if (!shutdown.aborted) await once(shutdown, "abort");
  logger.lifecycle("draining"); // Leaving the block disposes the service: stop listening, finish, close pools.
}
logger.lifecycle("stopped");
await endProcess(log, tracing);
