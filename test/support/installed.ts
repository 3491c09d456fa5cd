/**
 * Programs that tests use as real peers. Where one is missing its tests are skipped and say so; with `CI=true` they fail.
 */

import { spawnSync } from "node:child_process";

/** For `describe.skipIf(!isInstalled("redis-server"))`. Throws where `CI=true` and the program is missing. */
export function isInstalled(program: string): boolean {
  const isFound = spawnSync("which", [program], { stdio: "ignore" }).status === 0;
  if (!isFound && process.env.CI === "true") throw new Error(`${program} is needed where CI=true`);
  return isFound;
}
