/** docs/assumptions.md, the code that relies on each, `--verify` and the simulator speak of the same assumptions. */

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { DEVIATIONS } from "../../../packages/simulator/src/deviations.ts";
import { STEPS } from "../../../src/commands/verify/verify.ts";

const ROOT = new URL("../../../", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, ROOT), "utf8");

type Row = { id: string; assumption: string; files: string[]; deviation: string };

const ROWS: Row[] = read("docs/assumptions.md")
  .split("\n")
  .filter((line) => /^\| A\d+ \|/.test(line))
  .map((line) => {
    const cells = line.replace(/^\| | \|$/g, "").split(" | ");
    const [id = "", assumption = "", files = "", deviation = ""] = cells;
    return {
      id,
      assumption,
      files: [...files.matchAll(/`([^`]+)`/g)].map(([, path = ""]) => path),
      deviation: deviation.replaceAll("`", ""),
    };
  });

/** Where the sources name an assumption, apart from the steps that try it. */
function findMentions(): Map<string, string[]> {
  const mentions = new Map<string, string[]>();
  for (const entry of readdirSync(new URL("src/", ROOT), { recursive: true, encoding: "utf8" })) {
    const path = `src/${entry}`;
    if (!path.endsWith(".ts") || path.endsWith("-steps.ts")) continue;
    for (const [, id = ""] of read(path).matchAll(/\bassumption (A\d+)\b/gi))
      mentions.set(id, [...new Set([...(mentions.get(id) ?? []), path])]);
  }
  return mentions;
}

const byNumber = (ids: Iterable<string>) =>
  [...ids].toSorted((one, other) => Number(one.slice(1)) - Number(other.slice(1)));

describe("the assumptions about MX", () => {
  const ids = ROWS.map(({ id }) => id);

  it("are numbered without gaps", () => {
    expect(ids).toEqual(ids.map((_id, index) => `A${index + 1}`));
    expect(ids.length).toBeGreaterThan(0);
  });

  it("are each tried by --verify, in the words of the page", () => {
    const tried = Object.fromEntries(STEPS.map(({ id, assumption }) => [id, assumption]));
    expect(byNumber(Object.keys(tried))).toEqual(ids);
    expect(STEPS).toHaveLength(ids.length);
    for (const { id, assumption } of ROWS) expect(tried[id]).toBe(assumption);
  });

  it("are named in the files that rely on them, and nowhere else", () => {
    const mentions = findMentions();
    expect(byNumber(mentions.keys())).toEqual(ids);
    for (const { id, files } of ROWS)
      expect([id, mentions.get(id)?.toSorted()]).toEqual([id, files.toSorted()]);
  });

  it("have an opposite in the simulator, each another one", () => {
    expect(ROWS.map(({ deviation }) => deviation).toSorted()).toEqual(
      Object.keys(DEVIATIONS).toSorted(),
    );
  });

  it("build only on what is tried before", () => {
    const order = STEPS.map(({ id }) => id);
    for (const { id, after = [] } of STEPS)
      for (const base of after) expect(order.indexOf(base)).toBeLessThan(order.indexOf(id));
  });
});
