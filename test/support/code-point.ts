import fc from "fast-check";

const SURROGATES = 0x800;

/** Any character of Unicode, as a unit of `fc.string`: fast-check's own, "binary", builds a table of a million in each process. */
export const codePoint = fc
  .integer({ min: 0, max: 0x10ffff - SURROGATES })
  .map((code) => String.fromCodePoint(code < 0xd800 ? code : code + SURROGATES), toCode);

/** For the dangerous words that fast-check mixes in. */
function toCode(text: unknown): number {
  const [character, ...others] = typeof text === "string" ? text : "";
  const code = character?.codePointAt(0);
  if (code === undefined || others.length > 0) throw new Error("not one character");
  return code < 0xd800 ? code : code - SURROGATES;
}
