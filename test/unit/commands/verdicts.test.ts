import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { VERDICTS } from "../../../src/commands/check/finding.ts";

it("docs/operations.md explains each verdict of --check, and no other", () => {
  const text = readFileSync(new URL("../../../docs/operations.md", import.meta.url), "utf8");
  const [, table = ""] = /\| Verdict \|.*\n\| --- .*\n((?:\|.*\n)+)/.exec(text) ?? [];
  const explained = [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, verdict]) => verdict);
  expect(explained.toSorted()).toEqual(Object.keys(VERDICTS).toSorted());
});
