/**
 * The rule for every text that goes to MX: no control character, no half of a surrogate pair.
 *
 * Some servers answer such a text with an error of their own, which would count as MX's failure.
 * Source: Unicode, General Category Cc; RFC 8259, section 8.2.
 */
export function isPlainText(text: string): boolean {
  return text.isWellFormed() && !/\p{Cc}/u.test(text);
}

/** For messages: what a value that is not plain text must be told. */
export const PLAIN_TEXT_DETAIL = "must not hold control characters or incomplete characters";
