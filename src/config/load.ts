/**
 * Environment variables (and TENANTS_FILE) -> one frozen configuration. Every fault is reported at once, by name, never
 * by value.
 *
 * An unsafe configuration is a fault: a service with a guessable secret or a plain http upstream does not start.
 */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { hasForeignListeners } from "../upstream/connection.ts";
import { checkProcess, reportMisspelt } from "./environment.ts";
import { ConfigError, createFaults, type Faults } from "./faults.ts";
import { checkMxHosts, checkUpstreams, toHosted, toProcess } from "./process.ts";
import { type FileRecord, readVariables, recordFiles } from "./read.ts";
import { reportReusedSecrets } from "./secret-reuse.ts";
import { toTenant } from "./tenant.ts";
import { type LabelledTenant, reportConflicts } from "./tenant-conflicts.ts";
import { readTenantsFile } from "./tenants.ts";
import { checkUse } from "./tls.ts";
import type { Config, NamedFile } from "./types.ts";
import {
  type Environment,
  isOfProcess,
  isOfTenant,
  type ReadFile,
  type Variables,
} from "./variables.ts";

const PRELOAD_FAULT =
  "must not load an instrumentation that observes requests, because it would record the SSO API's key, which is in the URL. Remove the instrumentation from NODE_OPTIONS and from node's flags, or set ALLOW_PRELOADS=true";

/**
 * Throws `ConfigError` with all faults. `readFile` serves the variables that name files; `flags` are those of the process,
 * as `process.execArgv` has them. `isObserved`: something that is not the service's own listens to its requests.
 */
export function loadConfig(
  environment: Environment,
  readFile: ReadFile = (path) => readFileSync(path, "utf8"),
  flags: readonly string[] = [],
  isObserved = hasForeignListeners(),
): Config {
  const faults = createFaults();
  const files = recordFiles(readFile);
  const isSingle = !environment.TENANTS_FILE;
  const given = isSingle ? environment : ofProcess(environment);
  const variables = readVariables(given, files.read, faults);
  reportMisspelt(environment, faults);
  checkProcess(environment, flags, faults);
  const ofAll = toProcess(variables, environment, files.read, faults);
  checkUse(variables, isSingle ? ["issuer", "login"] : ["login"], faults);
  const many = isSingle ? [] : loadTenants(environment, variables, files, faults);
  const tenants = isSingle
    ? [toTenant(variables, files.read, faults)]
    : many.map(({ tenant }) => tenant);
  checkMxHosts(variables, tenants, faults);
  const hosted = toHosted(variables.HOSTED_NAME, tenants, faults);
  reportReusedSecrets([{ variables }, ...many], environment, faults);
  if (isObserved && !variables.ALLOW_PRELOADS && tenants.some(({ mx }) => mx.sso)) {
    faults.add("NODE_OPTIONS", PRELOAD_FAULT);
  }
  if (faults.all().length > 0) throw new ConfigError(faults.all());
  const ofTenants = many.flatMap((each) => each.files);
  return deepFreeze({
    ...ofAll,
    hosted,
    tenants,
    files: [...files.named(given), ...ofTenants],
  });
}

/** Tells whether two replicas have the same configuration, apart from secrets, which print as `[secret]`, and ports. */
export function toDigest(config: Config): string {
  const shared = { ...config, port: undefined, operationsPort: undefined }; // Replicas on one host differ in them.
  return createHash("sha256").update(JSON.stringify(shared)).digest("hex").slice(0, 16);
}

function ofProcess(environment: Environment): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => isOfProcess(name)));
}

type LoadedTenant = LabelledTenant & { variables: Variables; files: NamedFile[] };

function loadTenants(
  environment: Environment,
  process: Variables,
  files: FileRecord,
  faults: Faults,
): LoadedTenant[] {
  for (const name of Object.keys(environment)) {
    if (environment[name] && !isOfProcess(name)) {
      faults.add(name, "belongs to a tenant: move it into TENANTS_FILE");
    }
  }
  if (process.TENANTS_FILE === undefined) return []; // Its value has a fault.
  const entries = readTenantsFile(process.TENANTS_FILE, files.read, faults);
  const loaded = entries.map(({ name, label, claim, ...entry }) => {
    const own = createFaults();
    const variables = readVariables(entry.variables, files.read, own);
    checkUpstreams(variables, process.ALLOW_HTTP_HOSTS, own);
    const all = withProcess(variables, process);
    checkUse(all, ["issuer"], own);
    const rules = toTenant(all, files.read, own);
    for (const { variable, message } of own.all()) faults.add(`${label}: ${variable}`, message);
    const isSound = own.all().length === 0;
    const named = files.named(entry.variables, name);
    return { label, variables, files: named, isSound, tenant: { ...rules, name, claim } };
  });
  reportConflicts(
    loaded.filter(({ isSound }) => isSound),
    faults,
  );
  return loaded;
}

/** The variables of a tenant, and those of the process in the place of their defaults. */
function withProcess(tenant: Variables, process: Variables): Variables {
  const ofTenant = Object.entries(tenant).filter(([name]) => isOfTenant(name));
  return { ...process, ...Object.fromEntries(ofTenant) };
}

function deepFreeze<T>(value: T): T {
  if (
    typeof value === "object" &&
    value !== null &&
    !(value instanceof URL) &&
    !Object.isFrozen(value)
  ) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}
