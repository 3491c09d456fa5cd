/**
 * What the tools between an operator and this process make of a value: quotes, comments and blanks that were never meant to
 * be part of it. Such a value is refused, because nobody can tell what was meant.
 */

import { parseJson } from "../text.ts";
import { VARIABLES } from "./variables.ts";

/** What is wrong with the text of a variable, and what to do; `undefined` for nothing. */
export function findTextProblem(name: string, text: string): string | undefined {
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
