/** What a start does not load: docs/decisions/0025-what-a-start-loads.md. */

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const ROOT = new URL("../../", import.meta.url);
/** Prints every module that the service has when it is ready to listen, Node's own included. */
const PROGRAM = `
  import { registerHooks } from "node:module";
  const loaded = [];
  registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
  await import(${JSON.stringify(new URL("src/app/service.ts", ROOT).href)});
  process.stdout.write(JSON.stringify([...loaded, ...process.moduleLoadList]));
`;

it("a start loads only what the first request may need", async () => {
  const args = ["--input-type=module", "--eval", PROGRAM];
  const options = { cwd: fileURLToPath(ROOT), maxBuffer: 2 ** 22 };
  const { stdout } = await promisify(execFile)(process.execPath, args, options);
  const loaded: string[] = JSON.parse(stdout);
  const has = (part: string) => loaded.some((name) => name.includes(part));

  expect(has("/undici/lib/dispatcher/client.js")).toBe(true);
  expect(has("/jose/dist/webapi/jwt/verify.js")).toBe(true);
  for (const part of [
    "/undici/index.js",
    "/jose/dist/webapi/index.js",
    "/rate-limiter-flexible/index.js",
    "/ioredis/",
    "/@opentelemetry/api/dist/index.mjs",
    "/@opentelemetry/sdk-trace/",
    "/src/commands/check/check.ts",
    "internal/deps/undici", // Node's own fetch.
  ]) {
    expect(has(part), part).toBe(false);
  }
});
