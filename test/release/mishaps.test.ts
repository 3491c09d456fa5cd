/**
 * The sixteen mishaps in each engine that can have them. docs/guides/web.md says which engine runs which.
 */

import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startEmbedHost } from "../support/embed-host.ts";
import { ENGINES, type Engine, hasEngine, startEngine } from "../support/engines.ts";
import { createScene, MISHAPS } from "../support/mishaps.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 }); // A slow machine.

describe.each(ENGINES)("in %s, a widget works again after", (name) => {
  let engine: Engine;
  beforeAll(async () => {
    if (hasEngine(name)) engine = await startEngine(name);
  });
  afterAll(() => engine?.[Symbol.asyncDispose]());

  const mishaps = MISHAPS.filter(({ engines = [name] }) => engines.includes(name));
  it.skipIf(!hasEngine(name)).each(mishaps)("$name", async (mishap) => {
    const { run, urls = 1, isReloaded = false, hasFocus = true } = mishap;
    await using host = await startEmbedHost(mishap.host);
    await using tab = await engine.openTab();
    await tab.goto(host.url);
    await tab.waitFor("window.openWidget");
    await tab.run("window.isFirst = true;");

    const scene = createScene(engine, tab, host);
    await run(scene);

    expect(await tab.run("return w.state")).toBe("open");
    expect([urls].flat()).toContain(host.urls);
    expect(await tab.run("return window.isFirst !== true")).toBe(isReloaded);
    if (hasFocus) await tab.waitFor("document.activeElement === w");
  });
});
