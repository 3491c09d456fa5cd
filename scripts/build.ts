/**
 * `npm run build [-- <folder>]`: TypeScript to JavaScript and types, and beside them the files that are served as they are.
 *
 * Builds the service and each package, everywhere into a folder of that name beside src/. Default: dist. What was there
 * before is removed first. Swagger UI comes along as files, with its licence: as a package it would bring another one that
 * reports installations to its makers.
 */

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, readdirSync, rmSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const TSC = join(ROOT, "node_modules/typescript/bin/tsc");

const output = process.argv[2] ?? "dist";
const packages = readdirSync(join(ROOT, "packages")).map((name) => join("packages", name));
for (const folder of [".", ...packages]) {
  const project = join(ROOT, folder, "tsconfig.build.json");
  if (existsSync(project)) build(join(ROOT, folder), project);
}

const SWAGGER_UI = ["swagger-ui.css", "swagger-ui-bundle.js", "LICENSE", "NOTICE", "package.json"];
for (const name of SWAGGER_UI)
  cpSync(
    join(ROOT, "node_modules/swagger-ui-dist", name),
    join(ROOT, output, "http/docs-page/swagger-ui", name),
  );

function build(folder: string, project: string): void {
  const outDir = join(folder, output);
  rmSync(outDir, { recursive: true, force: true });
  execFileSync(process.execPath, [TSC, "--project", project, "--outDir", outDir], {
    stdio: "inherit",
  });
  cpSync(join(folder, "src"), outDir, {
    recursive: true,
    filter: (source) => extname(source) !== ".ts",
  });
}
