/**
 * `npm run test:load`: the promises that only load can show, each measured and held against its limit.
 *
 * Loopback only, at most fifteen minutes, and an exit code other than 0 when a figure is missed.
 *
 *     --only <part>[,<part>]   capacity is always measured, for the others are measured against it
 *     --quick                  a minute and a half, to see that the tooling works
 *     --soak 30m               how long the memory part lasts
 *     --peak <n>               takes this for the capacity, in sessions per second; docs/load is then left alone
 *     --mx-latency <ms>        default 50; with 10 the CPU is the limit instead of the connections to MX
 */

import { mkdir, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { type Figure, judge, toTable } from "./figures.ts";
import type { Part, PartContext } from "./part.ts";
import { measureCapacity } from "./parts/capacity.ts";
import { measureJwksOutage } from "./parts/jwks-outage.ts";
import { measureMemory, measureSubjects } from "./parts/memory.ts";
import { measureMxOutage } from "./parts/mx-outage.ts";
import { measureOverload } from "./parts/overload.ts";
import { measureRedisOutage } from "./parts/redis-outage.ts";
import { measureRetries } from "./parts/retries.ts";
import { measureRollingRestart } from "./parts/rolling-restart.ts";
import { measureRotation } from "./parts/rotation.ts";
import { measureTenants } from "./parts/tenants.ts";
import { measureWaysOut } from "./parts/ways-out.ts";
import { startRig } from "./rig.ts";

const PARTS: Record<string, Part> = {
  overload: measureOverload,
  "mx-outage": measureMxOutage,
  memory: measureMemory,
  subjects: measureSubjects,
  "rolling-restart": measureRollingRestart,
  rotation: measureRotation,
  jwks: measureJwksOutage,
  redis: measureRedisOutage,
  retries: measureRetries,
  tenants: measureTenants,
  "ways-out": measureWaysOut,
};
const MAX_MINUTES = 15;
const MX_LATENCY_MS = 50;
const DOCS = new URL("../../docs/load/", import.meta.url);

const options = readOptions();
const figures: Figure[] = [];
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.once(name, () => fail(`Stopped by ${name}.`)); // Children end with us.
}
const limitMs = MAX_MINUTES * 60_000 + (options.soakMs ?? 0);
setTimeout(() => {
  report();
  fail(`Not done after ${limitMs / 60_000} minutes.`);
}, limitMs).unref();

await run();
report();
const missed = figures.filter(({ verdict }) => verdict === "missed");
process.stdout.write(missed.length === 0 ? "No figure missed.\n" : `Missed: ${missed.length}.\n`);
process.exitCode = missed.length === 0 ? 0 : 1;

async function run(): Promise<void> {
  await using rig = await startRig({ mxLatencyMs: options.mxLatencyMs });
  let { peak } = options;
  if (peak === undefined) {
    announce("capacity");
    const capacity = await measureCapacity(rig, options.isQuick);
    peak = capacity.peak;
    figures.push(...capacity.figures);
  }
  const context: PartContext = {
    rig,
    peak,
    isQuick: options.isQuick,
    pick: (full, quick) => (options.isQuick ? quick : full),
    soakMs: options.soakMs,
    writeDoc,
  };
  for (const name of options.names) {
    announce(name);
    figures.push(...(await measure(name, context)));
  }
}

function report(): void {
  process.stdout.write(`\n${toTable(figures)}\n\n`);
}

/** A part that breaks is a missed figure, and the others still have their say. */
async function measure(name: string, context: PartContext): Promise<Figure[]> {
  try {
    return (await PARTS[name]?.(context)) ?? [];
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
    return [judge("", name, String(error).split("\n", 1).join(), "runs to its end", false)];
  } finally {
    await context.rig.stopLoad();
    await context.rig.mx.setMode({ kind: "answer" });
  }
}

/** Only what was measured as a whole, with the settings that everybody has. */
async function writeDoc(name: string, content: string): Promise<void> {
  if (options.isQuick || options.peak !== undefined || options.mxLatencyMs !== MX_LATENCY_MS)
    return;
  await mkdir(DOCS, { recursive: true });
  await writeFile(new URL(name, DOCS), content);
}

function announce(name: string): void {
  process.stdout.write(`${new Date().toISOString().slice(11, 19)} ${name}\n`);
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      quick: { type: "boolean", default: false },
      soak: { type: "string" },
      peak: { type: "string" },
      "mx-latency": { type: "string", default: String(MX_LATENCY_MS) },
    },
  });
  const names = values.only?.split(",") ?? Object.keys(PARTS);
  const unknown = names.filter((name) => name !== "capacity" && !Object.hasOwn(PARTS, name));
  if (unknown.length > 0)
    fail(`No such part: ${unknown}. There are capacity, ${Object.keys(PARTS).join(", ")}.`);
  const soakMinutes =
    values.soak === undefined ? undefined : toNumber(values.soak.replace(/m$/, ""));
  return {
    names: names.filter((name) => name !== "capacity"),
    isQuick: values.quick,
    soakMs: soakMinutes && soakMinutes * 60_000,
    peak: values.peak === undefined ? undefined : toNumber(values.peak),
    mxLatencyMs: toNumber(values["mx-latency"]),
  };
}

function toNumber(text: string): number {
  const number = Number(text);
  if (text === "" || !(number >= 0)) fail(`Not a number: ${text}`);
  return number;
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
