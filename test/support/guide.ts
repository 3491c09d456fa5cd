/**
 * The files that a guide shows, in a project that has them: each stands below a line with its name alone.
 */

import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const ROOT = new URL("../../", import.meta.url).pathname;
const MODULES = join(ROOT, "node_modules");
const TEMPLATE = join(MODULES, "create-vite/template-react-ts");

export type Project = AsyncDisposable & { folder: string };

/** Name and content of each file in `docs/guides/<guide>`. */
export async function readGuideFiles(guide: string): Promise<[name: string, content: string][]> {
  const text = await readFile(join(ROOT, "docs/guides", guide), "utf8");
  const shown = text.matchAll(/^`([^`\n]+)`\n\n```(?:tsx|ts|json)\n(.*?)^```$/gms);
  return [...shown].map(({ 1: name = "", 2: content = "" }) => [name, content]);
}

/** What `npm create vite@latest -- --template react-ts` and `npm install` make, with the helper and the given files. */
export async function makeViteProject(
  files: readonly (readonly [name: string, content: string])[],
): Promise<Project> {
  const project = await makeProject();
  const { folder } = project;
  await cp(TEMPLATE, folder, { recursive: true });
  for (const name of ["gitignore", "oxlintrc.json"])
    await rename(join(folder, `_${name}`), join(folder, `.${name}`));
  const { dependencies, devDependencies } = await readJson(join(folder, "package.json"));
  const packages = Object.keys({ ...dependencies, ...devDependencies });
  await linkPackages(folder, MODULES, [...packages, "@mxenabled/web-widget-sdk"]);
  for (const name of ["embed.js", "embed.d.ts"])
    await cp(join(ROOT, "packages/embed", name), join(folder, "mx", name));
  await writeFiles(folder, files);
  return project;
}

export async function makeProject(): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), "guide-"));
  return {
    folder,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true, maxRetries: 3 }),
  };
}

export async function writeFiles(
  folder: string,
  files: readonly (readonly [name: string, content: string])[],
): Promise<void> {
  for (const [name, content] of files) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
}

export async function linkPackages(
  folder: string,
  modules: string,
  names: readonly string[],
): Promise<void> {
  for (const name of names) {
    const link = join(folder, "node_modules", name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(modules, name), link);
  }
}

/** A program of this repository's packages, in the project. */
export function runIn(
  folder: string,
  program: string,
  args: readonly string[],
): Promise<{ code: number; output: string }> {
  const env = { ...process.env, NO_COLOR: "1", PATH: `${MODULES}/.bin:${process.env.PATH}` };
  return new Promise((resolve) => {
    execFile(join(MODULES, ".bin", program), args, { cwd: folder, env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
    );
  });
}

async function readJson(path: string): Promise<Record<string, object | undefined>> {
  return JSON.parse(await readFile(path, "utf8"));
}
