/** What docs/identity-providers.md says, for the tests of it. */

import { readFileSync } from "node:fs";
import type { Environment } from "../../src/config/variables.ts";

const PAGE = readFileSync(new URL("../../docs/identity-providers.md", import.meta.url), "utf8");

/** By provider, as an operator would copy them. What stands in `<…>` is the operator's to fill in. */
export function readSettings(): ReadonlyMap<string, Environment> {
  const sections = PAGE.matchAll(/^## (.+)\n\n```properties\n([\s\S]+?)```/gm);
  return new Map(
    Array.from(sections, ([, name = "", block = ""]) => {
      const pairs = block
        .trim()
        .split("\n")
        .map((line) => line.split(/=(.*)/s).slice(0, 2));
      return [name, Object.fromEntries(pairs)];
    }),
  );
}

/** The rows of the page's table: provider, and the names of its variables. */
export function readTable(): ReadonlyMap<string, string[]> {
  const rows = PAGE.matchAll(/^\| \[(.+?)\]\(#.+?\) \| .+? \| (.+?) \|/gm);
  return new Map(
    Array.from(rows, ([, name = "", names = ""]) => [name, names.match(/[A-Z][A-Z_]+/g) ?? []]),
  );
}
