/** Texts and values that others wrote: JSON, percent-encoding, misspelt names, and what MX can take. */

/** `undefined` for a text that is not JSON: the error of `JSON.parse` would repeat what was sent. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** No list, and not `null`. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Of an object or a list; nothing that it inherits. */
export function ownProperty(value: unknown, key: string): unknown {
  const hasProperties = typeof value === "object" && value !== null;
  return hasProperties ? Object.getOwnPropertyDescriptor(value, key)?.value : undefined;
}

/** Percent-encoding undone; a text that is not encoded as it should be, such as a lone `%`, as it is. */
export function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * The rule for every text that goes to MX: no control character, no half of a surrogate pair.
 *
 * Some servers answer such a text with an error of their own, which would count as MX's failure.
 * Source: Unicode, General Category Cc; RFC 8259, section 8.2.
 */
export function isPlainText(text: string): boolean {
  return text.isWellFormed() && !/\p{Cc}/u.test(text);
}

/** The message for a value that is not plain text. */
export const PLAIN_TEXT_DETAIL = "must not hold control characters or incomplete characters";

/**
 * The one of `names` that `name` is nearest to, if it is a slip away: one edit, or two in names of eight characters or
 * more. Case, `_` and `-` do not count. An edit inserts, deletes or replaces a character, or swaps two neighbours.
 */
export function findNearest(name: string, names: readonly string[]): string | undefined {
  const given = simplify(name);
  const maxEdits = given.length >= 8 ? 2 : 1;
  const near = names
    .map((known) => ({ known, simple: simplify(known) }))
    .filter(({ simple }) => Math.abs(simple.length - given.length) <= maxEdits)
    .map(({ known, simple }) => ({ known, edits: countEdits(given, simple) }))
    .filter(({ edits }) => edits <= maxEdits);
  return near.sort((one, other) => one.edits - other.edits)[0]?.known;
}

function simplify(name: string): string {
  return name.toLowerCase().replace(/[_-]/g, "");
}

/** Optimal string alignment distance. */
export function countEdits(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const isSame = from[row - 1] === to[column - 1];
      const isSwapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current[column] = Math.min(
        at(last, column) + 1,
        at(current, column - 1) + 1,
        at(last, column - 1) + (isSame ? 0 : 1),
        isSwapped ? at(beforeLast, column - 2) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    beforeLast = last;
    last = current;
  }
  return at(last, to.length);
}

function at(distances: readonly number[], index: number): number {
  return distances[index] ?? Number.POSITIVE_INFINITY;
}
