/** JSON that others wrote. */

/** `undefined` for a text that is not JSON: the error of `JSON.parse` would repeat what was sent. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
