/** The commands that the documentation names, as an operator types them: which `.env` they read, and what an old Node is told. */

import { execFile } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeCertificates } from "../support/certificates.ts";
import { startFaultServer } from "../support/fault-server.ts";
import { COMPILE_CACHE } from "../support/program.ts";
import { startUpstreams } from "../support/start.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const BIN = join(ROOT, "node_modules/.bin");

/** A checkout of its own, with a `.env` that is nobody else's. */
const folder = mkdtempSync(join(tmpdir(), "checkout-"));
const upstreams = await startUpstreams();

beforeAll(() => {
  for (const name of ["bin", "src", "demo", "packages", "node_modules", "package.json", ".npmrc"])
    symlinkSync(join(ROOT, name), join(folder, name));
});
afterAll(async () => {
  await upstreams[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

type Environment = Readonly<Record<string, string | undefined>>;

function writeEnvFile(environment: Environment, where = folder): void {
  const lines = Object.entries(environment).map(([name, value]) => `${name}="${value}"`);
  writeFileSync(join(where, ".env"), lines.join("\n"));
}

function run(command: string, environment: Environment = {}, cwd = folder) {
  const path = [BIN, process.env.PATH].join(delimiter);
  const env = { HOME: process.env.HOME, PATH: path, ...COMPILE_CACHE, ...environment };
  return new Promise<{ code: number; out: string; errors: string }>((resolve) => {
    execFile("sh", ["-c", command], { cwd, env }, (error, out, errors) =>
      resolve({ code: error ? Number(error.code) : 0, out, errors }),
    );
  });
}

const CHECKS = [
  "npm run --silent check-config",
  "npm run check-config",
  "node bin/mx-session-bff.cjs --check",
  "node src/main.ts --check",
];

describe("the check", () => {
  it.each(CHECKS)("reads .env: %s", async (command) => {
    writeEnvFile(upstreams.environment("both"));

    const { code, out } = await run(command);

    expect([code, out]).toEqual([0, expect.stringMatching(/All is well\.\n$/)]);
  });

  it.each(CHECKS)("lets the environment win over it: %s", async (command) => {
    writeEnvFile(upstreams.environment("both"));

    const { code, out } = await run(command, { AUTH_AUDIENCE: "", PORT: "no-port" });

    expect(code).toBe(2);
    expect(out).toMatch(/The configuration has 2 errors:\n {2}PORT .*\n {2}AUTH_AUDIENCE /);
  });

  it("counts in words that fit: one fault", async () => {
    writeEnvFile({ ...upstreams.environment("both"), PORT: "no-port" });

    const { out } = await run("node bin/mx-session-bff.cjs --check");

    expect(out).toMatch(/^The configuration has 1 error:\n {2}PORT /);
  });

  it("trusts the authority that .env names", async () => {
    using certificates = makeCertificates();
    await using wire = await startFaultServer({
      upstream: upstreams.mx.platformUrl,
      certificate: certificates.good,
    });
    const environment = {
      ...upstreams.environment(),
      MX_PLATFORM_BASE_URL: wire.url,
    };
    writeEnvFile({ ...environment, NODE_EXTRA_CA_CERTS: certificates.authorityFile });
    const [npm, bin] = await Promise.all([
      run("npm run --silent check-config"),
      run("node bin/mx-session-bff.cjs --check"),
    ]);
    writeEnvFile(environment);
    const without = await run("node bin/mx-session-bff.cjs --check");

    expect([npm.code, bin.code, without.code]).toEqual([0, 0, 1]);
    expect(without.out).toContain("certificate_refused");
  });
});

describe("the other commands", () => {
  it.each(["--user u-1 --live", "--verify"])(
    "read .env and trust its authority: %s",
    async (args) => {
      using certificates = makeCertificates();
      await using wire = await startFaultServer({
        upstream: upstreams.mx.platformUrl,
        certificate: certificates.good,
      });
      writeEnvFile({
        ...upstreams.environment(),
        MX_PLATFORM_BASE_URL: wire.url,
        NODE_EXTRA_CA_CERTS: certificates.authorityFile,
      });

      const { code, errors } = await run(`node src/main.ts ${args}`);

      expect([code, errors]).toEqual([0, ""]);
    },
  );
});

describe("the command mx-session-bff", () => {
  it("serves with .env of the folder that it is called in", async () => {
    const elsewhere = join(folder, "elsewhere");
    mkdirSync(elsewhere);
    writeEnvFile({ ...upstreams.environment(), PORT: "no-port" }, elsewhere);

    const { code, errors } = await run(`node ${folder}/bin/mx-session-bff.cjs`, {}, elsewhere);

    expect([code, errors]).toEqual([1, expect.stringMatching(/has 1 error:\n {2}PORT /)]);
  });
});

describe("in a checkout without packages", () => {
  it.each(["start", "check-config", "demo"])("npm run %s names what to run", async (name) => {
    const bare = mkdtempSync(join(tmpdir(), "bare-"));
    cpSync(join(ROOT, "bin"), join(bare, "bin"), { recursive: true });
    cpSync(join(ROOT, "package.json"), join(bare, "package.json"));
    mkdirSync(join(bare, "src"));
    const result = await run(`npm run --silent ${name}`, {}, bare);
    rmSync(bare, { recursive: true });

    const errors = "The packages are not installed. Run npm ci first.\n";
    expect(result).toEqual({ code: 1, out: "", errors });
  });
});

describe("on a Node that is too old", () => {
  /** Before anything else runs, as the real one would say of itself. */
  const pretend = join(folder, "old-node.cjs");
  writeFileSync(pretend, 'Object.defineProperty(process.versions, "node", { value: "20.20.2" });');
  /** Without npm in between, which has demands of its own. */
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));

  it.each([
    ["npm start", scripts.start],
    ["npm run check-config", scripts["check-config"]],
    ["npm run demo", scripts.demo],
    ["mx-session-bff --check", "node bin/mx-session-bff.cjs --check"],
  ])("%s says so in one line", async (_name, command = "") => {
    const result = await run(command, { NODE_OPTIONS: `--require ${pretend}` });

    expect(result).toEqual({
      code: 1,
      out: "",
      errors: "mx-session-bff needs Node 24.12 or newer. This is Node 20.20.2.\n",
    });
  });
});
