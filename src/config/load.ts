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
import { ConfigError, createFaults } from "./faults.ts";
import { checkMxHosts, checkUpstreams, toHosted, toProcess } from "./process.ts";
import { type Given, type NamedFile, readVariables } from "./read.ts";
import { reportReusedSecrets } from "./secret-reuse.ts";
import { type TenantConfig, toTenant } from "./tenant.ts";
import { type LabelledTenant, reportConflicts } from "./tenant-conflicts.ts";
import { readTenantsFile } from "./tenants.ts";
import { type CertificateConfig, checkUse, identify } from "./tls.ts";
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
 * Frozen, complete, and checked. What it says about a rule of the domain is the domain's own record, so that whoever builds a
 * part passes it on as it is.
 */
export type Config = Readonly<
  ReturnType<typeof toProcess> & {
    /** The page for phones; none if undefined. */
    hosted: ReturnType<typeof toHosted>;
    tenants: readonly TenantConfig[];
    /** What was read, to notice when it changes. */
    files: readonly NamedFile[];
  }
>;

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
  const isSingle = !environment.TENANTS_FILE;
  const given = readVariables(isSingle ? environment : ofProcess(environment), readFile, faults);
  reportMisspelt(environment, faults);
  checkProcess(environment, flags, faults);
  const ofAll = toProcess(given);
  checkUse(given, isSingle ? ["issuer", "login"] : ["login"]);
  const many = isSingle ? [] : loadTenants(environment, given, readFile);
  const tenants = isSingle ? [toTenant(given)] : many.map(({ tenant }) => tenant);
  checkMxHosts(given, tenants);
  const hosted = toHosted(given, tenants);
  reportReusedSecrets([given, ...many], environment, faults);
  if (isObserved && !given.v.ALLOW_PRELOADS && tenants.some(({ mx }) => mx.sso)) {
    faults.add("NODE_OPTIONS", PRELOAD_FAULT);
  }
  if (faults.all().length > 0) throw new ConfigError(faults.all());
  const files = [given, ...many].flatMap((each) => [...each.files.values()]);
  return deepFreeze({ ...ofAll, hosted, tenants, files });
}

/** All of its certificates; each pair of files once for each name. */
export function listCertificates({ tls, logins, tenants }: Config): CertificateConfig[] {
  const ofTenants = tenants.flatMap(({ auth, mx, lookup }) => [
    mx.clientCertificate,
    auth.clientCertificate,
    lookup?.clientCertificate,
  ]);
  const all = [tls, ...ofTenants, logins.clientCertificate].filter((each) => each !== undefined);
  return [...new Map(all.map((each) => [identify(each), each])).values()];
}

/** Tells whether two replicas have the same configuration, apart from secrets, which print as `[secret]`, and ports. */
export function toDigest(config: Config): string {
  const shared = { ...config, port: undefined, operationsPort: undefined }; // Replicas on one host differ in them.
  return createHash("sha256").update(JSON.stringify(shared)).digest("hex").slice(0, 16);
}

function ofProcess(environment: Environment): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => isOfProcess(name)));
}

type LoadedTenant = LabelledTenant & Pick<Given, "v" | "files">;

function loadTenants(environment: Environment, process: Given, readFile: ReadFile): LoadedTenant[] {
  const { faults } = process;
  for (const name of Object.keys(environment)) {
    if (environment[name] && !isOfProcess(name)) {
      faults.add(name, "belongs to a tenant: move it into TENANTS_FILE");
    }
  }
  const loaded = readTenantsFile(process).map(({ name, label, claim, variables }) => {
    const own = readVariables(variables, readFile, createFaults(), name);
    checkUpstreams(own, process.v.ALLOW_HTTP_HOSTS);
    const all = { ...own, v: withProcess(own.v, process.v) };
    checkUse(all, ["issuer"]);
    const tenant = toTenant(all, name, claim);
    const found = own.faults.all();
    for (const { variable, message } of found) faults.add(`${label}: ${variable}`, message);
    return { ...own, label, tenant, isSound: found.length === 0 };
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
