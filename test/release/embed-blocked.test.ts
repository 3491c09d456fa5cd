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

const CSP = "Content-Security-Policy";
const COEP = "Cross-Origin-Embedder-Policy";
const POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'";

const CASES = [
  ["default-src", { [CSP]: POLICY }, "blocked-by-csp"],
  ["child-src", { [CSP]: `${POLICY}; child-src 'self'` }, "blocked-by-csp"],
  ["frame-src", { [CSP]: `${POLICY}; frame-src https://elsewhere.example` }, "blocked-by-csp"],
  ["COEP", { [COEP]: "require-corp" }, "blocked-by-coep"],
  ["COEP: credentialless", { [COEP]: "credentialless" }, "blocked-by-coep"],
  [
    "COEP on a page that is isolated",
    { [COEP]: "require-corp", "Cross-Origin-Opener-Policy": "same-origin" },
    "blocked-by-coep",
  ],
] as const;

/** Firefox reports COEP to nobody, so only an isolated page can be told. WebKitGTK does not know `credentialless`. */
const UNTOLD: Partial<Record<EngineName, string[]>> = {
  firefox: ["COEP", "COEP: credentialless"],
  webkit: ["COEP: credentialless"],
};

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
    await expect.poll(() => host.urls).toBe(1);
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

const HARMLESS = [
  ["a policy that only reports", { [`${CSP}-Report-Only`]: POLICY }],
  ["COEP that only reports", { [`${COEP}-Report-Only`]: "require-corp" }],
  ["a policy against images of the widget's host", {}],
] as const;

describe.each(ENGINES)("in %s, a page does not block the frame by", (name) => {
  let engine: Engine;
  beforeAll(async () => {
    if (hasEngine(name)) engine = await startEngine(name);
  });
  afterAll(() => engine?.[Symbol.asyncDispose]());

  it.skipIf(!hasEngine(name)).each(HARMLESS)("%s", async (_what, headers) => {
    await using host = await startEmbedHost({ headers });
    await using tab = await engine.openTab();
    await tab.goto(host.url);
    await tab.waitFor("window.openWidget");

    host.hold("widget");
    await tab.run(`
      window.w = openWidget("#place", { getToken: () => "a.b.c" });
      document.addEventListener("securitypolicyviolation", () => { window.isViolated = true; });`);
    await expect.poll(() => host.urls).toBe(1);
    await tab.run(`
      const image = document.createElement("img");
      image.src = "${host.widgetOrigin}/favicon.ico";
      document.body.append(image);`);
    await tab.waitFor("window.isViolated");
    host.release("widget");
    await tab.waitFor("w.state === 'open'");
    expect(host.urls).toBe(1);
  });
});
