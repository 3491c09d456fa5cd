import { describe, expect, it } from "vitest";
import { createMetrics } from "../../../src/app/metrics.ts";
import { AppError, LOGIN_REFUSALS } from "../../../src/errors.ts";
import { WIDGET_TYPES } from "../../../src/session/widget-options.ts";
import type { RequestEntry } from "../../../src/telemetry/log-entries.ts";

function metricsOf() {
  return createMetrics({
    version: "1.0.0",
    tenants: ["bank"],
    maxInFlight: 200,
    isReady: () => true,
    isDraining: () => false,
    logLinesLost: () => 0,
  });
}

function entryOf(parts: Partial<RequestEntry> = {}): RequestEntry {
  return {
    method: "POST",
    route: "/session",
    status: 200,
    durationMs: 12,
    requestId: "r",
    tenant: "bank",
    mxCalls: 1,
    isClientGone: false,
    error: undefined,
    errorType: undefined,
    ...parts,
  };
}

describe("the metrics", () => {
  it("never fail the request that is counted, and one error loses no other metric", async () => {
    const metrics = metricsOf();
    metrics.request(entryOf({ durationMs: Number.NaN }));
    metrics.request({} as RequestEntry);
    metrics.request(entryOf());
    expect(await metrics.text()).toContain('bff_sessions_total{tenant="bank",result="opened"} 2');
  });

  it("count as `other` what goes beyond twenty types of widgets", async () => {
    const metrics = metricsOf();
    for (const widgetType of WIDGET_TYPES) metrics.request(entryOf({ widgetType }));
    const lines = (await metrics.text()).match(/^bff_widget_urls_total\{.*$/gm) ?? [];
    expect(lines).toHaveLength(21);
    expect(lines.at(-1)).toBe(
      `bff_widget_urls_total{widget_type="other"} ${WIDGET_TYPES.length - 20}`,
    );
  });

  it("have a series for each reason why a login is not accepted", async () => {
    const metrics = metricsOf();
    for (const reason of LOGIN_REFUSALS) {
      const error = new AppError("unauthenticated", "x", { reason });
      metrics.request(entryOf({ status: 401, error, errorType: "unauthenticated" }));
    }
    const text = await metrics.text();
    for (const reason of LOGIN_REFUSALS)
      expect(text).toContain(`bff_authentication_failures_total{reason="${reason}"} 1`);
  });

  it("fold methods that nobody serves", async () => {
    const metrics = metricsOf();
    for (const method of ["PUT", "DELETE", "TRACE", "_OTHER"]) metrics.request(entryOf({ method }));
    const lines = (await metrics.text()).match(/^http_server_requests_total\{.*$/gm) ?? [];
    expect(lines).toEqual([expect.stringMatching(/http_request_method="_OTHER".* 4$/)]);
  });

  it("tell a session whose caller has gone from one that was opened", async () => {
    const metrics = metricsOf();
    metrics.request(entryOf({ isClientGone: true, widgetType: "connect_widget" }));
    const text = await metrics.text();
    expect(text).toContain('bff_sessions_total{tenant="bank",result="abandoned"} 1');
    expect(text).not.toContain("bff_widget_urls_total{");
  });

  it("count requests in flight", async () => {
    const metrics = metricsOf();
    metrics.requestStarted();
    expect(await metrics.text()).toContain("http_server_active_requests 1");
    metrics.request(entryOf());
    expect(await metrics.text()).toContain("http_server_active_requests 0");
  });
});
