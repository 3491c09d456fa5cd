/**
 * What `npm run demo` says of faults, ports and flags, and the demo with MX's own keys.
 */

import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import type { IdentityProvider } from "../../packages/simulator/src/identity-provider.ts";
import { startSimulator } from "../../packages/simulator/src/simulator.ts";
import type { Environment } from "../../src/config/variables.ts";
import { startDemo } from "../support/demo.ts";
import { baseEnvironment } from "../support/start.ts";

describe("npm run demo", () => {
  it("ends a fault with the request that set it, and the terminal says when it is on", async () => {
    await using demo = await startDemo("v3");
    const says = (text: string) =>
      expect.poll(() => demo.lines.filter((line) => line.startsWith(text)).length).toBe(1);
    const faults = async () => {
      const state = (await (await fetch(demo.controlUrl)).json()) as { faults: object[] };
      return state.faults.length;
    };
    const page = new AbortController();

    const held = await fetch(`${demo.pageUrl}/fault`, {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ name: "key-refused" }),
      signal: page.signal,
    });
    expect([held.status, await faults()]).toEqual([200, 1]);
    const { stdout } = await promisify(execFile)("sh", ["-c", demo.curl]);
    expect(JSON.parse(stdout).type).toBe("/problems/upstream-rejected");
    await says("Fault on: Key refused.");

    page.abort();
    await says("Fault off: Key refused.");
    await expect.poll(faults).toBe(0);
  });

  it("uses another port where the documented one is taken, and says so in a sentence", async () => {
    const others = ["--page-port", "0", "--service-port", "0", "--operations-port", "0"];
    await using _neighbour = await occupy(4102); // Or whoever else has it.
    await using demo = await startDemo("platform", others);

    const said = demo.lines.filter((line) => line.startsWith("Port "));
    const { port } = new URL(demo.controlUrl);
    expect(said).toEqual([
      `Port 4102 is taken, so the simulator uses ${port}. Choose another one with --simulator-port.`,
    ]);
  });

  it.each([
    ["a port that is taken", (port: string) => ["--service-port", port], /^Port \d+ is taken\. /],
    ["no port", () => ["--service-port", "70000"], /^--service-port must be .* 0 to 65535\.$/],
    ["unknown APIs", () => ["--apis", "v4"], /^--apis must be one of platform, sso, both, v3\.$/],
  ])("ends with one sentence for %s", async (_what, toFlags, sentence) => {
    await using taken = await occupy(0);
    const run = promisify(execFile)(process.execPath, [DEMO, ...toFlags(String(taken.port))]);

    const { code, stderr }: Ended = await run.catch((error: unknown) => error as Ended);
    expect(code).toBe(1);
    expect(stderr.trim()).toMatch(sentence);
  });
});

describe("npm run demo -- --real", () => {
  const run = (environment: Environment, flags: readonly string[], cwd: string) =>
    promisify(execFile)(process.execPath, [DEMO, "--real", ...flags], {
      env: { PATH: process.env.PATH, ...environment },
      cwd,
    }).catch((error: unknown) => error as Ended & { stdout: string });

  it.each(["both", "v3"] as const)(
    "makes users of its own with the keys of .env, the same ones each time, and deletes them (%s)",
    async (apis) => {
      await using mx = await startSimulator({ propagationMs: 300 });
      await using folder = await makeFolder();
      const base = baseEnvironment(mx, { issuer: "" } as IdentityProvider, apis);
      const keys = Object.entries(base).filter(([name]) => name.startsWith("MX_"));
      const lines = [...keys.map(([name, value]) => `${name}="${value}"`), "AUTH_ISSUER=ignored"];
      await writeFile(join(folder.path, ".env"), lines.join("\n"));
      const keptKeys = new Set<string | undefined>();

      for (let start = 0; start < 2; start += 1) {
        await using demo = await startDemo({ environment: {}, cwd: folder.path });
        const { stdout } = await promisify(execFile)("sh", ["-c", demo.curl]);
        expect((await fetch(JSON.parse(stdout).widget_url.url)).status).toBe(200);
        for (const { credentials } of mx.state.members.values())
          keptKeys.add(credentials[0]?.response);
        const setup = await (await fetch(`${demo.pageUrl}/setup`)).json();
        expect(setup).toMatchObject({
          isReal: true,
          apis,
          widgetUrl: "https://int-widgets.moneydesktop.com",
          faults: [{ name: "login-expired" }, { name: "unusable-id" }, { name: "no-referrer" }],
        });
      }

      expect([...mx.state.users.values()].map(({ id }) => id)).toEqual(["bff-demo-ada"]);
      expect(mx.state.created.users).toBe(1);
      expect(keptKeys.size).toBe(apis === "both" ? 1 : 0);

      const { stdout } = await run({}, ["--clean"], folder.path);
      expect(stdout).toBe(
        "bff-demo-ada is deleted.\nbff-demo-grace does not exist at MX.\nbff-demo-linus does not exist at MX.\n",
      );
      expect(mx.state.users.size).toBe(0);
    },
  );

  it("disables and names a user that it cannot delete", async () => {
    await using mx = await startSimulator();
    await using folder = await makeFolder();
    mx.state.createUser({ id: "bff-demo-ada" });
    mx.settings.deviations = ["user-delete-path"];
    const base = baseEnvironment(mx, { issuer: "" } as IdentityProvider, "sso");

    const { code, stdout } = (await run(base, ["--clean"], folder.path)) as Ended & {
      stdout: string;
    };

    expect(code).toBe(1);
    expect(stdout).toContain("bff-demo-ada is still at MX");
    expect(stdout).toContain("it is disabled now");
    expect(mx.state.findUser("bff-demo-ada")?.isDisabled).toBe(true);
  });

  const keys = { MX_PLATFORM_CLIENT_ID: "id", MX_PLATFORM_API_KEY: "canary" };

  it.each([
    [
      "production",
      { ...keys, MX_ENVIRONMENT: "production" },
      [],
      /^--real runs only .*api\.mx\.com is not part/,
    ],
    ["another host", { ...keys, MX_PLATFORM_BASE_URL: "https://mx.example" }, [], /mx\.example/],
    ["no keys", {}, [], /The configuration has \d+ error/],
    ["--apis", keys, ["--apis", "sso"], /^--apis cannot be used with --real/],
  ])("ends with what is wrong for %s", async (_what, environment, flags, words) => {
    await using folder = await makeFolder();
    const { code, stderr } = (await run(environment, flags, folder.path)) as Ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(words);
    expect(stderr).not.toContain("canary");
  });
});

async function makeFolder() {
  const path = await mkdtemp(join(tmpdir(), "bff-demo-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

const DEMO = new URL("../../demo/main.ts", import.meta.url).pathname;

type Ended = { code?: number; stderr: string };

/** A port that another program has. */
async function occupy(wanted: number) {
  const server = createServer().on("error", () => undefined);
  server.listen(wanted, "127.0.0.1");
  await once(server, "listening").catch(() => undefined); // Taken already.
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : wanted,
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}
