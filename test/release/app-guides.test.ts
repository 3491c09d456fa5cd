/// <reference types="emscripten" />

/**
 * The code of the guides for apps. Kotlin is compiled, against stubs of Android's SDK (test/support/android-stubs), and so is
 * Swift (test/support/ios-stubs) where there is a compiler: Debian has one from version 13 on. Elsewhere Swift is only parsed.
 */

import { execFile, spawnSync } from "node:child_process";
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

const IOS_STUBS = fileURLToPath(new URL("../support/ios-stubs", import.meta.url));
const hasSwift = process.platform === "linux" && spawnSync("swiftc", ["--version"]).status === 0;

/** What the compiler objects to, in a line each. Each block is a file of its own, as in an app. */
async function findSwiftErrors(blocks: readonly string[]): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "swift-"));
  const swiftc = (...args: string[]) =>
    promisify(execFile)("swiftc", [
      "-swift-version",
      "5",
      "-parse-as-library",
      "-I",
      folder,
      ...args,
    ]);
  try {
    for (const name of ["UIKit", "WebKit", "AuthenticationServices"]) {
      const module = [
        "-emit-module",
        "-module-name",
        name,
        "-o",
        join(folder, `${name}.swiftmodule`),
      ];
      await swiftc(...module, join(IOS_STUBS, `${name}.swift`));
    }
    const files = blocks.map((code, index) => {
      const file = join(folder, `Guide${index + 1}.swift`);
      writeFileSync(file, toSwiftFile(code));
      return file;
    });
    return await swiftc("-typecheck", ...files).then(
      () => [],
      ({ stderr }: { stderr: string }) =>
        stderr.split("\n").filter((line) => /^\/.*error:/.test(line)),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Linux has a part of Foundation apart, and statements need a function around them. */
function toSwiftFile(code: string): string {
  if (!/^(flow|let url) = /m.test(code))
    return code.replace("import Foundation\n", "import Foundation\nimport FoundationNetworking\n");
  return `import AuthenticationServices
@MainActor func call(token: String, window: UIWindow) async throws {
var flow: LinkFlow
${code}}
`;
}

describe.skipIf(!hasSwift)("docs/guides/ios.md (skipped without swiftc)", () => {
  it("has code for both ways, which compiles; a fault beside it is found", async () => {
    const blocks = readBlocks("ios.md", "swift");
    const planted = "let wrong: Int = LinkFlow.nothing\n";
    expect(await findSwiftErrors([...blocks, planted])).toEqual([
      expect.stringMatching(`Guide${blocks.length + 1}.swift:1:.*error: .*'nothing'`),
    ]);
  }, 600_000);
});
