/**
 * TENANTS_FILE -> the variables of each tenant: `{"tenants":[{"name":"a","claim":{"name":"org","value":"a"},"AUTH_ISSUER":"…"}]}`.
 *
 * Faults name the tenant and the key, never a value: the file may hold secrets.
 */

import * as z from "zod";
import { isObject } from "../text.ts";
import { findNearest, show } from "./environment.ts";
import type { Faults } from "./faults.ts";
import type { Given } from "./read.ts";
import { isKnown, isOfTenant, isSecret } from "./variables.ts";

const MAX_CHARACTERS = 4 * 1024 * 1024;
export const MAX_TENANTS = 1000;

/** It is in logs. */
export const TENANT_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export const CLAIM = z.strictObject({
  name: z.string().min(1).max(255),
  value: z.union([z.string().min(1).max(255), z.int()]),
});

/** Returns the entries that can be checked further. The others are reported. */
export function readTenantsFile(given: Given) {
  const { faults } = given;
  const entries = readEntries(given, (message) => faults.add("TENANTS_FILE", message));
  const seen = new Set<string>();
  return entries.flatMap((entry, index) => {
    const tenant = toEntry(entry, index, faults);
    if (tenant && seen.has(tenant.name.toLowerCase())) {
      faults.add(`${tenant.label}: name`, "is that of another tenant");
    }
    if (tenant) seen.add(tenant.name.toLowerCase());
    return tenant ?? [];
  });
}

function readEntries({ v, readNamed }: Given, fault: (message: string) => void): unknown[] {
  const text = v.TENANTS_FILE && readNamed("TENANTS_FILE", v.TENANTS_FILE);
  if (text === undefined) return [];
  if (text.length > MAX_CHARACTERS) {
    fault(`names a file of more than ${MAX_CHARACTERS} characters`);
    return [];
  }
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    fault(`names a file that is not JSON${toPlace(error)}`);
    return [];
  }
  if (!isObject(content) || !Array.isArray(content.tenants)) {
    fault('must name a file with {"tenants":[…]}');
    return [];
  }
  const unknown = Object.keys(content).filter((key) => key !== "tenants");
  const { tenants } = content;
  const [repeated] = findRepeatedKeys(text);
  if (repeated !== undefined) fault(`names a file where ${show(repeated)} is repeated`);
  else if (unknown[0] !== undefined) fault(`names a file with the unknown key ${show(unknown[0])}`);
  else if (tenants.length === 0) fault("names a file without any tenant");
  else if (tenants.length > MAX_TENANTS)
    fault(`names a file with more than ${MAX_TENANTS} tenants`);
  return tenants.slice(0, MAX_TENANTS);
}

function toEntry(entry: unknown, index: number, faults: Faults) {
  const place = `tenants[${index}]`;
  if (!isObject(entry)) {
    faults.add(place, "must be an object");
    return undefined;
  }
  const { name, claim, ...rest } = entry;
  const isNamed = typeof name === "string" && TENANT_NAME.test(name);
  const label = isNamed ? `${place} (${name})` : place;
  if (!isNamed) {
    faults.add(`${label}: name`, "must have 1 to 64 letters, digits, dots, - and _");
  }
  const rule = CLAIM.optional().safeParse(claim);
  if (!rule.success) {
    faults.add(
      `${label}: claim`,
      'must be {"name":"…","value":"…"}, the value a string or an integer',
    );
  }
  const variables = Object.entries(rest).flatMap(([key, value]) => {
    const text = toText(key, value);
    const problem = findKeyProblem(key) ?? (text === undefined ? findValueProblem(key) : undefined);
    if (problem) faults.add(`${label}: ${show(key)}`, problem);
    return problem ? [] : [[key, text] as const];
  });
  return {
    name: isNamed ? name : place,
    /** For faults: `tenants[1] (b)`. */
    label,
    claim: rule.data,
    /** As they would be in the environment of a single tenant. */
    variables: Object.fromEntries(variables),
  };
}

function findKeyProblem(key: string): string | undefined {
  if (!isKnown(key)) {
    const nearest = findNearest(key);
    return nearest
      ? `is unknown; did you mean ${nearest}?`
      : "is unknown; docs/configuration.md lists all variables";
  }
  if (!isOfTenant(key)) return "belongs to the process: set it in the environment";
  return undefined;
}

function findValueProblem(key: string): string {
  return isSecret(key)
    ? "must be a string"
    : "must be a string, a boolean, an integer, an object, or a list of strings without commas";
}

/** As it would be in the environment. A secret must be a string, because other types could change on the way. */
function toText(key: string, value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (isSecret(key)) return undefined;
  if (typeof value === "boolean" || Number.isSafeInteger(value)) return String(value);
  if (isObject(value)) return JSON.stringify(value);
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const isList = value.every((item) => typeof item === "string" && /^[^,]+$/.test(item));
  return isList ? value.join(",") : undefined;
}

/** The rest of V8's message repeats the text. */
function toPlace(error: unknown): string {
  const [, line] = /\(line (\d+) column \d+\)$/.exec(String(error)) ?? [];
  return line === undefined ? "" : `, see line ${line}`;
}

/** JSON.parse silently takes the last of several. `text` is valid JSON. */
function findRepeatedKeys(text: string): string[] {
  const open: Set<string>[] = [];
  const repeated: string[] = [];
  for (const [token] of text.matchAll(/[{}]|"(?:[^"\\]|\\.)*"(?:\s*:)?/g)) {
    if (token === "{") open.push(new Set());
    else if (token === "}") open.pop();
    else if (token.endsWith(":")) {
      const key: string = JSON.parse(token.slice(0, -1));
      if (open.at(-1)?.has(key)) repeated.push(key);
      open.at(-1)?.add(key);
    }
  }
  return repeated;
}
