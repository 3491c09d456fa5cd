/**
 * embed.js on a page whose own policy blocks the widget's frame: it says at once which directive to change, and spends no second URL.
 */

import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startEmbedHost } from "../support/embed-host.ts";
import {
  ENGINES,
  type Engine,
  type EngineName,
  hasEngine,
  startEngine,
} from "../support/engines.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 }); // A slow machine.

const POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'";
const COEP = "Cross-Origin-Embedder-Policy";

const CASES = [
  ["a Content-Security-Policy", { "Content-Security-Policy": POLICY }, "blocked-by-csp"],
  [
    "a Content-Security-Policy with another host",
    { "Content-Security-Policy": `${POLICY}; frame-src https://elsewhere.example` },
    "blocked-by-csp",
  ],
  ["COEP", { [COEP]: "require-corp" }, "blocked-by-coep"],
  [
    "COEP on a page that is isolated",
    { [COEP]: "require-corp", "Cross-Origin-Opener-Policy": "same-origin" },
    "blocked-by-coep",
  ],
] as const;

/** Firefox reports COEP to nobody, so only an isolated page can be told. */
const UNTOLD: Partial<Record<EngineName, string[]>> = { firefox: ["COEP"] };

describe.each(ENGINES)("in %s, a page blocks the frame by", (name) => {
  let engine: Engine;
  beforeAll(async () => {
    if (hasEngine(name)) engine = await startEngine(name);
  });
  afterAll(() => engine?.[Symbol.asyncDispose]());

  const cases = CASES.filter(([what]) => !UNTOLD[name]?.includes(what));
  it.skipIf(!hasEngine(name)).each(cases)("%s", async (_what, headers, code) => {
    await using host = await startEmbedHost({ headers });
    await using tab = await engine.openTab();
    await tab.goto(host.url);
    await tab.waitFor("window.openWidget");

    await tab.run(`
      stopClock();
      window.w = openWidget("#place", { getToken: () => "a.b.c" });`);
    await expect.poll(() => host.urls, { timeout: 10_000 }).toBe(1);
    for (let waited = 0; waited < 3000; waited += 500) {
      await tab.run(
        "await new Promise((resolve) => setTimeout(resolve, 50)); await moveClock(500);",
      );
    }
    await tab.waitFor("w.state === 'error'");

    const [error] =
      await tab.run<{ code: string; message: string; isRetryable: boolean }[]>("return seen");
    expect(error).toMatchObject({ code, isRetryable: false });
    expect(error?.message).toContain(
      code === "blocked-by-csp" ? `add ${host.widgetOrigin} to frame-src` : COEP,
    );
    expect(host.urls).toBe(1);
  });
});

describe.each(ENGINES)("in %s", (name) => {
  it.skipIf(!hasEngine(name))("a policy that only reports blocks nothing", async () => {
    await using engine = await startEngine(name);
    const headers = { "Content-Security-Policy-Report-Only": POLICY };
    await using host = await startEmbedHost({ headers });
    await using tab = await engine.openTab();
    await tab.goto(host.url);
    await tab.waitFor("window.openWidget");

    await tab.run(`window.w = openWidget("#place", { getToken: () => "a.b.c" });`);
    await tab.waitFor("w.state === 'open'");
  });
});
