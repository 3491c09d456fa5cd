/** The service with a collector that hangs, and with one that is not there. */

import { describe, expect, it } from "vitest";
import { runTwentySessions, startCollector } from "../support/collector.ts";

describe("with a collector", () => {
  it("fails no request, and does not hold up the end, where the collector hangs or is not there", async () => {
    using hung = await startCollector(false);
    for (const url of [hung.url, "http://127.0.0.1:1"]) {
      const { statuses, code } = await runTwentySessions({ OTEL_EXPORTER_OTLP_ENDPOINT: url });
      expect(statuses).toEqual(Array(20).fill(200));
      expect(code).toBe(0);
    }
  });
});
