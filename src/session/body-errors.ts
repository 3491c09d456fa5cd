/**
 * What is wrong with a body, in our own words: zod would repeat what the caller sent. Each error names its place by a
 * JSON pointer. An unknown name is shown only if it looks like one, together with the name that was probably meant.
 *
 * Source: RFC 6901 (pointers); RFC 9457, section 3.2 (`errors`).
 */

import type * as z from "zod";
import { AppError, type BodyError } from "../errors.ts";
import { findNearest } from "../text.ts";
import { WidgetOptions } from "./widget-options.ts";

/** A body of 16 kB can have thousands of errors. The answer must not be larger than the request. */
const MAX_NAMED_ERRORS = 20;
/** More are not listed, but one is named as an example. */
const MAX_LISTED_VALUES = 15;

/** `invalid_request` that names the first fault in its message, and up to twenty by their place. */
export function invalidBody(errors: readonly BodyError[]): AppError {
  const [first] = errors;
  const where =
    first && first.pointer !== "" ? first.pointer.slice(1).replaceAll("/", ".") : "The body";
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  return new AppError("invalid_request", `${where} ${first?.detail ?? "is not valid"}${more}.`, {
    errors: errors.slice(0, MAX_NAMED_ERRORS),
  });
}

/**
 * Issues of a body's schema, reported with their input -> its errors, one per place. `exampleType` is one of the widget types that
 * may be asked for.
 */
export function createBodyExplanation(
  widgetTypes: readonly string[],
  exampleType: string,
): (issues: readonly z.core.$ZodIssue[]) => BodyError[] {
  const example = `{"widget_url":{"widget_type":"${exampleType}"}}`;

  function toBodyErrors(issue: z.core.$ZodIssue): BodyError[] {
    const pointer = issue.path.map((key) => `/${String(key)}`).join("");
    if (issue.code === "unrecognized_keys")
      return issue.keys.map((key) => toUnknownName(key, pointer));
    if (pointer === "/widget_url/widget_type" && issue.code === "invalid_value")
      return [{ pointer, detail: toTypeDetail(issue.input) }];
    return [{ pointer, detail: toDetail(issue) }];
  }

  function toUnknownName(key: string, pointer: string): BodyError {
    if (!/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/.test(key))
      return { pointer, detail: "has an option with an unusable name" };
    const isOutside = pointer === "" && OPTION_NAMES.includes(key);
    const detail = isOutside
      ? `belongs inside widget_url, as in ${example}`
      : `is not an option of MX's widgets${meant(key, NAMES_AT[pointer] ?? [])}`;
    return { pointer: `${pointer}/${key}`, detail };
  }

  function toTypeDetail(type: unknown): string {
    const nearest = findNearestWidgetType(String(type), widgetTypes);
    if (widgetTypes.length <= MAX_LISTED_VALUES)
      return `must be one of ${widgetTypes.join(", ")}${meaning(nearest)}`;
    return nearest
      ? `is not a widget type that is offered here${meaning(nearest)}`
      : `must be a widget type that is offered here, such as ${exampleType}`;
  }

  return (issues) => firstOfEach(issues.flatMap(toBodyErrors));
}

/** With or without its end: "connect" and "conect_widget" are both near to "connect_widget". */
export function findNearestWidgetType(
  type: string,
  widgetTypes: readonly string[],
): string | undefined {
  const short = (name: string) => name.replace(/_?widget$/i, "");
  const nearest = findNearest(short(type), widgetTypes.map(short));
  return widgetTypes.find((name) => nearest !== undefined && short(name) === nearest);
}

const OPTION_NAMES = [...Object.keys(WidgetOptions.shape), "widget_type"];

/** By JSON pointer of the object that contains them. */
const NAMES_AT: Readonly<Record<string, readonly string[]>> = {
  "": ["widget_url"],
  "/widget_url": OPTION_NAMES,
  "/widget_url/data_request": Object.keys(WidgetOptions.shape.data_request.unwrap().shape),
  "/widget_url/deep_link_params": Object.keys(WidgetOptions.shape.deep_link_params.unwrap().shape),
};

/** A misspelt name, or the first words of just one: "widget" is short for "widget_type". */
function meant(name: string, names: readonly string[]): string {
  const longer = names.filter((known) => known.startsWith(`${name.toLowerCase()}_`));
  return meaning(findNearest(name, names) ?? (longer.length === 1 ? longer[0] : undefined));
}

function meaning(nearest: string | undefined): string {
  return nearest ? `; the nearest one is ${nearest}` : "";
}

/** One error for each field: a string in place of an array, for example, is also too long. */
function firstOfEach(errors: BodyError[]): BodyError[] {
  return [...Map.groupBy(errors, (error) => error.pointer).values()].flatMap(
    ([first]) => first ?? [],
  );
}

function toDetail(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `must be ${TYPE_WORDS[issue.expected] ?? issue.expected}`;
    case "invalid_value": {
      const values = issue.values.map(String);
      const nearest =
        typeof issue.input === "string" ? findNearest(issue.input, values) : undefined;
      return nearest
        ? `is not a value that this option has${meaning(nearest)}`
        : `must be one of ${values.join(", ")}`;
    }
    case "invalid_format":
      return issue.format === "date" ? "must be a date such as 2026-01-31" : issue.message;
    case "too_small":
      return issue.origin === "number" ? `must be at least ${issue.minimum}` : "must not be empty";
    case "too_big":
      return issue.origin === "number"
        ? `must be at most ${issue.maximum}`
        : `must not be longer than ${issue.maximum}`;
    case "custom":
      return issue.message;
    default:
      return "is not valid";
  }
}

const TYPE_WORDS: Record<string, string> = {
  string: "a string",
  boolean: "true or false",
  int: "an integer",
  number: "an integer",
  object: "an object",
  array: "an array",
};
