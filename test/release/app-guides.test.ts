/// <reference types="emscripten" />

/**
 * The code of the guides for apps. Kotlin is compiled, against stubs of Android's SDK (test/support/android-stubs). There is
 * no Swift compiler among Debian 12's packages, so Swift is only parsed.
 */

import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { Language, Parser } from "web-tree-sitter";
import { isInstalled } from "../support/installed.ts";

const STUBS = fileURLToPath(new URL("../support/android-stubs", import.meta.url));

/** The blocks of a guide in this language, in order. */
function readBlocks(guide: string, language: string): string[] {
  const text = readFileSync(new URL(`../../docs/guides/${guide}`, import.meta.url), "utf8");
  return [...text.matchAll(/```(\w+)\n(.*?)```/gs)].flatMap(([, name, code = ""]) =>
    name === language ? [code] : [],
  );
}

/** What the compiler objects to, in a line each. Each block is a file of its own, as in an app. */
async function findKotlinErrors(blocks: readonly string[]): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "kotlin-"));
  try {
    for (const [index, code] of blocks.entries())
      writeFileSync(join(folder, `Guide${index + 1}.kt`), code);
    const compile = promisify(execFile)("kotlinc", [
      "-nowarn",
      "-d",
      join(folder, "out"),
      STUBS,
      folder,
    ]);
    const stderr = await compile.then(
      () => "",
      (failed: { stderr: string }) => failed.stderr || "the compiler has failed",
    );
    const errors = stderr.split("\n").filter((line) => line.includes("error:"));
    return errors.length > 0 ? errors : stderr.split("\n").filter(Boolean);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe.skipIf(!isInstalled("kotlinc"))("docs/guides/android.md (skipped without kotlinc)", () => {
  const blocks = readBlocks("android.md", "kotlin");

  it("has code for both ways, which compiles; a fault beside it is found", async () => {
    const planted = 'val wrong: Int = openSession(okhttp3.OkHttpClient(), "token")';
    expect(blocks.length).toBeGreaterThanOrEqual(5);
    expect(await findKotlinErrors([...blocks, planted])).toEqual([
      expect.stringMatching(`Guide${blocks.length + 1}.kt:1:.*error: .*mismatch`),
    ]);
  }, 1_200_000); // The compiler alone takes two minutes of a busy machine.
});

describe("docs/guides/ios.md", () => {
  const SWIFT = createRequire(import.meta.url).resolve(
    "tree-sitter-wasms/out/tree-sitter-swift.wasm",
  );

  /** The blocks, by number, in which the parser finds an error. */
  async function findFaultyBlocks(blocks: readonly string[]): Promise<number[]> {
    await Parser.init();
    const parser = new Parser().setLanguage(await Language.load(SWIFT));
    return blocks.flatMap((code, index) =>
      parser.parse(code)?.rootNode.hasError === false ? [] : [index],
    );
  }

  it("has Swift for both ways, without a syntax error", async () => {
    const blocks = readBlocks("ios.md", "swift");
    expect(blocks.length).toBeGreaterThanOrEqual(5);
    expect(await findFaultyBlocks(blocks)).toEqual([]);
  });

  it("has Swift of which the parser would notice a missing bracket", async () => {
    const [first = "", ...others] = readBlocks("ios.md", "swift");
    expect(await findFaultyBlocks([first.replace(")!", "!"), ...others])).toEqual([0]);
  });
});
