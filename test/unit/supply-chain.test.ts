/**
 * What is installed: known by hash, from no address of its own, little of it, and without code that runs on the way.
 *
 * Source: OWASP NPM Security cheat sheet; CycloneDX 1.5.
 */

import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { rowsOf } from "../support/exhaustive.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const read = (name: string) => readFileSync(join(ROOT, name), "utf8");

type Locked = Record<string, unknown> & { version: string; integrity?: string };

const manifest = JSON.parse(read("package.json"));
const locked = Object.entries<Locked>(JSON.parse(read("package-lock.json")).packages);
/** What comes from the registry. The rest is this repository: its root, its workspaces, and the links to them. */
const packages = locked.filter(([path, { link }]) => /(^|\/)node_modules\//.test(path) && !link);
const inProduction = packages.filter(
  ([, { dev, optional, devOptional }]) => !dev && !optional && !devOptional,
);

const folder = mkdtempSync(join(tmpdir(), "supply-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("the lock file", () => {
  it("knows every package by its hash, and by no address", () => {
    expect(packages.length).toBeGreaterThan(100);
    for (const [path, locked] of packages) {
      expect(locked.integrity, path).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/);
      expect(locked, path).not.toHaveProperty("resolved");
      expect(locked.version, path).toMatch(/^\d+\.\d+\.\d+[\w.+-]*$/);
    }
    expect(read("package-lock.json")).not.toMatch(
      /"resolved": "(?!packages\/)|"(git\+|git:|github:|file:)/,
    );
  });

  it("links nothing but the packages of this repository", () => {
    const links = locked.filter(([, { link }]) => link);
    for (const [path, { resolved }] of links) expect(resolved, path).toMatch(/^packages\/[\w-]+$/);
  });

  it("has few packages that production needs", () => {
    expect(Object.keys(manifest.dependencies).length).toBeLessThanOrEqual(15);
    expect(inProduction.length).toBeGreaterThan(10);
    expect(inProduction.length).toBeLessThanOrEqual(130);
  });

  it("lets no package run code while it is installed, and nobody gets one that would", () => {
    expect(read(".npmrc")).toMatch(/^ignore-scripts=true$/m);
    const withScripts = packages.filter(([, { hasInstallScript }]) => hasInstallScript);
    // Counts installations of swagger-ui-dist, which the build copies from (scripts/build.ts).
    expect(withScripts.map(([path]) => path)).toEqual(["node_modules/@scarf/scarf"]);
    expect(inProduction.filter(([, { hasInstallScript }]) => hasInstallScript)).toEqual([]);
  });
});

const workspaces = readdirSync(join(ROOT, "packages"))
  .map((name) => `packages/${name}/package.json`)
  .filter((path) => existsSync(join(ROOT, path)));

it.each(["package.json", ...workspaces])(
  "%s names exact versions, of the registry alone",
  (path) => {
    const {
      version: own,
      dependencies,
      devDependencies,
      optionalDependencies,
    } = JSON.parse(read(path));
    const all = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies });
    for (const [name, version] of all) expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
    expect(own).toBe(manifest.version);
  },
);

it("npm run sbom lists what production needs, with its hashes, Node and the system's libraries", () => {
  const path = join(folder, "sbom.json");
  const records = join(folder, "status.d");
  mkdirSync(records);
  writeFileSync(
    join(records, "libc6"),
    "Package: libc6\nArchitecture: amd64\nVersion: 2.36-9+deb12u14\n",
  );
  const args = [join(ROOT, "scripts/sbom.ts"), path, "--debian-packages", records];
  execFileSync(process.execPath, args, { stdio: "pipe" });

  const sbom = JSON.parse(readFileSync(path, "utf8"));
  expect(sbom).toMatchObject({
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    serialNumber: expect.stringMatching(/^urn:uuid:/),
    metadata: {
      component: { type: "application", name: manifest.name, version: manifest.version },
    },
  });
  type Component = { name: string; version: string; purl: string; hashes: { alg: string }[] };
  const all: Component[] = sbom.components;
  const components = all.filter(({ purl }) => purl.startsWith("pkg:npm/"));
  const others = all.filter((component) => !components.includes(component));
  expect(others.map(({ purl }) => purl)).toEqual(
    expect.arrayContaining([
      `pkg:generic/node@${process.versions.node}`,
      `pkg:generic/openssl@${process.versions.openssl}`,
      "pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=amd64",
    ]),
  );
  const listed = components.map(({ name, version }) => `${name}@${version}`).toSorted();
  const copied = packages.filter(([place]) => place === "node_modules/swagger-ui-dist");
  const locked = [...inProduction, ...copied].map(
    ([place, { version }]) => `${place.replace(/^.*node_modules\//, "")}@${version}`,
  );
  expect(listed).toEqual([...new Set(locked)].toSorted());
  for (const { hashes } of components) {
    expect(hashes.map(({ alg }) => alg)).toContain("SHA-512");
  }
});

describe("npm run secrets", () => {
  const scan = (...files: string[]) =>
    spawnSync(
      process.execPath,
      [
        join(ROOT, "node_modules/.bin/secretlint"),
        "--no-glob",
        "--secretlintrc",
        join(ROOT, ".secretlintrc.json"),
        ...files,
      ],
      { encoding: "utf8", cwd: folder },
    );

  /** Put together here, so that this file holds none. */
  const secrets = [
    [
      "a private key",
      `-----BEGIN ${"RSA"} PRIVATE KEY-----\n${"MIIEpAIBAAKCAQEA".repeat(40)}\n-----END RSA ${"PRIVATE"} KEY-----\n`,
    ],
    ["a password in a URL", `REDIS_URL=https://ada:${"k3yK3yk3y"}@redis.example.com\n`],
    ["a token of GitHub", `TOKEN=${"ghp"}_${"wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx"}\n`],
    ["a key of AWS", `AWS_SECRET_ACCESS_KEY=${"kQ9vT2mXw7LrB4nZ"}${"+d8JfH5sPy1GcV6uA3eR0tNq"}\n`],
  ] as const;
  it.each(rowsOf(secrets, 1))("finds %s that is planted", (_what, text) => {
    const path = join(folder, "planted.txt");
    writeFileSync(path, text);

    const { status, stdout } = scan(path);

    expect(stdout).toContain("planted.txt");
    expect(status).toBe(1);
  });

  it("finds none in a harmless file", () => {
    const path = join(folder, "harmless.txt");
    writeFileSync(path, "PORT=3000\n");

    expect(scan(path).status).toBe(0);
  });
});
