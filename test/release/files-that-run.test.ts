/** How much code a reader meets on the way of one request: a bound, so that it does not grow unnoticed. */

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const PROGRAM = fileURLToPath(new URL("../support/files-that-run.ts", import.meta.url));

it.each([
  ["platform", 40],
  ["both", 43],
])("a known user's session runs few files (%s: at most %i)", async (apis, most) => {
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, apis]);
  const files: string[] = JSON.parse(stdout);
  expect(files).toContain("session/user-id.ts");
  expect(files.length, files.join("\n")).toBeLessThanOrEqual(most);
});
