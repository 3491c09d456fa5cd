/**
 * `npm run demo` in a process of its own, on ports that are free.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { COMPILE_CACHE } from "./program.ts";

const MAIN = new URL("../../demo/main.ts", import.meta.url).pathname;

export type Demo = AsyncDisposable & {
  pageUrl: string;
  /** The line that it prints to be pasted. */
  curl: string;
  /** Where faults are set by hand. */
  controlUrl: string;
};

export async function startDemo(apis: string): Promise<Demo> {
  const child = spawn(process.execPath, [MAIN, "--apis", apis], {
    env: { ...process.env, ...COMPILE_CACHE },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const welcome: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    welcome.push(line.trim());
    if (line.includes("Ctrl-C")) break;
  }
  return {
    pageUrl: welcome.find((line) => /^http:\S+$/.test(line)) ?? "",
    controlUrl: /http:\S+_simulator/.exec(welcome.join("\n"))?.[0] ?? "",
    curl: welcome.find((line) => line.startsWith("curl ")) ?? "",
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}
