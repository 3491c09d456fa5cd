/**
 * The table of environment variables: the one place that says which there are, of what type, whose, which are secrets, and
 * what they mean. The rest follows from it: checks, TENANTS_FILE and its schema, `.env.example`, docs/configuration.md.
 *
 * Its rows are in variables/, by subject.
 */

import type * as z from "zod";
import { LOGIN_SECTIONS, LOGIN_VARIABLES } from "./variables/login.ts";
import { MX_SECTIONS, MX_VARIABLES } from "./variables/mx.ts";
import { PROCESS_SECTIONS, PROCESS_VARIABLES, TENANTS_SECTION } from "./variables/process.ts";
import type { Section, Variable } from "./variables/row.ts";

/** As `process.env` has it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** For variables that name a file. */
export type ReadFile = (path: string) => string;

const TABLE = { ...LOGIN_VARIABLES, ...MX_VARIABLES, ...PROCESS_VARIABLES };

type Table = typeof TABLE;

/** The values of all variables. Those without a default are `undefined` where they are not set. */
export type Variables = {
  [Name in keyof Table]:
    | z.output<Table[Name]["schema"]>
    | (Table[Name] extends { default: string } ? never : undefined);
};

export const VARIABLES: Readonly<Record<string, Variable>> = TABLE;

/** In the order in which people read about them. */
export const SECTIONS: readonly Section[] = [
  ...LOGIN_SECTIONS,
  TENANTS_SECTION,
  ...MX_SECTIONS,
  ...PROCESS_SECTIONS,
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
export const KNOWN_NAMES = [
  ...VARIABLE_NAMES,
  ...SECRET_NAMES.map((name) => `${name}_FILE`),
  ...Object.values(VARIABLES).flatMap(({ alias }) => alias ?? []),
];

export function isKnown(name: string): boolean {
  return KNOWN_NAMES.includes(name);
}

/** Whether it is set in TENANTS_FILE where there is one. */
export function isOfTenant(name: string): boolean {
  const { scope = "process" } = findVariable(name) ?? {};
  return scope !== "process";
}

/** Whether it is set in the environment, however many tenants there are. */
export function isOfProcess(name: string): boolean {
  return findVariable(name)?.scope !== "tenant";
}

/** `name` may be `NAME_FILE` of a secret. */
function findVariable(name: string): Variable | undefined {
  if (Object.hasOwn(VARIABLES, name)) return VARIABLES[name];
  const secret = name.replace(/_FILE$/, "");
  return isSecret(secret) ? VARIABLES[secret] : undefined;
}
