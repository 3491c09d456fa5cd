/**
 * Writes what the service serves: `embed.js`, one minified module, `embed.d.ts`, its types, and `hosted.js`, the script of
 * the page for phones, which imports `embed.js`.
 *
 * All are committed, so that the service needs no bundler, and a test builds them again and compares.
 * `node packages/embed/build.ts` writes them; see docs/decisions.
 */

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Plugin, rolldown } from "rolldown";

const HERE = new URL("./", import.meta.url);
const TSC = new URL("../../node_modules/.bin/tsc", import.meta.url).pathname;

/** Of the modules whose declarations a page sees, in the order in which they are read. */
const PUBLIC = ["types", "options", "messages", "settings-element", "element", "open-widget"];

export type Built = Record<"embed.js" | "embed.d.ts" | "hosted.js", string>;

export async function build(): Promise<Built> {
  const [script, types, hosted] = await Promise.all([
    buildScript("src/index.ts", [
      { name: "style", transform: { filter: { id: /style\.ts$/ }, handler: squeeze } },
    ]),
    buildTypes(),
    buildScript("src/hosted/page.ts", [
      { name: "embed", resolveId: { filter: { id: /\/index\.ts$/ }, handler: toEmbed } },
    ]),
  ]);
  return { "embed.js": script, "embed.d.ts": types, "hosted.js": hosted };
}

async function buildScript(entry: string, plugins: Plugin[]): Promise<string> {
  await using bundle = await rolldown({
    input: new URL(entry, HERE).pathname,
    tsconfig: false,
    plugins,
  });
  const { output } = await bundle.generate({ format: "esm", minify: true, comments: false });
  const [{ code }] = output;
  return code;
}

/** Served beside it. */
function toEmbed() {
  return { id: "./embed.js", external: "relative" } as const;
}

/** The minifier leaves texts as they are. */
function squeeze(code: string): string {
  return code.replace(/`\n[^`]*`/, (style) =>
    style
      .replace(/\s+/g, " ")
      .replace(/ ?([{};:,>]) ?/g, "$1")
      .replaceAll(";}", "}")
      .replaceAll(" !", "!"),
  );
}

async function buildTypes(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "embed-"));
  try {
    const options = `--ignoreConfig --declaration --emitDeclarationOnly --stripInternal --rewriteRelativeImportExtensions
      --strict --exactOptionalPropertyTypes --verbatimModuleSyntax --target es2024 --module nodenext --lib es2024,dom,dom.iterable`;
    await promisify(execFile)(TSC, [
      ...options.split(/\s+/),
      "--types",
      "",
      "--outDir",
      folder,
      new URL("src/index.ts", HERE).pathname,
    ]);
    const parts = await Promise.all(
      PUBLIC.map((name) => readFile(join(folder, `${name}.d.ts`), "utf8")),
    );
    return `${parts.map(withoutImports).join("")}export {};\n`;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** All parts are one file, where each knows the others' names. */
function withoutImports(declarations: string): string {
  return declarations.replace(/^(import|export) (type )?\{[^}]*\}( from "[^"]*")?;\n/gm, "");
}

if (import.meta.main) {
  for (const [name, text] of Object.entries(await build()))
    await writeFile(new URL(name, HERE), text);
}
