/** Builds what the project `built` tests. */

import { execFileSync } from "node:child_process";

export function setup(): void {
  execFileSync(process.execPath, ["scripts/build.ts", "dist-test"], { stdio: "inherit" });
}
