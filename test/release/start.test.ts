/**
 * What keeps the process from starting, and how its health is asked for from outside.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { hasIPv6 } from "../support/installed.ts";
import { COMPILE_CACHE, MAIN, runProgram, startServiceProcess } from "../support/program.ts";
import { startUpstreams } from "../support/start.ts";

/** The exit code. */
async function checkHealth(host: string, port: string): Promise<number> {
  const path = new URL("../../src/healthcheck.ts", import.meta.url).pathname;
  const env = { HOST: host, OPERATIONS_PORT: port };
  const [code] = await once(spawn(process.execPath, [path], { env }), "exit");
  return code;
}

describe("the process", () => {
  it("tells every fault of a thousand tenants and no value", async () => {
    const tenant = (index: number) => ({
      name: `t${index}`,
      AUTH_ISSUER: `https://canary-${index}.example`,
      AUTH_AUDIENCE: "canary",
      MX_PLATFORM_API_KEY: "canary",
      ...Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`UNKNOWN_${i}`, "canary"])),
    });
    const file = join(await mkdtemp(join(tmpdir(), "tenants-")), "tenants.json");
    await writeFile(
      file,
      JSON.stringify({ tenants: Array.from({ length: 1000 }, (_, i) => tenant(i)) }),
    );
    const child = spawn(process.execPath, [MAIN], {
      env: { ...COMPILE_CACHE, TENANTS_FILE: file },
    });
    const exited = once(child, "exit");
    await Promise.race([exited, sleep(1000)]); // By then nobody has read more than what a pipe takes.

    const errors = Buffer.concat((await child.stderr?.toArray()) ?? []).toString();

    expect(await exited).toEqual([1, null]);
    for (let index = 0; index < 1000; index += 1)
      expect(errors).toContain(`  tenants[${index}] (t${index}): MX_PLATFORM_CLIENT_ID is missing`);
    expect(errors).toMatch(/Every variable is explained in docs\/configuration.md.\n$/);
    expect(errors).not.toContain("canary");
  });

  it("is told from a dead one by healthcheck.ts", async () => {
    await using upstreams = await startUpstreams();
    await using service = await startServiceProcess(upstreams.environment());
    const { port } = new URL(service.operationsUrl);

    for (const host of ["", "127.0.0.1", "::", "0.0.0.0"])
      expect([host, await checkHealth(host, port)]).toEqual([host, 0]);
    service.signal("SIGKILL");
    await service.exited;
    expect(await checkHealth("", port)).toBe(1);
  });

  it.skipIf(!hasIPv6())("is told so by IPv6 alone, too (skipped without IPv6)", async () => {
    const server = createServer((_req, res) => res.end()).listen(0, "::1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;

    const code = await checkHealth("", String(port));
    server.close();

    expect(code).toBe(0);
  });

  it.each(["PORT", "OPERATIONS_PORT"])("names the port that is taken, and %s", async (variable) => {
    await using upstreams = await startUpstreams();
    const port = new URL(upstreams.mx.ssoUrl).port;

    const { code, stderr: errors } = await runProgram({
      environment: { ...upstreams.environment(), [variable]: port },
    });

    expect(code).toBe(1);
    expect(errors).toBe(
      `Cannot listen: port ${port} is taken by another process. Stop that one, or set ${variable} to another port.\n`,
    );
  });

  it("names HOST where it is no address of this machine", async () => {
    await using upstreams = await startUpstreams();

    const { code, stderr: errors } = await runProgram({
      environment: { ...upstreams.environment(), HOST: "192.0.2.1" },
    });

    expect([code, errors]).toEqual([
      1,
      expect.stringMatching(/^Cannot listen: HOST is no address/),
    ]);
  });
});
