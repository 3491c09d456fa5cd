/**
 * Fills the folder in NODE_COMPILE_CACHE with what the service compiles until it is ready and has answered, so that the image
 * compiles nothing at start. Runs while the image is built, with the image's own command, path and user: Node keeps a
 * cache apart for each of them.
 *
 *     node scripts/fill-compile-cache.mjs <command of the service> [arguments …]
 *
 * Source: Node.js, "Module compile cache".
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const [command, ...args] = process.argv.slice(2);
const service = spawn(command, args, {
  stdio: ["ignore", "pipe", "inherit"],
  env: {
    ...process.env,
    HOST: "127.0.0.1",
    PORT: "0",
    OPERATIONS_PORT: "0",
    DRAIN_DELAY: "0s",
    AUTH_ISSUER: "http://127.0.0.1:9", // Nobody listens there: no request leaves this machine.
    AUTH_AUDIENCE: "build",
    MX_PLATFORM_BASE_URL: "http://127.0.0.1:9",
    MX_PLATFORM_CLIENT_ID: "client-of-the-build",
    MX_PLATFORM_API_KEY: "a-key-that-opens-nothing-5f0c2d",
  },
});

for await (const line of createInterface(service.stdout)) {
  const { "event.name": event, port, operationsPort } = JSON.parse(line);
  if (event !== "service.started") continue;
  await fetch(`http://127.0.0.1:${port}/session`, {
    method: "POST",
    headers: { authorization: "Bearer a.b.c", "content-type": "application/json" },
    body: "{}",
  });
  await fetch(`http://127.0.0.1:${operationsPort}/readyz`);
  await fetch(`http://127.0.0.1:${operationsPort}/metrics`);
  service.kill("SIGTERM");
}
const [code] = service.exitCode === null ? await once(service, "exit") : [service.exitCode];
process.exitCode = code;
