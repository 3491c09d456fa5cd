/**
 * `npm run demo` in a process of its own, on ports that are free.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Environment } from "../../src/config/variables.ts";
import { freePort } from "./free-port.ts";
import { COMPILE_CACHE } from "./program.ts";

const MAIN = new URL("../../demo/main.ts", import.meta.url).pathname;

export type Demo = AsyncDisposable & {
  pageUrl: string;
  /** The line that it prints to be pasted. */
  curl: string;
  /** Where faults are set by hand. */
  controlUrl: string;
  /** What it has written to the terminal, line by line. */
  lines: readonly string[];
};

const PARTS = ["page", "service", "operations", "simulator"];

/** `apis`: of the simulator, or a real MX's environment, in this folder. `ports`: other flags instead of any free port for each part. Rejects if it ends before it runs. */
export async function startDemo(
  apis: string | { environment: Environment; cwd: string },
  ports?: readonly string[],
): Promise<Demo> {
  const real = typeof apis === "object" ? apis : undefined;
  const flags = typeof apis === "object" ? ["--real"] : ["--apis", apis];
  for (const part of ports ? [] : PARTS) flags.push(`--${part}-port`, String(await freePort()));
  const child = spawn(process.execPath, [MAIN, ...flags, ...(ports ?? [])], {
    env: { ...process.env, ...COMPILE_CACHE, ...real?.environment },
    cwd: real?.cwd,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const welcome: string[] = [];
  const lines = createInterface(child.stdout).on("line", (line) => welcome.push(line.trim()));
  await new Promise<void>((resolve, reject) => {
    lines.on("line", (line) => line.includes("Ctrl-C") && resolve());
    lines.on("close", () => reject(new Error(`The demo has ended:\n${welcome.join("\n")}`)));
  });
  return {
    lines: welcome,
    pageUrl: welcome.find((line) => /^http:\S+$/.test(line)) ?? "",
    controlUrl: /http:\S+_simulator/.exec(welcome.join("\n"))?.[0] ?? "",
    curl: welcome.find((line) => line.startsWith("curl ")) ?? "",
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}
