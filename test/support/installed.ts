/**
 * Programs that tests use as real peers. Where one is missing its tests are skipped and say so; with `CI=true` they fail.
 */

import { spawnSync } from "node:child_process";
import { networkInterfaces } from "node:os";

/** For `describe.skipIf(!isInstalled("redis-server"))`. Throws where `CI=true` and the program is missing. */
export function isInstalled(program: string): boolean {
  const isFound = spawnSync("which", [program], { stdio: "ignore" }).status === 0;
  if (!isFound && process.env.CI === "true") throw new Error(`${program} is needed where CI=true`);
  return isFound;
}

/** Whether this machine has IPv6 on loopback. Containers often have none, CI's included. */
export function hasIPv6(): boolean {
  const addresses = Object.values(networkInterfaces()).flat();
  return addresses.some((each) => each?.address === "::1");
}
