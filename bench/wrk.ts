/**
 * Load from wrk: as many callers as connections, each of which asks again as soon as it has its answer.
 */

import { execFile, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export type Load = {
  url: string;
  /** File with a token per line. */
  tokensPath: string;
  body: string;
  connections: number;
  seconds: number;
  cpus: string | undefined;
};

export type LoadResult = {
  sessions: number;
  seconds: number;
  p50Ms: number;
  p99Ms: number;
  /** Answers other than 200, and none at all. */
  failed: number;
};

const SCRIPT = fileURLToPath(new URL("./load.lua", import.meta.url));

export async function runWrk(load: Load): Promise<LoadResult> {
  const { url, tokensPath, body, connections, seconds, cpus } = load;
  const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "10s", "-s", SCRIPT, url];
  const [command, ...rest] = [
    ...(cpus === undefined ? [] : ["taskset", "-c", cpus]),
    "wrk",
    ...args,
  ];
  const { stdout } = await promisify(execFile)(command ?? "wrk", rest, {
    env: { PATH: process.env.PATH, BENCH_TOKENS: tokensPath, BENCH_BODY: body },
  });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
}

/** It answers `-v` with exit code 1. */
export function hasWrk(): boolean {
  return spawnSync("wrk", ["-v"]).error === undefined;
}
