/** The alert rules as Prometheus reads them. That each has a test and a place in the documents: test/integration/metrics.test.ts. */

import { describe, expect, it } from "vitest";
import { isInstalled } from "../support/installed.ts";
import { promtool } from "../support/metrics.ts";

const hasPromtool = isInstalled("promtool"); // In Debian's package `prometheus`.

describe("the alert rules (checked with promtool, skipped without it)", () => {
  it.skipIf(!hasPromtool)("are well formed", () => {
    expect(promtool(["check", "rules", "rules.yaml", "alerts.yaml"])).toMatchObject({ status: 0 });
    expect(promtool(["check", "config", "--syntax-only", "prometheus.yaml"]).output).toContain(
      "SUCCESS",
    );
  });

  it.skipIf(!hasPromtool)("fire where they should, and not on a quiet day", () => {
    const { status, output } = promtool(["test", "rules", "alerts.test.yaml"]);
    expect(output).toContain("SUCCESS");
    expect(status).toBe(0);
  });
});
