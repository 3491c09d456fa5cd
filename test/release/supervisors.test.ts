/** What starts and ends the process: npm, a cluster, a parent with an IPC channel, an agent that was loaded before it. */

import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { COMPILE_CACHE, MAIN } from "../support/program.ts";
import { startUpstreams } from "../support/start.ts";

const ROOT = new URL("../../", import.meta.url);
const upstreams = await startUpstreams();
afterAll(() => upstreams[Symbol.asyncDispose]());

const environment = () => ({
  PATH: process.env.PATH,
  ...COMPILE_CACHE,
  ...upstreams.environment(),
});

/** In a process group of its own, of which nothing is left behind. */
function watch(child: ChildProcess) {
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  return {
    child,
    exited: once(child, "exit"),
    output: () => output,
    until: (text: string) => expect.poll(() => output).toContain(text),
    [Symbol.dispose]() {
      try {
        if (child.pid) process.kill(-child.pid, "SIGKILL");
      } catch {} // It has ended by itself.
    },
  };
}

const port = (output: string) => Number(/"port":(\d+)/.exec(output)?.[1]);

describe("SIGTERM ends the service", () => {
  const tick = "setInterval(() => {}, 1000);";
  const primary = `
    import cluster from "node:cluster";
    cluster.setupPrimary({ exec: ${JSON.stringify(MAIN)}, execArgv: [] });
    const worker = cluster.fork();
    process.on("SIGTERM", () => worker.process.kill("SIGTERM"));
    worker.on("exit", (code, signal) => {
      console.log(JSON.stringify({ code, signal }));
      process.exit(code ?? 1);
    });`;

  const options = () => ({ env: environment(), detached: true });
  it.each<[string, () => ChildProcess]>([
    [
      "as a worker of node:cluster, as with PM2",
      () => spawn(process.execPath, ["--input-type=module", "-e", primary], options()),
    ],
    ["with an IPC channel to its parent", () => fork(MAIN, { ...options(), silent: true })],
    [
      "where an agent was loaded that has a timer",
      () => spawn(process.execPath, ["--import", `data:text/javascript,${tick}`, MAIN], options()),
    ],
  ])("%s", async (_how, run) => {
    using service = watch(run());
    await service.until("service.started");

    service.child.kill("SIGTERM");

    expect(await service.exited, service.output()).toEqual([0, null]);
    expect(service.output()).toContain("service.stopped");
  });

  it("that npm start runs, and npm ends with it", async () => {
    const env = { HOME: process.env.HOME, npm_config_update_notifier: "false", ...environment() };
    using npm = watch(spawn("npm", ["start"], { cwd: fileURLToPath(ROOT), env, detached: true }));
    await npm.until("service.started");

    npm.child.kill("SIGTERM"); // npm alone, as a supervisor does.

    expect(await npm.exited, npm.output()).toEqual([0, null]);
    expect(npm.output()).toContain("service.stopped");
    await expect(fetch(`http://127.0.0.1:${port(npm.output())}/`)).rejects.toThrow();
  });
});
