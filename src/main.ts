/**
 * Entry: environment -> config -> service -> wait for a signal -> drain.
 */

import { once } from "node:events";
import { loadConfig, toDigest } from "./config.ts";
import { ConfigError } from "./config-error.ts";
import { createLogger } from "./logger.ts";
import { startService } from "./service.ts";
import { findTracer } from "./tracing.ts";
import { VERSION } from "./version.ts";

const config = await loadOrExit();
const logger = createLogger(config.logLevel);

process.on("unhandledRejection", (cause) => logger.fault(cause)); // One request's fault ends no other's.

const shutdown = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => shutdown.abort());

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

async function loadOrExit() {
  try {
    return loadConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return exit(
      `The configuration has ${error.faults.length} fault(s):\n${error.message}\nEvery variable is explained in .env.example.`,
    );
  }
}

/** An address that cannot be opened is the operator's to mend, so it gets words instead of a stack. */
async function explainAndExit(error: NodeJS.ErrnoException & { port?: number }): Promise<never> {
  if (!/^(listen|bind|getaddrinfo)$/.test(error.syscall ?? "")) throw error;
  const port = error.port === undefined ? "the port" : `port ${error.port}`;
  return exit(
    `Cannot listen on ${port} of HOST (${error.code}): see HOST, PORT and OPERATIONS_PORT.`,
  );
}

async function exit(message: string): Promise<never> {
  await new Promise((resolve) => process.stderr.write(`${message}\n`, resolve)); // A pipe takes 64 kB at a time.
  process.exit(1);
}
