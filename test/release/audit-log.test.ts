/** The audit log of a process: its start, its end, and its crash. */

import { describe, expect, it } from "vitest";
import { startServiceProcess } from "../support/program.ts";
import { startUpstreams } from "../support/start.ts";

type Line = Record<string, unknown>;

describe("the audit log", () => {
  it("says when the service starts, with which configuration, and when it stops", async () => {
    await using upstreams = await startUpstreams();
    const environment = {
      ...upstreams.environment(),
      AUDIT_KEY: "kP3vX9qLm2RtY7wZb5NcJ8dFh4GsA6uE",
    };
    const digests: unknown[] = [];
    for (const changes of [
      {},
      { AUDIT_KEY: "Tq8nB1xVw6KcR4yMz9HdJ2fLg7PsE5uA" },
      { MAX_IN_FLIGHT: "7" },
    ]) {
      await using child = await startServiceProcess({ ...environment, ...changes });
      child.signal("SIGTERM");
      expect(await child.exited).toBe(0);
      const found: Line[] = child
        .output()
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      expect(found.map((line) => line["event.name"])).toEqual([
        "service.started",
        "configuration.loaded",
        "service.draining",
        "service.stopped",
      ]);
      expect(found[1]).toMatchObject({ version: expect.stringMatching(/^\d+\.\d+/), tenants: 1 });
      digests.push(found[1]?.config_digest);
    }
    expect(digests[1]).toBe(digests[0]); // Secrets aside.
    expect(digests[2]).not.toBe(digests[0]);
  });

  it("has a change at MX also where the process crashes right after it", async () => {
    await using upstreams = await startUpstreams();
    const script = 'process.on("SIGWINCH", () => process.abort());';
    await using child = await startServiceProcess({
      ...upstreams.environment(),
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(script)}`,
    });
    const headers = { Authorization: `Bearer ${await upstreams.issuer.issueToken("ada")}` };
    const { status } = await fetch(`${child.url}/session`, { method: "POST", headers });
    child.signal("SIGWINCH");

    expect(status).toBe(200);
    expect(await child.exited).toBeNull();
    await expect.poll(child.output).toContain('"mx.user.created"');
  });
});
