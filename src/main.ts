/**
 * Entry: environment -> config -> service -> wait for a signal -> drain. With arguments: what command-line.ts offers.
 */

import { once } from "node:events";
import { explainAndExit, loadOrExit } from "./app/exit.ts";
import { startService } from "./app/service.ts";
import { runCommandLine } from "./cli.ts";
import { toDigest } from "./config/load.ts";
import { createLogger } from "./telemetry/logger.ts";
import { findTracer } from "./telemetry/tracing.ts";
import { VERSION } from "./telemetry/version.ts";

const code = await runCommandLine(process.argv.slice(2), process.env);
if (code !== undefined) process.exit(code);

const config = await loadOrExit(process.env);
const logger = createLogger(config.logLevel);

process.on("unhandledRejection", (cause) => logger.fault(cause)); // One request's fault ends no other's.

const shutdown = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => shutdown.abort());

/** Node would print the error with its fields, which can hold requests. Nobody knows what state it left, so we drain. */
process.on("uncaughtException", (cause) => {
  logger.fault(cause);
  process.exitCode = 1;
  shutdown.abort();
});

{
  const tracer = findTracer(VERSION);
  await using service = await startService(config, logger, tracer).catch(explainAndExit);
  logger.lifecycle("listening", {
    port: Number(service.url.port),
    operationsPort: Number(service.operationsUrl.port),
  });
  logger.lifecycle("configured", {
    version: VERSION,
    tenants: config.tenants.length,
    configDigest: toDigest(config),
  });

  if (!shutdown.signal.aborted) await once(shutdown.signal, "abort");
  logger.lifecycle("draining"); // Leaving the block disposes the service: stop listening, finish, close pools.
}
logger.lifecycle("stopped");
