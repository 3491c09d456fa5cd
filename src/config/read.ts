/** The text of each variable, out of the environment or a file, and its value by the table. */

import type { Faults } from "./faults.ts";
import type { Environment, ReadFile } from "./types.ts";
import { VARIABLES, type Variables } from "./variables.ts";

/**
 * Faulty variables have their default, or nothing, so that the others can still be checked. An empty variable counts as
 * unset. Secrets can come as `NAME_FILE`, a path to a file with the value; one line break at its end is dropped.
 */
export function readVariables(
  environment: Environment,
  readFile: ReadFile,
  faults: Faults,
): Variables {
  const values = Object.entries(VARIABLES).map(([name, { schema, secret, default: fallback }]) => {
    const given = secret
      ? readSecret(name, environment, readFile, faults)
      : environment[name] || undefined;
    const parsed = given === undefined ? undefined : schema.safeParse(given);
    if (parsed?.success) return [name, parsed.data];
    if (parsed) faults.add(name, parsed.error.issues[0]?.message ?? "is not valid");
    return [name, fallback === undefined ? undefined : schema.parse(fallback)];
  });
  return Object.fromEntries(values);
}

function readSecret(
  name: string,
  environment: Environment,
  readFile: ReadFile,
  faults: Faults,
): string | undefined {
  const given = environment[name] || undefined;
  const fileVariable = `${name}_FILE`;
  const path = environment[fileVariable];
  if (!path) return given;
  if (given) {
    faults.add(fileVariable, `and ${name} exclude each other`);
    return given;
  }
  try {
    const content = readFile(path).replace(/\r?\n$/, "");
    if (content !== "") return content;
    faults.add(fileVariable, "names an empty file");
  } catch {
    faults.add(fileVariable, "names a file that cannot be read");
  }
  return undefined;
}
