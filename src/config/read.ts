/** The text of each variable, out of the environment or a file, and its value by the table. */

import type { Faults } from "./faults.ts";
import { findTextProblem, trimFile } from "./texts.ts";
import type { Environment, ReadFile } from "./types.ts";
import { VARIABLES, type Variables } from "./variables.ts";

/**
 * Faulty variables have their default, or nothing, so that the others can still be checked. An empty variable counts as
 * unset. Secrets can come as `NAME_FILE`, a path to a file with the value.
 */
export function readVariables(
  environment: Environment,
  readFile: ReadFile,
  faults: Faults,
): Variables {
  const values = Object.entries(VARIABLES).map(([name, variable]) => {
    const { schema, default: fallback } = variable;
    const source = nameOf(name, environment);
    const given = variable.secret
      ? readSecret(name, source, environment, readFile, faults)
      : readText(source, environment, faults);
    const parsed = given === undefined ? undefined : schema.safeParse(given);
    if (parsed?.success) return [name, parsed.data];
    if (parsed) faults.add(source, parsed.error.issues[0]?.message ?? "is not valid");
    return [name, fallback === undefined ? undefined : schema.parse(fallback)];
  });
  return Object.fromEntries(values);
}

/** The name that a variable is set by: its own, or else its alias, such as `https_proxy`. */
export function nameOf(name: string, environment: Environment): string {
  const alias = VARIABLES[name]?.alias;
  const isSet = environment[name] || environment[`${name}_FILE`];
  return alias !== undefined && !isSet && environment[alias] ? alias : name;
}

function readText(name: string, environment: Environment, faults: Faults): string | undefined {
  const text = environment[name] || undefined;
  const problem = text === undefined ? undefined : findTextProblem(name, text);
  if (problem) faults.add(name, problem);
  return problem ? undefined : text;
}

function readSecret(
  name: string,
  source: string,
  environment: Environment,
  readFile: ReadFile,
  faults: Faults,
): string | undefined {
  const given = readText(source, environment, faults);
  const fileVariable = `${name}_FILE`;
  const path = readText(fileVariable, environment, faults);
  if (!path) return given;
  if (given) {
    faults.add(fileVariable, `and ${name} cannot be set together`);
    return given;
  }
  try {
    const content = trimFile(readFile(path));
    if (content !== "") return content;
    faults.add(fileVariable, "names an empty file");
  } catch {
    faults.add(fileVariable, "names a file that cannot be read");
  }
  return undefined;
}
