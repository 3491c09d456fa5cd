/**
 * `npm run bench:start [-- --against <revision>] [--image]`: what a start costs, next to another revision, in alternation.
 *
 * Both run as in the image: built where there is a build, with a compile cache where there is one, and with the image's flags.
 * Rows: time from the start to /readyz, resident memory at rest, and the time of the first and the hundredth session.
 * Ratios of one run count; absolute times are those of one machine. With --image, Docker builds both images, and their
 * size is a further row. DOCKER=podman takes another program.
 */

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  type IdentityProvider,
  startIdentityProvider,
} from "../packages/simulator/src/identity-provider.ts";
import { startSimulator } from "../packages/simulator/src/simulator.ts";
import { startScript } from "../test/support/child.ts";
import { type Spread, toRatios, toSpread } from "./statistics.ts";

type Candidate = { name: string; folder: string; entry: string; cache: string | undefined };
type Sample = Record<Row, number>;
type Row = (typeof ROWS)[number];

const ROWS = ["ready ms", "rest MB", "first session ms", "hundredth session ms"] as const;
const FLAGS = [
  "--disable-proto=delete",
  "--disable-sigusr1",
  "--report-exclude-env",
  "--max-semi-space-size=16",
];
const ROOT = fileURLToPath(new URL("../", import.meta.url));
const REST_MS = 2000;

const { values } = parseArgs({
  options: {
    against: { type: "string", default: "HEAD~1" },
    rounds: { type: "string", default: "7" },
    image: { type: "boolean", default: false },
  },
});
const temporary = mkdtempSync(join(tmpdir(), "bench-start-"));
const other = join(temporary, "other");
git("worktree", "add", "--quiet", "--detach", other, values.against);
try {
  symlinkSync(join(ROOT, "node_modules"), join(other, "node_modules"));
  process.stdout.write(toTable(await measure([prepare("this", ROOT), prepare("other", other)])));
  if (values.image) process.stdout.write(toImageRow(imageMb(ROOT), imageMb(other)));
} finally {
  git("worktree", "remove", "--force", other);
  rmSync(temporary, { recursive: true, force: true });
}

function git(...args: string[]): void {
  execFileSync("git", args, { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] });
}

/** Builds it as its Dockerfile does. */
function prepare(name: string, folder: string): Candidate {
  const run = (args: string[], env = {}) =>
    execFileSync(process.execPath, args, {
      cwd: folder,
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...process.env, ...env },
    });
  if (!existsSync(join(folder, "scripts/build.ts"))) {
    return { name, folder, entry: "src/main.ts", cache: undefined };
  }
  run(["scripts/build.ts"]);
  const entry = "dist/main.js";
  if (!existsSync(join(folder, "scripts/fill-compile-cache.mjs"))) {
    return { name, folder, entry, cache: undefined };
  }
  const cache = join(temporary, `cache-${name}`);
  const command = [process.execPath, ...FLAGS, entry];
  run(["scripts/fill-compile-cache.mjs", ...command], { NODE_COMPILE_CACHE: cache });
  return { name, folder, entry, cache };
}

function imageMb(folder: string): number {
  const docker = process.env.DOCKER ?? "docker";
  const tag = "mx-session-bff:bench";
  const run = (...args: string[]) =>
    execFileSync(docker, args, { stdio: ["ignore", "pipe", "inherit"], encoding: "utf8" });
  run("build", "--quiet", "--tag", tag, folder);
  return Number(run("image", "inspect", "--format", "{{.Size}}", tag)) / 1e6;
}

async function measure(candidates: readonly [Candidate, Candidate]): Promise<Sample[][]> {
  await using mx = await startSimulator();
  await using issuer = await startIdentityProvider();
  const environment = {
    HOST: "127.0.0.1",
    PORT: "0",
    OPERATIONS_PORT: "0",
    DRAIN_DELAY: "0s",
    RATE_LIMIT_USER: "off",
    AUTH_ISSUER: issuer.issuer,
    AUTH_AUDIENCE: "mx-session-bff",
    MX_PLATFORM_BASE_URL: mx.platformUrl,
    MX_PLATFORM_CLIENT_ID: mx.credentials.clientId,
    MX_PLATFORM_API_KEY: mx.credentials.apiKey,
  };
  const samples: Sample[][] = candidates.map(() => []);
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const [at, candidate] of candidates.entries()) {
      samples[at]?.push(await sample(candidate, environment, issuer));
    }
  }
  return samples;
}

async function sample(
  { folder, entry, cache }: Candidate,
  environment: Record<string, string>,
  issuer: IdentityProvider,
): Promise<Sample> {
  const startedAt = performance.now();
  await using service = await startScript([...FLAGS, entry], /^(\{.*"service\.started".*\})$/, {
    cwd: folder,
    env: {
      NODE_ENV: "production",
      ...environment,
      ...(cache !== undefined && { NODE_COMPILE_CACHE: cache }),
    },
  });
  const { port, operationsPort } = JSON.parse(service.found);
  while ((await fetch(`http://127.0.0.1:${operationsPort}/readyz`)).status !== 200) await sleep(1);
  const readyMs = performance.now() - startedAt;
  await sleep(REST_MS);
  const restMb = residentKb(service.pid) / 1024;
  const sessions: number[] = [];
  for (let count = 0; count < 100; count += 1) {
    sessions.push(await openSession(port, await issuer.issueToken("ada")));
  }
  return {
    "ready ms": readyMs,
    "rest MB": restMb,
    "first session ms": sessions[0] ?? Number.NaN,
    "hundredth session ms": sessions.at(-1) ?? Number.NaN,
  };
}

async function openSession(port: number, token: string): Promise<number> {
  const startedAt = performance.now();
  const response = await fetch(`http://127.0.0.1:${port}/session`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
  });
  await response.text();
  if (response.status !== 200) throw new Error(`a session was answered with ${response.status}`);
  return performance.now() - startedAt;
}

/** Source: proc(5), `/proc/pid/status`. */
function residentKb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
}

function toTable([own = [], others = []]: Sample[][]): string {
  const rows = ROWS.map((row) => {
    const of = (samples: Sample[]) => samples.map((each) => each[row]);
    const cells = [toSpread(of(own)), toSpread(of(others)), toRatios(of(own), of(others))];
    return `| ${row} | ${cells.map(show).join(" | ")} |`;
  });
  const head = `| median (least to most) | this | ${values.against} | ratio |\n| --- | --- | --- | --- |`;
  return `${head}\n${rows.join("\n")}\n`;
}

function toImageRow(own: number, others: number): string {
  return `| image MB | ${own.toFixed(0)} | ${others.toFixed(0)} | ${(own / others).toFixed(2)} |\n`;
}

function show({ median, min, max }: Spread): string {
  const digits = max < 10 ? 2 : 0;
  return `${median.toFixed(digits)} (${min.toFixed(digits)} to ${max.toFixed(digits)})`;
}
