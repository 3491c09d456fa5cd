/**
 * What the service serves of packages/embed is built from its sources, and is what its package holds.
 */

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { build } from "../../packages/embed/build.ts";

const EMBED = new URL("../../packages/embed/", import.meta.url);

const NODE = new URL("../../node_modules/.bin/node", import.meta.url).pathname;

it("embed.js and embed.d.ts are those of the sources (else: node packages/embed/build.ts)", async () => {
  for (const [name, text] of Object.entries(await build()))
    expect({ name, isCurrent: (await readFile(new URL(name, EMBED), "utf8")) === text }).toEqual({
      name,
      isCurrent: true,
    });
});

it("embed.js has at most 8 kB when it is compressed", async () => {
  const script = await readFile(new URL("embed.js", EMBED));
  expect(gzipSync(script).length).toBeLessThanOrEqual(8192);
});

it("embed.js loads on a server, where there is no DOM", async () => {
  const { stdout } = await promisify(execFile)(NODE, [
    "--input-type=module",
    "-e",
    `const { openWidget } = await import(${JSON.stringify(new URL("embed.js", EMBED).href)}); console.log(typeof openWidget);`,
  ]);
  expect(stdout).toBe("function\n");
});

it("its package holds them, a licence and nothing else, in less than 100 kB", async () => {
  const { stdout } = await promisify(execFile)("npm", ["pack", "--dry-run", "--json"], {
    cwd: EMBED,
  });
  const packed = Object.values(JSON.parse(stdout) as Record<string, Packed>)[0];

  expect(packed?.files.map(({ path }) => path).sort()).toEqual([
    "LICENSE",
    "README.md",
    "embed.d.ts",
    "embed.js",
    "package.json",
  ]);
  expect(packed?.unpackedSize).toBeLessThan(100_000);
});

type Packed = { unpackedSize: number; files: { path: string }[] };

it("depends on no package", async () => {
  const description = JSON.parse(await readFile(new URL("package.json", EMBED), "utf8"));
  expect(Object.keys(description)).not.toContain("dependencies");
});
