import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { LOGIN_REFUSALS } from "../../src/errors.ts";

it("each reason why a login is not accepted is explained to operators, and no other", () => {
  const page = readFileSync(new URL("../../docs/observability.md", import.meta.url), "utf8");
  const [, section = ""] = /### Why a login was not accepted\n(.+?)\n### /s.exec(page) ?? [];
  const rows = section.split("\n").filter((line) => line.startsWith("| `"));
  const explained = rows.flatMap((row) => row.split("|")[1]?.match(/[a-z_]+/g) ?? []);
  expect(explained.toSorted()).toEqual([...LOGIN_REFUSALS].toSorted());
});
