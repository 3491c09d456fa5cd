/**
 * What is wrong with a body, for the caller: each faulty place by its JSON pointer, never with the value.
 *
 * Source: RFC 6901 (pointers); RFC 9457, section 3.2 (`errors`).
 */

import type * as z from "zod";
import { AppError, type BodyError } from "../errors.ts";

/** A string where an array is due is also too long for it: one fault a field is enough. */
function firstOfEach(errors: BodyError[]): BodyError[] {
  return [...Map.groupBy(errors, (error) => error.pointer).values()].flatMap(
    ([first]) => first ?? [],
  );
}

/** A body of 16 kB has room for thousands; an answer must not be larger than its request. */
const MAX_NAMED_ERRORS = 20;

/** `invalid_request` that names the first fault in its message, and up to twenty by their place. */
export function invalidBody(errors: BodyError[]): AppError {
  const [first] = errors;
  const where =
    first && first.pointer !== "" ? first.pointer.slice(1).replaceAll("/", ".") : "The body";
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  return new AppError("invalid_request", `${where} ${first?.detail ?? "is not valid"}${more}.`, {
    errors: errors.slice(0, MAX_NAMED_ERRORS),
  });
}

/** One for each place, in our own words: zod would repeat what the caller sent. */
export function toBodyErrors({ issues }: z.ZodError): BodyError[] {
  return firstOfEach(issues.flatMap(toErrors));
}

/** An unknown name is shown only where it looks like one. */
function toErrors(issue: z.core.$ZodIssue): BodyError[] {
  const pointer = issue.path.map((key) => `/${String(key)}`).join("");
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) =>
      /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/.test(key)
        ? { pointer: `${pointer}/${key}`, detail: "is not an option of MX's widgets" }
        : { pointer, detail: "has an option with an unusable name" },
    );
  }
  return [{ pointer, detail: toDetail(issue) }];
}

function toDetail(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `must be ${TYPE_WORDS[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `must be one of ${issue.values.map(String).join(", ")}`;
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
