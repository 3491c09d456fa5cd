/** The program as an operator runs it: one process, with arguments and an environment. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { text } from "node:stream/consumers";
import type { Environment } from "../../src/config/types.ts";

const MAIN = new URL("../../src/main.ts", import.meta.url).pathname;

export type Ended = { code: number; out: string; errors: string };

export type RunningMain = { ended: Promise<Ended>; kill(signal: NodeJS.Signals): void };

/** Without a `.env`: the working directory is an empty one. */
function startMain(args: readonly string[], environment: Environment = {}): RunningMain {
  const env = { PATH: process.env.PATH, ...environment };
  const child = spawn(process.execPath, [MAIN, ...args], { env, cwd: tmpdir() });
  const ended = Promise.all([once(child, "close"), text(child.stdout), text(child.stderr)]);
  return {
    ended: ended.then(([[code], out, errors]) => ({ code, out, errors })),
    kill: (signal) => void child.kill(signal),
  };
}

export function runMain(args: readonly string[], environment?: Environment): Promise<Ended> {
  return startMain(args, environment).ended;
}
