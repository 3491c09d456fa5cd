/**
 * axe-core on a page or in one of its frames: what it objects to, in a line each.
 *
 * Frames are checked one by one, as the widget's has another origin.
 */

import { readFile } from "node:fs/promises";
import type { Frame, Page } from "playwright-core";

const SOURCE = new URL("../../node_modules/axe-core/axe.min.js", import.meta.url);

export async function findAxeViolations(place: Page | Frame): Promise<string[]> {
  const isThere = await place.evaluate('typeof axe === "object"');
  if (!isThere) await place.evaluate(await readFile(SOURCE, "utf8"));
  const results = await place.evaluate(RUN);
  return results as string[];
}

/** In the page: `axe` is not known here. */
const RUN = `axe.run(document, { iframes: false, resultTypes: ["violations"] }).then(({ violations }) =>
  violations.flatMap(({ id, nodes }) => nodes.map(({ target, any }) =>
    id + " at " + target.join(" ") + ": " + (any[0]?.message ?? ""))))`;
