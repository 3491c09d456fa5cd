import { describe, expect, it } from "vitest";
import { createMetrics } from "../../../src/app/metrics.ts";
import { LOGIN_REFUSALS } from "../../../src/auth/refusals.ts";
import { AppError } from "../../../src/errors.ts";
import type { RequestEntry } from "../../../src/telemetry/logger.ts";

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

function refusedFor(reason: string): RequestEntry {
  const error = new AppError("unauthenticated", "x", { reason });
  return entryOf({ status: 401, tenant: undefined, error, errorType: "unauthenticated" });
}

describe("the metrics", () => {
  it("never fail the request that is counted", async () => {
    const metrics = metricsOf();
    metrics.request(entryOf({ durationMs: Number.NaN }));
    metrics.request({} as RequestEntry);
    metrics.request(entryOf());
    expect(await metrics.text()).toContain('bff_sessions_total{tenant="bank",result="opened"} 1');
  });

  it("have each reason why a login is not accepted, and count as `other` what goes beyond", async () => {
    const metrics = metricsOf();
    const linesOf = async () =>
      (await metrics.text()).match(/^bff_authentication_failures_total\{.*$/gm) ?? [];
    for (const reason of LOGIN_REFUSALS) metrics.request(refusedFor(reason));
    expect(await linesOf()).toEqual(
      LOGIN_REFUSALS.map((reason) => `bff_authentication_failures_total{reason="${reason}"} 1`),
    );
    for (let at = 0; at < 1000; at += 1) metrics.request(refusedFor(`reason_${at}`));
    expect((await linesOf()).slice(LOGIN_REFUSALS.length)).toEqual([
      'bff_authentication_failures_total{reason="other"} 1000',
    ]);
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
    const ended = metrics.requestStarted();
    expect(await metrics.text()).toContain("http_server_active_requests 1");
    ended();
    expect(await metrics.text()).toContain("http_server_active_requests 0");
  });
});
