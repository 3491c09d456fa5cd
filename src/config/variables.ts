/**
 * The table of environment variables: the one place that says which there are, of what type, whose, which are secrets, and
 * what they mean. The rest follows from it: checks, TENANTS_FILE and its schema, `.env.example`, docs/configuration.md.
 *
 * Its rows are in variables/, by subject.
 */

import type * as z from "zod";
import * as login from "./variables/login.ts";
import * as mx from "./variables/mx.ts";
import * as process from "./variables/process.ts";
import type { Variable } from "./variables/row.ts";

/** As `process.env` has it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** For variables that name a file. */
export type ReadFile = (path: string) => string;

const TABLE = {
  ...login.ISSUER,
  ...login.OTHER_CREDENTIALS,
  ...login.USER_IDS,
  ...process.TENANTS,
  ...mx.APIS,
  ...mx.MEMBERS,
  ...mx.PROFILE,
  ...mx.WIDGETS,
  ...process.EGRESS,
  ...process.SERVER,
  ...process.LIMITS,
};

type Table = typeof TABLE;

/** The values of all variables. Those without a default are `undefined` where they are not set. */
export type Variables = {
  [Name in keyof Table]:
    | z.output<Table[Name]["schema"]>
    | (Table[Name] extends { default: string } ? never : undefined);
};

export const VARIABLES: Readonly<Record<string, Variable>> = TABLE;

export type Section = {
  title: string;
  introduction?: string;
  variables: Readonly<Record<string, Variable>>;
};

/** In the order in which people read about them. */
export const SECTIONS: readonly Section[] = [
  { title: "Your login: JWTs", variables: login.ISSUER },
  {
    title: "Your login: other credentials",
    introduction:
      "The service also accepts these credentials. It checks the first one that a request has: a bearer token, or else the cookie with a token, or else the session cookie. If that one is not valid, the service does not try another. All of them belong to `AUTH_ISSUER`, so `USER_ID_CLAIM` must have the same value for a user in each. With `TENANTS_FILE`, set these variables here, once. `iss` and the tenant's claim in the answer then decide which tenant the user belongs to. If the login is a cookie, the request must have the header `X-CSRF: 1` and come from a page on the service's own origin or one of `CORS_ORIGINS`.",
    variables: login.OTHER_CREDENTIALS,
  },
  { title: "User ids at MX", variables: login.USER_IDS },
  { title: "Several tenants", variables: process.TENANTS },
  {
    title: "MX",
    introduction:
      "Configure what you have from MX. Platform API: `MX_PLATFORM_CLIENT_ID` and `MX_PLATFORM_API_KEY`. SSO API v3 with MDX Real Time: `MX_SSO_VERSION=v3`, `MX_SSO_API_KEY` and `MX_SSO_CLIENT_ID`. SSO API v2 (seven widgets, without options): `MX_SSO_API_KEY`, `MX_SSO_CLIENT_GUID` and `MEMBER_CREDENTIALS`. With the Platform API and an SSO API, the Platform API creates the URLs, and the SSO API v2 or MDX Real Time creates the users. See `docs/mx-apis.md`. MX answers only addresses on its allow list.",
    variables: mx.APIS,
  },
  { title: "Members (SSO API only)", variables: mx.MEMBERS },
  { title: "Personal data for MX about a new user", variables: mx.PROFILE },
  { title: "Widgets", variables: mx.WIDGETS },
  {
    title: "Outbound connections",
    introduction:
      "MX answers only addresses on its allow list, so many operators send all traffic through one fixed address.",
    variables: process.EGRESS,
  },
  { title: "Server", variables: process.SERVER },
  { title: "Limits", variables: process.LIMITS },
];

export const VARIABLE_NAMES = Object.keys(VARIABLES);

/** Those that can also be given as `NAME_FILE`. */
export const SECRET_NAMES = VARIABLE_NAMES.filter(isSecret);

type SecretName = {
  [Name in keyof Table]: Table[Name] extends { secret: true } ? Name : never;
}[keyof Table];

export function isSecret(name: string): name is SecretName {
  return Object.hasOwn(VARIABLES, name) && VARIABLES[name]?.secret === true;
}

/** Those that can be set, `NAME_FILE` included. */
const BY_KNOWN_NAME = new Map(
  Object.entries(VARIABLES).flatMap(([name, variable]) => {
    const names = [name, variable.secret && `${name}_FILE`, variable.alias];
    return names.flatMap((known) => (known ? [[known, variable] as const] : []));
  }),
);

export const KNOWN_NAMES = [...BY_KNOWN_NAME.keys()];

export function isKnown(name: string): boolean {
  return BY_KNOWN_NAME.has(name);
}

/** Whether it is set in TENANTS_FILE where there is one. */
export function isOfTenant(name: string): boolean {
  const { scope = "process" } = BY_KNOWN_NAME.get(name) ?? {};
  return scope !== "process";
}

/** Whether it is set in the environment, however many tenants there are. */
export function isOfProcess(name: string): boolean {
  return BY_KNOWN_NAME.get(name)?.scope !== "tenant";
}
