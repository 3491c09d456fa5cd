/**
 * The text of each variable, out of the environment or a file, and its value by the table. What was read from files is recorded,
 * so that a change is noticed later.
 *
 * Tools between an operator and this process leave quotes, comments and blanks in a value that were never meant to be part of
 * it. Such a value is refused, because the intention is unclear.
 */

import { createHash } from "node:crypto";
import { createSecret, type Secret } from "../secret.ts";
import { parseJson } from "../text.ts";
import type { Faults } from "./faults.ts";
import { type Environment, type ReadFile, VARIABLES, type Variables } from "./variables.ts";

/** A file that a variable names. */
export type NamedFile = Readonly<{
  variable: string;
  /** Where the variable is one tenant's. */
  tenant: string | undefined;
  path: string;
  /** Of its content, without line breaks at the end. Wrapped to keep it out of the digest of the configuration. */
  digest: Secret;
}>;

/** The variables of the process or of a tenant: what the rules of the configuration are checked on. */
export type Given = {
  environment: Environment;
  v: Variables;
  /** What is wrong is added to them. */
  faults: Faults;
  /** The content of a file that a variable names. `undefined`, and a fault, where it cannot be read. */
  readNamed(variable: string, path: string): string | undefined;
  /** Those that were read, by variable. */
  files: Map<string, NamedFile>;
};

/**
 * Faulty variables have their default, or nothing, so that the others can still be checked. An empty variable counts as
 * unset. Secrets can come as `NAME_FILE`, a path to a file with the value.
 */
export function readVariables(
  environment: Environment,
  readFile: ReadFile,
  faults: Faults,
  tenant?: string,
): Given {
  const files: Given["files"] = new Map();

  function readNamed(variable: string, path: string): string | undefined {
    try {
      const content = trimFile(readFile(path));
      files.set(variable, { variable, tenant, path, digest: createSecret(hash(content)) });
      return content;
    } catch {
      faults.add(variable, "names a file that cannot be read");
      return undefined;
    }
  }

  function readText(name: string): string | undefined {
    const text = environment[name] || undefined;
    const problem = text === undefined ? undefined : findTextProblem(name, text);
    if (problem) faults.add(name, problem);
    return problem ? undefined : text;
  }

  function readSecret(name: string, source: string): string | undefined {
    const given = readText(source);
    const fileVariable = `${name}_FILE`;
    const path = readText(fileVariable);
    if (!path) return given;
    if (given) {
      faults.add(fileVariable, `and ${name} cannot be set together`);
      return given;
    }
    const content = readNamed(fileVariable, path);
    if (content === "") faults.add(fileVariable, "names an empty file");
    return content || undefined;
  }

  const values = Object.entries(VARIABLES).map(([name, { schema, secret, default: fallback }]) => {
    const source = nameOf(name, environment);
    const text = secret ? readSecret(name, source) : readText(source);
    const parsed = text === undefined ? undefined : schema.safeParse(text);
    if (parsed?.success) return [name, parsed.data];
    if (parsed) faults.add(source, parsed.error.issues[0]?.message ?? "is not valid");
    return [name, fallback === undefined ? undefined : schema.parse(fallback)];
  });
  return { environment, v: Object.fromEntries(values), faults, readNamed, files };
}

/** The name that a variable is set by: its own, or else its alias, such as `https_proxy`. */
export function nameOf(name: string, environment: Environment): string {
  const alias = VARIABLES[name]?.alias;
  const isSet = environment[name] || environment[`${name}_FILE`];
  return alias !== undefined && !isSet && environment[alias] ? alias : name;
}

/** Reports the missing one of two variables that need each other. */
export function reportHalf(
  { v, faults }: Given,
  one: keyof Variables,
  other: keyof Variables,
): void {
  if (v[one] && !v[other]) faults.add(other, `is missing: ${one} needs it`);
  if (v[other] && !v[one]) faults.add(one, `is missing: ${other} needs it`);
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

/** Editors add a byte-order mark, and line breaks at the end. */
function trimFile(content: string): string {
  return content.replace(/^\uFEFF/, "").replace(/[\r\n]+$/, "");
}

function hash(content: string): string {
  return createHash("sha256").update(content).digest("base64");
}

/** Line breaks at the end make no difference. */
export function toFileDigest(content: string): string {
  return hash(trimFile(content));
}
