/**
 * `npm run sbom [-- <path>]`: what the service is made of in production, as CycloneDX. Default: sbom.cdx.json.
 *
 * It lists the production packages, Swagger UI, which the build copies, the Node that runs this script with the libraries inside it (OpenSSL, V8 …), and with
 * `--debian-packages <folder>` the Debian packages whose records are in that folder, one file each (glibc …).

 * `npm sbom --omit dev` leaves out packages that development needs too, so it is given a copy of package.json and of the
 * lock file that knows production alone.
 */

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

type Locked = {
  dev?: boolean;
  optional?: boolean;
  devOptional?: boolean;
  link?: boolean;
  version?: string;
  integrity?: string;
};
type Manifest = { devDependencies?: object; optionalDependencies?: object; workspaces?: string[] };
type Lock = { packages: Record<string, Locked & Manifest> };
type Component = {
  "bom-ref": string;
  type: "library" | "platform";
  name: string;
  version: string;
  purl: string;
  hashes?: { alg: string; content: string }[];
  licenses?: { license: { id: string } }[];
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { "debian-packages": { type: "string" } },
});

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
  const sbom = JSON.parse(
    execFileSync(
      "npm",
      ["sbom", "--package-lock-only", "--sbom-format", "cyclonedx", "--sbom-type", "application"],
      { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] },
    ),
  );
  sbom.components.push(ofSwaggerUi(lock), ...ofNode(), ...ofDebian(values["debian-packages"]));
  writeFileSync(resolve(positionals[0] ?? "sbom.cdx.json"), JSON.stringify(sbom, null, 2));
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

/** A package of development, of which the build copies two files (scripts/build.ts). */
function ofSwaggerUi({ packages }: Lock): Component {
  const name = "swagger-ui-dist";
  const { version = "", integrity = "" } = packages[`node_modules/${name}`] ?? {};
  const hash = Buffer.from(integrity.replace("sha512-", ""), "base64").toString("hex");
  return {
    ...toComponent("library", name, version, `pkg:npm/${name}@${version}`),
    hashes: [{ alg: "SHA-512", content: hash }],
    licenses: [{ license: { id: "Apache-2.0" } }],
  };
}

/** Node and what is compiled into it. Source: Node.js, `process.versions`. */
function ofNode(): Component[] {
  const { node, modules: _abi, napi: _napi, ...inside } = process.versions;
  const bundled = Object.entries(inside).flatMap(([name, version]) =>
    version === undefined
      ? []
      : toComponent("library", name, version, `pkg:generic/${name}@${version}`),
  );
  return [toComponent("platform", "node", node, `pkg:generic/node@${node}`), ...bundled];
}

/** Source: Debian Policy Manual, section 5.3 (control files); Package URL, type `deb`. */
function ofDebian(records: string | undefined): Component[] {
  if (records === undefined) return [];
  return readdirSync(records).map((file) => {
    const text = readFileSync(join(records, file), "utf8");
    const field = (name: string) => new RegExp(`^${name}: (.+)$`, "m").exec(text)?.[1] ?? "";
    const [name, version] = [field("Package"), field("Version")];
    const purl = `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${field("Architecture")}`;
    return toComponent("library", name, version, purl);
  });
}

function toComponent(
  type: Component["type"],
  name: string,
  version: string,
  purl: string,
): Component {
  return { "bom-ref": purl, type, name, version, purl };
}
