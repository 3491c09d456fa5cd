/**
 * `npm run demo -- --real`: the partner's own keys of MX's integration environment, instead of the simulator.
 *
 * The users are real users there, and MX limits their number: their ids begin with `bff-demo-`, each run has the same ones,
 * and `--clean` deletes them.
 */

import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { findOtherHost } from "../src/commands/mx-environment.ts";
import type { Config } from "../src/config/load.ts";
import type { Environment } from "../src/config/variables.ts";
import type { Apis } from "./environment.ts";

export const USER_PREFIX = "bff-demo-";
/** In the working directory. A userkey that changed would be that of another person. */
const SECRET_FILE = ".demo-userkey-secret";
/** Of every sample URL of MX's integration environment. */
const WIDGET_ORIGIN = "https://int-widgets.moneydesktop.com";
const EGRESS = ["HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "WIDGET_URL_ORIGINS"];

/** The keys, the way out, and Member credentials where the SSO API v2 wants some. */
export function toRealEnvironment(environment: Environment): Environment {
  const taken = Object.entries(environment).filter(
    ([name]) => name.startsWith("MX_") || EGRESS.includes(name),
  );
  const { MX_SSO_API_KEY: key, MX_SSO_API_KEY_FILE: file, MX_SSO_VERSION: version } = environment;
  return {
    ...Object.fromEntries(taken),
    ...((key || file) &&
      version !== "v3" && {
        MEMBER_CREDENTIALS: "derived",
        MEMBER_USERKEY_SECRET: keepSecret(),
      }),
  };
}

/** Why these keys may not be used; `undefined`: they may. */
export function findRealProblem(config: Config): string | undefined {
  const host = findOtherHost(config);
  return host && `--real runs only in MX's integration environment, and ${host} is not part of it.`;
}

export function toApis({ tenants }: Config): Apis {
  const [tenant] = tenants;
  if (tenant?.mx.sso?.version === "v3") return "v3";
  if (tenant?.mx.sso) return tenant.mx.platform ? "both" : "sso";
  return "platform";
}

/** Where the page expects the widgets. */
export function toWidgetOrigin({ WIDGET_URL_ORIGINS: origins }: Environment): string {
  return origins?.split(",")[0]?.trim() || WIDGET_ORIGIN;
}

function keepSecret(): string {
  try {
    return readFileSync(SECRET_FILE, "utf8").trim();
  } catch {
    const secret = randomBytes(32).toString("base64");
    writeFileSync(SECRET_FILE, `${secret}\n`, { mode: 0o600, flag: "wx" });
    return secret;
  }
}
