/**
 * `npm run demo` as a newcomer meets it: it says what to open, and its curl line works as pasted.
 */

import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { startDemo } from "../support/demo.ts";
import { fetchChecked } from "../support/start.ts";

describe("npm run demo", () => {
  it.each([
    ["both", "connect_widget", "SSO API v2 and Platform API"],
    ["platform", "connect_widget", "Platform API"],
    ["sso", "master_widget", "SSO API v2"],
    ["v3", "connect_widget", "SSO API v3 and MDX Real Time"],
  ])(
    "with %s prints a page that opens and a curl line that gives a URL that opens",
    async (apis, type, apiNames) => {
      await using demo = await startDemo(apis);

      const page = await fetch(demo.pageUrl);
      expect(page.status).toBe(200);
      expect(await page.text()).toContain("Example Bank");
      expect(await (await fetch(`${demo.pageUrl}/setup`)).json()).toMatchObject({ apis, apiNames });
      expect(demo.lines).toContainEqual(expect.stringContaining(`MX's APIs   ${apiNames}`));

      const { stdout } = await promisify(execFile)("sh", ["-c", demo.curl]);
      const { widget_url: widgetUrl } = JSON.parse(stdout);
      expect(widgetUrl.type).toBe(type);
      expect((await fetch(widgetUrl.url)).status).toBe(200);
      expect((await fetch(widgetUrl.url)).status).toBe(410);
    },
  );

  it("lets the page call the service from its own origin", async () => {
    await using demo = await startDemo("both");
    const { serviceUrl } = (await (await fetch(`${demo.pageUrl}/setup`)).json()) as {
      serviceUrl: string;
    };
    const token = await (await fetch(`${demo.pageUrl}/token/ada`)).text();

    const response = await fetchChecked(`${serviceUrl}/session`, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, Origin: demo.pageUrl },
    });

    expect(response.status).toBe(200);
    expect(response.headers.get("access-control-allow-origin")).toBe(demo.pageUrl);
  });

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
      `Port 4102 is taken, so the simulator uses ${port}; choose another one with --simulator-port.`,
    ]);
  });

  it.each([
    ["a port that is taken", (port: string) => ["--service-port", port], /^Port \d+ is taken; /],
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

const DEMO = new URL("../../demo/main.ts", import.meta.url).pathname;

type Ended = { code?: number; stderr: string };

/** A port that another program has. */
async function occupy(wanted: number) {
  const server = createServer().on("error", () => undefined);
  server.listen(wanted, "127.0.0.1");
  await Promise.race([once(server, "listening"), once(server, "error").catch(() => undefined)]);
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : wanted,
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}
