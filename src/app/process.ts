/**
 * The process around the service: its `.env`, its log, and when and how it ends.
 *
 * The first signal drains, and so does an exception that nobody caught. Further signals change nothing; only SIGKILL
 * ends the drain early.
 */

import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { isatty } from "node:tty";
import { toFaultText } from "../commands/check/report.ts";
import { ConfigError } from "../config/faults.ts";
import { type Config, loadConfig, toDigest } from "../config/load.ts";
import type { Environment } from "../config/variables.ts";
import { findWarnings } from "../config/warnings.ts";
import { createLogDestination, type LogDestination } from "../telemetry/log-destination.ts";
import type { Logger } from "../telemetry/logger.ts";
import { flushSpans, type Tracing } from "../telemetry/tracing.ts";
import { VERSION } from "../telemetry/version.ts";
import type { Service } from "./service.ts";

export function loadEnvFile(): void {
  try {
    process.loadEnvFile();
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
  trustExtraAuthorities();
}

/** Node reads NODE_EXTRA_CA_CERTS before it reads `.env`, so what stands there has no effect by itself. */
export function trustExtraAuthorities(): void {
  const path = process.env.NODE_EXTRA_CA_CERTS;
  if (!path || getCACertificates("extra").length > 0) return;
  try {
    setDefaultCACertificates([...getCACertificates("default"), readFileSync(path, "utf8")]);
  } catch {
    process.emitWarning("The file named by NODE_EXTRA_CA_CERTS cannot be used.");
  }
}

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
    config_digest: toDigest(config),
  });
  for (const warning of findWarnings(config)) logger.warning(warning);
}

/**
 * Every signal that would end the process. Left out: what V8 uses for itself (SIGPROF), the CPU's faults (SIGSEGV and
 * the like), and what Node.js reports as an error of the write (SIGPIPE, SIGXFSZ).
 */
const SIGNALS = [
  "SIGTERM",
  "SIGINT",
  "SIGHUP",
  "SIGQUIT",
  "SIGABRT",
  "SIGALRM",
  "SIGBREAK",
  "SIGIO",
  "SIGPWR",
  "SIGSTKFLT",
  "SIGUSR1",
  "SIGUSR2",
  "SIGVTALRM",
  "SIGXCPU",
] as const;

const LAST_WORDS_MS = 1000;
const LAST_LINES_MS = 500;
const LAST_SPANS_MS = 1000;
/** For a lookup or a write that is under way. */
const LAST_THREADS_MS = 1000;

/** Aborts as soon as the process is to end. */
export function watchForShutdown(logger: Logger): AbortSignal {
  const shutdown = new AbortController();
  for (const name of SIGNALS) {
    if (name in constants.signals) process.on(name, () => shutdown.abort());
  }
  process.on("unhandledRejection", (cause) => logger.fault(cause)); // One request's fault ends no other's.
  /** Node.js would print the error with its fields, which can hold requests. Its state is unknown, so we drain. */
  process.on("uncaughtException", (cause) => {
    logger.fault(cause);
    process.exitCode = 1;
    shutdown.abort();
  });
  return shutdown.signal;
}

/** Ends the process within 2.5 seconds, whatever would still keep it alive: the channel to a cluster, an agent's timer. */
export async function endProcess(
  log: LogDestination,
  tracing: Tracing | undefined,
): Promise<never> {
  await Promise.all([log.end(LAST_LINES_MS), tracing && flushSpans(tracing, LAST_SPANS_MS)]);
  const giveUpAt = performance.now() + LAST_THREADS_MS;
  while (isThreadBusy() && performance.now() < giveUpAt) await sleep(10);
  if (isThreadBusy()) process.kill(process.pid, "SIGKILL"); // `process.exit` would wait for the thread.
  process.exit();
}

/** Because of a name server or a disk that does not answer. */
function isThreadBusy(): boolean {
  return process
    .getActiveResourcesInfo()
    .some((name) => name === "GetAddrInfoReqWrap" || name === "FSReqCallback");
}

export async function loadOrExit(environment: Environment): Promise<Config> {
  try {
    return loadConfig(environment, undefined, process.execArgv);
  } catch (error) {
    if (error instanceof ConfigError) return exit(toFaultText(error.faults));
    throw error;
  }
}

type ListenError = NodeJS.ErrnoException & { port?: number };

/** For what `startService` rejects with: the operator has to change an address that cannot be opened. */
export async function explainAndExit(error: ListenError, config: Config): Promise<never> {
  const { syscall = "", code = "", port } = error;
  if (!/^(listen|bind|getaddrinfo)$/.test(syscall)) throw error;
  const variable = port === config.operationsPort ? "OPERATIONS_PORT" : "PORT";
  const reasons: Record<string, string> = {
    EADDRINUSE: `port ${port} is taken by another process. Stop that one, or set ${variable} to another port.`,
    EACCES: `this user may not open port ${port}. Set ${variable} to a port from 1024 on.`,
  };
  const other = `HOST is no address of this machine (${code}). Leave it out to listen on all.`;
  return exit(`Cannot listen: ${reasons[code] ?? other}\n`);
}

async function exit(message: string): Promise<never> {
  await Promise.race([writeAll(process.stderr, message), sleep(LAST_WORDS_MS)]); // Nobody may be reading.
  process.exit(1);
}

/** Resolves when everything is written: a pipe takes 64 kB at a time, and `process.exit` drops the rest. */
export function writeAll(stream: NodeJS.WritableStream, text: string): Promise<void> {
  return new Promise((resolve) => {
    stream.write(text, () => resolve());
  });
}
