/**
 * The text of each variable, out of the environment or a file, and its value by the table. What was read from files is recorded,
 * so that a change is noticed later.
 *
 * Tools between an operator and this process leave quotes, comments and blanks in a value that were never meant to be part of
 * it. Such a value is refused, because the intention is unclear.
 */

import { createHash } from "node:crypto";
import { createSecret } from "../secret.ts";
import { parseJson } from "../text.ts";
import type { Faults } from "./faults.ts";
import type { NamedFile } from "./types.ts";
import {
  type Environment,
  KNOWN_NAMES,
  type ReadFile,
  VARIABLES,
  type Variables,
} from "./variables.ts";

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

/** What is wrong with the text of a variable, and what to do; `undefined` for nothing. */
function findTextProblem(name: string, text: string): string | undefined {
  if (text.startsWith("\uFEFF"))
    return "starts with a byte-order mark; save the file that sets it as UTF-8 without one";
  if (text !== text.trim())
    return "has a blank or a line break at its start or end; remove it (in YAML, write |- for |)";
  if (isQuoted(text))
    return "has quotes around its value; remove them (docker's --env-file keeps them)";
  const isJson = text.startsWith("{") || text.startsWith("[");
  if (/(^|\s)#/.test(text) && parseJson(text) === undefined)
    return `has a comment in its value; ${toAdvice(name)}`;
  if ((isJson ? INVISIBLE_IN_JSON : INVISIBLE).test(text))
    return "has a control character, a line break or an invisible character; type it again, on one line";
  return undefined;
}

function toAdvice(name: string): string {
  const secret = name.replace(/_FILE$/, "");
  return VARIABLES[secret]?.secret
    ? `remove it; a secret that really has it goes into a file, named by ${secret}_FILE`
    : "remove it";
}

/** Also those of word processors. */
const QUOTES = ['""', "''", "``", "“”", "„“", "‘’", "«»"];

function isQuoted(text: string): boolean {
  return QUOTES.some(([open = "", close = ""]) => text.startsWith(open) && text.endsWith(close));
}

const INVISIBLE = /[\p{Cc}\p{Cf}\u2028\u2029]/u;
/** JSON takes line breaks and tabs between its tokens. */
const INVISIBLE_IN_JSON = /(?![\t\n\r])\p{Cc}/u;

/** Secrets and keys in files: editors add a byte-order mark, and line breaks at the end. */
export function trimFile(content: string): string {
  return content.replace(/^\uFEFF/, "").replace(/[\r\n]+$/, "");
}

const FILE_VARIABLES = KNOWN_NAMES.filter((name) => name.endsWith("_FILE"));

export type FileRecord = {
  /** Reads, and keeps a digest. */
  read: ReadFile;
  /** Those that these variables name, as far as they were read. */
  named(variables: Environment, tenant?: string): NamedFile[];
};

export function recordFiles(readFile: ReadFile): FileRecord {
  const digests = new Map<string, string>();
  return {
    read(path) {
      const content = readFile(path);
      digests.set(path, toFileDigest(content));
      return content;
    },
    named: (variables, tenant) =>
      FILE_VARIABLES.flatMap((variable) => {
        const path = variables[variable];
        const digest = path ? digests.get(path) : undefined;
        if (!path || digest === undefined) return [];
        return { variable, tenant, path, digest: createSecret(digest) };
      }),
  };
}

/** Line breaks at the end make no difference. */
export function toFileDigest(content: string): string {
  return createHash("sha256").update(trimFile(content)).digest("base64");
}
