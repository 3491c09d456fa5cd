/** The log at a terminal, made by `script` of util-linux. */

import { spawn } from "node:child_process";
import { describe, expect, it } from "vitest";
import { expectNoCanary } from "../support/canaries.ts";
import { isInstalled } from "../support/installed.ts";
import { MAIN } from "../support/program.ts";
import { startUpstreams } from "../support/start.ts";

/** One session; gives what stood on the terminal. */
async function runAtTerminal(changes: Record<string, string>): Promise<string> {
  await using upstreams = await startUpstreams();
  const child = spawn("script", ["-qfec", `exec '${process.execPath}' '${MAIN}'`, "/dev/null"], {
    env: { PATH: process.env.PATH, ...upstreams.environment(), ...changes },
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    output += text;
  });
  try {
    await expect.poll(() => output).toMatch(/listening/);
    const [, port] = /(?:listening, |"port":)(\d+)/.exec(output) ?? [];
    const headers = { Authorization: `Bearer ${await upstreams.issuer.issueToken("ada")}` };
    await fetch(`http://127.0.0.1:${port}/session`, { method: "POST", headers });
    await expect.poll(() => output).toContain("session.opened");
  } finally {
    child.stdin.end("\u0003"); // Control-C.
    await new Promise((resolve) => child.once("close", resolve));
  }
  return output;
}

describe.skipIf(!isInstalled("script"))("at a terminal (skipped without `script`)", () => {
  it("the log is short coloured lines", async () => {
    const output = await runAtTerminal({});
    expect(output).toContain("\u001b[36mPOST /session 200 in ");
    expect(output).toContain(" ms, session.opened, default");
    expect(output).toContain("stopped");
    expect(output).not.toContain("{");
    expectNoCanary("the terminal", output);
  });

  it("the log of production is JSON all the same", async () => {
    const output = await runAtTerminal({ NODE_ENV: "production" });
    expect(output).toContain('"event.name":"session.opened"');
    expect(output).not.toContain("\u001b[");
  });
});
