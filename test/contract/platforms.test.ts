/** deploy/systemd, deploy/pm2 and the pages about platforms: they start and stop the service as the image does. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import { isKnown, VARIABLES } from "../../src/config/variables.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const read = (path: string) => readFileSync(`${ROOT}${path}`, "utf8");
const seconds = (name: string) => Number(VARIABLES[name]?.default?.replace(/s$/, ""));

const unit = read("deploy/systemd/mx-session-bff.service");
const { apps } = createRequire(import.meta.url)(`${ROOT}deploy/pm2/ecosystem.config.cjs`);
const task = JSON.parse(/```json\n(.+?)```/s.exec(read("docs/platforms/ecs.md"))?.[1] ?? "");

/** The longest drain: DRAIN_DELAY, then REQUEST_DEADLINE and a second for the rest. */
const DRAIN_SECONDS = seconds("DRAIN_DELAY") + seconds("REQUEST_DEADLINE") + 1;

describe("every platform", () => {
  const flags = [...read("Dockerfile").matchAll(/"(--[\w=-]+)"/g)].map(([, flag]) => flag);

  it.each([
    ["systemd", unit],
    ["PM2", apps[0].node_args],
  ])("runs Node with the flags of the image: %s", (_name, command) => {
    expect(flags.length).toBeGreaterThan(3);
    for (const flag of flags) expect(command).toContain(flag);
  });

  it.each([
    ["systemd", Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1])],
    ["ECS", task.containerDefinitions[0].stopTimeout],
    ["PM2", apps[0].kill_timeout / 1000 + seconds("DRAIN_DELAY") - 1], // It sets DRAIN_DELAY=1s.
  ])("waits until a drain has ended: %s", (_name, granted) => {
    expect(granted).toBeGreaterThanOrEqual(DRAIN_SECONDS);
  });

  it("sets variables that there are", () => {
    const [container] = task.containerDefinitions;
    const names = [
      ...[...unit.matchAll(/^Environment=(\w+)=/gm)].map(([, name = ""]) => name),
      ...Object.keys(apps[0].env),
      ...[...container.environment, ...container.secrets].map(({ name }) => name),
    ].filter((name) => name !== "NODE_ENV");
    expect(names.length).toBeGreaterThan(5);
    expect(names.filter((name) => !isKnown(name))).toEqual([]);
  });
});

it("Cloud Run's ten seconds are enough for the settings of its page", () => {
  const [, drain, deadline] =
    /`DRAIN_DELAY=(\d+)s` and `REQUEST_DEADLINE=(\d+)s`/.exec(
      read("docs/platforms/cloud-run.md"),
    ) ?? [];
  expect(Number(drain) + Number(deadline) + 1).toBeLessThan(10);
});
