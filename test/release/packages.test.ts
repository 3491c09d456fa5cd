/**
 * The packages as somebody installs them: packed, unpacked beside their production dependencies alone, and used.
 */

import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = new URL("../../", import.meta.url).pathname;
const NAMES = ["mx-session-bff", "mx-simulator"] as const;
const EMBED = "mx-session-bff-embed";

let folder: string;
const pathOf = (name: string, file = "") => join(folder, "node_modules", name, file);
const run = (file: string, args: string[], environment = {}) =>
  promisify(execFile)(process.execPath, [file, ...args], { cwd: folder, env: environment });

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "packages-"));
  execFileSync(process.execPath, ["scripts/build.ts"], { cwd: ROOT, stdio: "inherit" });
  const packed: { name: string; filename: string }[] = [...NAMES, EMBED].flatMap((name) => {
    const workspace = name === "mx-session-bff" ? [] : ["--workspace", name];
    const args = ["pack", "--json", "--pack-destination", folder, ...workspace];
    return JSON.parse(execFileSync("npm", args, { cwd: ROOT, encoding: "utf8" }));
  });
  for (const { name, filename } of packed) {
    mkdirSync(pathOf(name), { recursive: true });
    execFileSync("tar", [
      "-xzf",
      join(folder, filename),
      "--strip-components=1",
      "-C",
      pathOf(name),
    ]);
    linkDependencies(JSON.parse(readFileSync(pathOf(name, "package.json"), "utf8")));
  }
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Without the registry: each is linked to where this checkout has it, with what it needs itself. */
function linkDependencies({ dependencies = {} }: { dependencies?: Record<string, string> }): void {
  for (const name of Object.keys(dependencies)) {
    const link = pathOf(name);
    mkdirSync(dirname(link), { recursive: true });
    if (!statSync(link, { throwIfNoEntry: false }))
      symlinkSync(join(ROOT, "node_modules", name), link);
  }
}

describe.each(NAMES)("%s", (name) => {
  it("holds what runs, its licence, and nothing of tests, benches or docs", async () => {
    const files = (await readdir(pathOf(name), { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(pathOf(name).length + 1));
    expect(files).toContain("LICENSE");
    expect(files).toContain("README.md");
    expect(files).toContain(`bin/${name}.cjs`);
    const foreign =
      /^(?!bin\/|dist\/|packages\/embed\/|(package\.json|LICENSE|README\.md|CHANGELOG\.md|openapi\.yaml|\.env\.example)$)/;
    expect(files.filter((file) => foreign.test(file))).toEqual([]);
    expect(files.filter((file) => /\.ts$/.test(file) && !file.endsWith(".d.ts"))).toEqual([]);
  });

  it("brings no Node, and nothing for development", () => {
    const manifest = JSON.parse(readFileSync(pathOf(name, "package.json"), "utf8"));
    expect(manifest.optionalDependencies).toBeUndefined();
    expect(Object.keys(manifest.dependencies).filter((each) => each.startsWith("node"))).toEqual(
      [],
    );
    const ofService = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).dependencies;
    expect(ofService).toMatchObject(manifest.dependencies);
  });

  it("says its version", async () => {
    const { version } = JSON.parse(readFileSync(pathOf(name, "package.json"), "utf8"));
    const { stdout } = await run(pathOf(name, `bin/${name}.cjs`), ["--version"]);
    expect(stdout).toBe(`${version}\n`);
  });

  it("says in one line that a Node is too old", () => {
    const pretend = 'Object.defineProperty(process.versions, "node", { value: "20.20.2" });';
    const code = `${pretend} require(${JSON.stringify(pathOf(name, `bin/${name}.cjs`))});`;
    const old = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "pipe"] });
    return Promise.all([text(old.stderr), text(old.stdout), once(old, "exit")]).then(
      ([stderr, stdout, [status]]) => {
        expect(stderr).toBe(`${name} needs Node 24.12 or newer. This is Node 20.20.2.\n`);
        expect(stdout).toBe("");
        expect(status).toBe(1);
      },
    );
  });
});

it("the embed package is one file, its types and its licence, and needs no other package", async () => {
  const names = ["LICENSE", "README.md", "embed.d.ts", "embed.js", "package.json"];
  expect((await readdir(pathOf(EMBED))).toSorted()).toEqual(names);
  const sizes = names.map((name) => statSync(pathOf(EMBED, name)).size);
  expect(sizes.reduce((sum, size) => sum + size)).toBeLessThanOrEqual(100_000);
  expect(JSON.parse(readFileSync(pathOf(EMBED, "package.json"), "utf8"))).not.toHaveProperty(
    "dependencies",
  );
  const exported = `console.log(Object.keys(await import("${EMBED}")).join())`;
  const args = ["--input-type=module", "-e", exported];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder });
  expect(stdout).toBe("MxWidgetElement,openWidget\n"); // Without a DOM, for pages rendered on a server.
});

it("the service brings Swagger UI as files, with its licence, and not as a package", async () => {
  const { dependencies } = JSON.parse(
    readFileSync(pathOf("mx-session-bff", "package.json"), "utf8"),
  );
  expect(Object.keys(dependencies)).not.toContain("swagger-ui-dist");
  expect(await readdir(pathOf("mx-session-bff", "dist/http/docs-page/swagger-ui"))).toEqual(
    expect.arrayContaining(["LICENSE", "NOTICE", "swagger-ui-bundle.js", "swagger-ui.css"]),
  );
});

it("the service checks a configuration and names its faults", async () => {
  const checked = run(pathOf("mx-session-bff", "bin/mx-session-bff.cjs"), ["--check"]);
  await expect(checked).rejects.toMatchObject({
    code: 2,
    stdout: expect.stringContaining("AUTH_ISSUER"),
  });
});

it("the service opens a session with the simulator, both from their packages", async () => {
  const code = `
    import { spawn } from "node:child_process";
    import { createInterface } from "node:readline";
    import { startIdentityProvider, startSimulator } from "mx-simulator";

    await using mx = await startSimulator({ seed: { users: [{ id: "ada" }] } });
    await using issuer = await startIdentityProvider();
    const bff = spawn(process.execPath, ["node_modules/mx-session-bff/bin/mx-session-bff.cjs"], {
      stdio: ["ignore", "pipe", "inherit"],
      env: {
        HOST: "127.0.0.1", PORT: "0", OPERATIONS_PORT: "0", DRAIN_DELAY: "0s",
        AUTH_ISSUER: issuer.issuer, AUTH_AUDIENCE: "mx-session-bff",
        MX_PLATFORM_BASE_URL: mx.platformUrl,
        MX_PLATFORM_CLIENT_ID: mx.credentials.clientId,
        MX_PLATFORM_API_KEY: mx.credentials.apiKey,
      },
    });
    for await (const line of createInterface(bff.stdout)) {
      const { "event.name": event, port } = JSON.parse(line);
      if (event !== "service.started") continue;
      const answer = await fetch(\`http://127.0.0.1:\${port}/session\`, {
        method: "POST",
        headers: { authorization: \`Bearer \${await issuer.issueToken("ada")}\` },
      });
      const docs = await fetch(\`http://127.0.0.1:\${port}/docs/swagger-ui-bundle.js\`);
      const { widget_url } = await answer.json();
      const widget = await fetch(widget_url.url);
      console.log([answer.status, docs.status, widget.status, mx.state.created.users].join());
      bff.kill("SIGTERM");
    }
  `;
  const args = ["--input-type=module", "-e", code];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder });
  expect(stdout).toBe("200,200,200,1\n");
});

async function text(stream: NodeJS.ReadableStream): Promise<string> {
  let all = "";
  for await (const chunk of stream) all += chunk;
  return all;
}
