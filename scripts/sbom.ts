/**
 * `npm run sbom [-- <path>]`: what the service is made of in production, as CycloneDX. Default: sbom.cdx.json.
 *
 * `npm sbom --omit dev` leaves out packages that development needs too, so it is given a copy of package.json and of the
 * lock file that knows production alone.
 */

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

type Locked = { dev?: boolean; optional?: boolean; devOptional?: boolean; link?: boolean };
type Manifest = { devDependencies?: object; optionalDependencies?: object; workspaces?: string[] };
type Lock = { packages: Record<string, Locked & Manifest> };

const ROOT = new URL("../", import.meta.url);
const temporary = mkdtempSync(join(tmpdir(), "sbom-"));
const folder = join(temporary, "mx-session-bff"); // npm names the application after it.
mkdirSync(folder);
try {
  const write = (name: string, content: object) =>
    writeFileSync(join(folder, name), JSON.stringify(content));
  write("package.json", withoutExtras(read<Manifest>("package.json")));
  const lock = read<Lock>("package-lock.json");
  write("package-lock.json", { ...lock, packages: inProduction(lock) });
  const sbom = execFileSync(
    "npm",
    ["sbom", "--package-lock-only", "--sbom-format", "cyclonedx", "--sbom-type", "application"],
    { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] },
  );
  writeFileSync(resolve(process.argv[2] ?? "sbom.cdx.json"), sbom);
} finally {
  rmSync(temporary, { recursive: true });
}

function read<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(name, ROOT), "utf8"));
}

function withoutExtras<T extends Manifest>(manifest: T): T {
  return { ...manifest, devDependencies: {}, optionalDependencies: {}, workspaces: [] };
}

function inProduction({ packages }: Lock): Lock["packages"] {
  const kept = Object.entries(packages)
    .filter(([path, { link }]) => !link && !path.startsWith("packages/")) // The workspaces are no part of the service.
    .filter(([, { dev, optional, devOptional }]) => !dev && !optional && !devOptional)
    .map(([path, entry]) => [path, path === "" ? withoutExtras(entry) : entry]);
  return Object.fromEntries(kept);
}
