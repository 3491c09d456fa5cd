/** What every part of a bench needs: CPUs, an issuer, tokens of a thousand users, a folder that goes away. */

import type { ChildProcess } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Cpus, pinSelf, planCpus } from "../test/load/cpus.ts";
import { type Issuer, startIssuer } from "../test/load/issuer.ts";
import { createSign } from "../test/load/tokens.ts";
import { startChild } from "../test/support/child.ts";

export type BenchRig = AsyncDisposable & {
  cpus: Cpus;
  issuer: Issuer;
  folder: string;
  /** RS256 tokens, one per line. */
  tokensPath: string;
};

const USERS = 1000;

export async function startBenchRig(): Promise<BenchRig> {
  const cpus = planCpus();
  pinSelf(cpus.others);
  const awake = keepAwake(cpus.others);
  const folder = await mkdtemp(join(tmpdir(), "mx-session-bff-bench-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const issuer = await startIssuer();
  const sign = createSign(issuer.keys.rs256, issuer);
  const tokens = Array.from({ length: USERS }, (_, index) => sign(`user-${index}`));
  const tokensPath = join(folder, "tokens");
  await writeFile(tokensPath, tokens.join("\n"));
  return {
    cpus,
    issuer,
    folder,
    tokensPath,
    async [Symbol.asyncDispose]() {
      for (const child of awake) child.kill("SIGKILL");
      await issuer[Symbol.asyncDispose]();
    },
  };
}

/**
 * Keeps the other CPUs busy with nothing, at the lowest priority. To wake one that sleeps is work of whoever sends to it:
 * on a virtual machine many microseconds, and the more the slower the sender, so that a ratio would tell of the machine.
 */
function keepAwake(cpus: string | undefined): ChildProcess[] {
  const each = cpus?.split(",").slice(0, MAX_AWAKE) ?? [];
  return each.map(
    (cpu) =>
      startChild("chrt", ["--idle", "0", "sh", "-c", "while :; do :; done"], {
        cpus: cpu,
        stdio: "ignore",
      }).on("error", () => {}), // Without chrt they may sleep.
  );
}

const MAX_AWAKE = 8;
