/**
 * `npm run bench`: what a session costs, beside the least that it can cost in Node and beside what people use today.
 *
 * Figures hold for one machine and one moment; ratios of one run are what counts, and the only thing that can fail it.
 *
 *     --quick                  sessions alone, in short rounds: at most 90 s, without the network
 *     --only <part>[,<part>]   connect, sso, both, first (sessions)
 *     --profile <folder>       afterwards a table and a flame graph of where the time goes
 */

import { spawnSync } from "node:child_process";
import { availableParallelism, cpus, release } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Figure, judge, toTable } from "../test/load/figures.ts";
import { toCostTable } from "./report.ts";
import { startBenchRig } from "./rig.ts";
import { SCENARIOS } from "./scenarios.ts";
import { type Costs, measureSessions, type Plan } from "./sessions.ts";
import { hasIncumbent } from "./subjects.ts";
import { hasWrk } from "./wrk.ts";

const QUICK: Plan = { rounds: 3, seconds: 1, warmUpSeconds: 3, withIncumbent: false };
const FULL: Plan = { rounds: 7, seconds: 3, warmUpSeconds: 10, withIncumbent: true };

/** With room for the noise of a shared machine; what a quiet one shows is in docs/performance.md. */
const MAX_CPU_RATIO = 2;

const options = readOptions();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.once(name, () => fail(`Stopped by ${name}.`)); // Children end with us.
}
if (!hasWrk()) fail("wrk is not installed (Debian: wrk).");
if (!options.isQuick && !hasIncumbent()) installIncumbent();

say(describeMachine());
const figures = await run();
say(`\n${toTable(figures)}`);
const missed = figures.filter(({ verdict }) => verdict === "missed");
say(missed.length === 0 ? "\nNo figure missed." : `\nMissed: ${missed.length}.`);
process.exitCode = missed.length === 0 ? 0 : 1;

async function run(): Promise<Figure[]> {
  await using rig = await startBenchRig();
  const figures: Figure[] = [];
  for (const scenario of SCENARIOS) {
    if (!options.names.includes(scenario.name)) continue;
    say(`\n### ${scenario.title}\n`);
    const costs = await measureSessions(rig, scenario, options.isQuick ? QUICK : FULL);
    say(toCostTable(costs));
    figures.push(...judgeCosts(scenario.title, costs));
  }
  return figures;
}

function judgeCosts(title: string, costs: readonly Costs[]): Figure[] {
  const failed = costs.reduce((sum, each) => sum + each.failed, 0);
  const cpu = costs[0]?.ratio.cpu.median ?? Number.NaN;
  return [
    judge(
      "P17",
      `${title}: CPU to the floor`,
      cpu.toFixed(2),
      `≤ ${MAX_CPU_RATIO}`,
      cpu <= MAX_CPU_RATIO,
    ),
    judge("P17", `${title}: sessions that failed`, String(failed), "0", failed === 0),
  ];
}

/** Its lock file fixes every version. No script of a package is run (.npmrc). */
function installIncumbent(): void {
  const cwd = fileURLToPath(new URL(".", import.meta.url));
  const { status } = spawnSync("npm", ["ci", "--ignore-scripts"], { cwd, stdio: "inherit" });
  if (status !== 0) say("Without @mxenabled/sso-api-proxy, which could not be installed.");
}

function describeMachine(): string {
  const [cpu] = cpus();
  return `${cpu?.model.trim()}, ${availableParallelism()} CPUs; Linux ${release()}; Node ${process.version}`;
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      only: { type: "string" },
    },
  });
  const known = SCENARIOS.map(({ name }) => name);
  const names = values.only?.split(",") ?? known;
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) fail(`No such part: ${unknown}. There are ${known.join(", ")}.`);
  return { isQuick: values.quick, names };
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
