/**
 * `/metrics`: what is counted, how many series there are, and that documents, dashboard and rules name what exists.
 */

import { readFileSync } from "node:fs";
import { request as send } from "node:http";
import request from "supertest";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { makeCertificates } from "../support/certificates.ts";
import { isInstalled } from "../support/installed.ts";
import {
  haveABadNight,
  promtool,
  type Scrape,
  scrape,
  startForABadNight,
} from "../support/metrics.ts";
import { mountVolume } from "../support/secret-volume.ts";
import { type Started, start } from "../support/start.ts";

const hasPromtool = isInstalled("promtool"); // In Debian's package `prometheus`.
const file = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

describe("/metrics", () => {
  it("counts requests, sessions and what was made at MX", async () => {
    await using service = await start({ apis: "both" });
    await service.post("ada");
    await service.post("ada");
    await service.post("bob");
    await service.post("ada", { widget_url: { nonsense: 1 } });
    await service.check(service.request());
    await request(service.url).get("/nowhere");

    const { value } = await scrape(service.operationsUrl);

    expect(
      value("http_server_requests_total", {
        http_request_method: "POST",
        http_route: "/session",
        http_response_status_code: "200",
      }),
    ).toBe(3);
    expect(value("http_server_requests_total", { error_type: "invalid-request" })).toBe(1);
    expect(value("http_server_requests_total", { http_route: "unmatched" })).toBe(1);
    expect(
      value("http_server_request_duration_seconds_count", { http_response_status_class: "2xx" }),
    ).toBe(3);
    expect(value("http_server_active_requests")).toBe(0);
    expect(value("bff_sessions_total", { tenant: "default", result: "opened" })).toBe(3);
    expect(value("bff_sessions_total", { tenant: "default", result: "invalid-request" })).toBe(1);
    expect(value("bff_widget_urls_total", { widget_type: "connect_widget" })).toBe(3);
    expect(value("bff_authentication_failures_total", { reason: "no_credential" })).toBe(1);
    expect(value("bff_provisioning_total", { event: "user_created" })).toBe(2);
    expect(value("bff_provisioning_total", { event: "member_created" })).toBe(2);
    expect(value("bff_provisioning_total", { event: "user_healed" })).toBe(0);
    expect(
      value("mx_upstream_requests_total", { operation: "sso.create_user", outcome: "ok" }),
    ).toBe(2);
    expect(value("mx_upstream_request_duration_seconds_count", { api: "platform" })).toBe(3);
    expect(value("mx_bulkhead_connections", { tenant: "default", api: "sso" })).toBe(100);
    expect(value("bff_ready")).toBe(1);
    expect(value("bff_issuer_keys_refreshes_total", { result: "loaded" })).toBe(1);
  });

  it("counts the SSO API v3 and MDX Real Time as APIs of their own", async () => {
    await using service = await start({ apis: "v3-members" });
    await service.post("ada");
    await service.post("ada");
    service.mx.failNext({ kind: "status", status: 403 }, { operation: "mdx.read_member" });
    await service.post("ada");

    const { value, text } = await scrape(service.operationsUrl);

    const calls = (api: string, operation: string, outcome: string) =>
      value("mx_upstream_requests_total", { api, operation: `${api}.${operation}`, outcome });
    expect(calls("sso_v3", "request_widget_url", "ok")).toBe(3);
    expect(calls("sso_v3", "request_widget_url", "not_found")).toBe(1);
    expect(calls("mdx", "create_user", "ok")).toBe(1);
    expect(calls("mdx", "create_member", "ok")).toBe(1);
    expect(value("mx_upstream_request_duration_seconds_count", { api: "sso_v3" })).toBe(4);
    const refused = { api: "mdx", http_response_status_code: "403" };
    expect(value("mx_upstream_key_refusals_total", refused)).toBe(1);
    for (const api of ["sso_v3", "mdx"]) {
      expect(value("mx_circuit_breaker_state", { api })).toBe(0);
      expect(value("mx_bulkhead_connections", { api })).toBe(100);
    }
    const { mdApiKey, vendorClientId } = service.mx.credentials;
    for (const secret of [mdApiKey, vendorClientId]) expect(text).not.toContain(secret);
  });

  it("counts a create whose answer was lost, and a half-made user that is completed", async () => {
    await using service = await start({ apis: "sso" });
    service.mx.failNext({ kind: "reset", when: "after" }, { operation: "sso.create_user" });
    service.mx.failNext({ kind: "status", status: 422 }, { operation: "sso.create_member" });

    expect((await service.post("ada")).status).toBe(502);
    const half = await scrape(service.operationsUrl);
    expect(half.value("bff_provisioning_total", { event: "user_created" })).toBe(1);
    expect(half.value("bff_provisioning_total", { event: "member_created" })).toBe(0);

    expect((await service.post("ada")).status).toBe(200);
    const healed = await scrape(service.operationsUrl);
    expect(healed.value("bff_provisioning_total", { event: "user_created" })).toBe(1);
    expect(healed.value("bff_provisioning_total", { event: "member_created" })).toBe(1);
    expect(healed.value("bff_provisioning_total", { event: "user_healed" })).toBe(1);
  });

  it("shows a refused key, a breaker that is open, and what is then not sent", async () => {
    await using service = await start();
    await service.post("ada");
    service.mx.failNext({ kind: "status", status: 401 });
    await service.post("ada");
    service.mx.failNext({ kind: "status", status: 502 }, { times: Number.POSITIVE_INFINITY });
    for (let time = 0; time < 15; time += 1) {
      await Promise.all(["a", "b"].map((name) => service.post(`${name}-${time}`)));
    }

    const { value } = await scrape(service.operationsUrl);

    const ofPlatform = { tenant: "default", api: "platform" };
    expect(
      value("mx_upstream_key_refusals_total", { ...ofPlatform, http_response_status_code: "401" }),
    ).toBe(1);
    expect(value("mx_circuit_breaker_state", ofPlatform)).toBe(2);
    expect(
      value("mx_upstream_not_sent_total", { ...ofPlatform, reason: "circuit_open" }),
    ).toBeGreaterThan(0);
    expect(
      value("mx_upstream_retries_total", { ...ofPlatform, outcome: "ambiguous" }),
    ).toBeGreaterThan(0);
    expect(value("bff_sessions_total", { result: "upstream-unavailable" })).toBeGreaterThan(0);
  });

  it("shows when it is draining", async () => {
    await using service = await start();
    service.service.drain();

    const { value } = await scrape(service.operationsUrl);

    expect(value("bff_draining")).toBe(1);
    expect(value("bff_ready")).toBe(0);
  });

  it("is not on the public port", async () => {
    await using service = await start();
    expect((await request(service.url).get("/metrics")).status).toBe(404);
  });
});

describe("after a bad night", async () => {
  await using service = await startForABadNight();
  await haveABadNight(service);
  const night = await scrape(service.operationsUrl);
  /** What is exported only where files are configured. */
  const withFiles = await scrapeWithFiles();
  const types = new Map([...night.types, ...withFiles.types]);
  const allSeries = [...night.series, ...withFiles.series];
  await sendHostile(service, 1000);
  const hostile = await scrape(service.operationsUrl);

  it("there are at most 200 series of one tenant, hostile requests included", () => {
    expect(hostile.series.length).toBeGreaterThan(100);
    expect(hostile.series.length).toBeLessThanOrEqual(200);
  });

  it("no label has anything of a caller, and nothing anywhere is secret", async () => {
    const { clientId, apiKey, ssoKey, clientGuid } = service.mx.credentials;
    for (const secret of [clientId, apiKey, ssoKey, clientGuid, "ada", "often", "USR-", "M-"]) {
      expect(hostile.text).not.toContain(secret);
    }
    expect(hostile.text).not.toMatch(/canary|nowhere|Bearer|eyJ|\/md\//);
  });

  it("each metric that is declared has a value", () => {
    for (const [name, type] of night.types) {
      const sample = type === "histogram" ? `${name}_count` : name;
      expect(night.value(sample), name).toBeDefined();
    }
  });

  it("the dashboard and the alerts use metrics and labels that exist", () => {
    const uses = [...dashboardExpressions(), ...alertExpressions()].flatMap(toUses);
    expect(uses.length).toBeGreaterThan(60);
    for (const { name, labels } of uses) {
      const found = allSeries.find((series) => series.name === name);
      expect(found, `${name} is exported`).toBeDefined();
      for (const label of labels) {
        if (label === "instance" || label === "job") continue; // Prometheus adds them.
        expect(Object.keys(found?.labels ?? {}), `labels of ${name}`).toContain(label);
      }
    }
  });

  it("the documents list each metric with its type and its labels, and no other", () => {
    const rows = file("docs/observability.md").matchAll(
      /^\| `(\w+)` \| (counter|gauge|histogram) \|([^|]*)\|/gm,
    );
    const documented = [...rows].map(([, name = "", type = "", labels = ""]) => ({
      name,
      type,
      labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label).sort(),
    }));
    const exported = [...types].map(([name, type]) => {
      const series = allSeries.find((one) => one.name.startsWith(name));
      const labels = Object.keys(series?.labels ?? {}).filter((label) => label !== "le");
      return { name, type, labels: labels.sort() };
    });
    const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name);
    expect(documented.sort(byName)).toEqual(exported.sort(byName));
  });

  it.skipIf(!hasPromtool)("promtool finds no fault in the text (skipped without promtool)", () => {
    expect(promtool(["check", "metrics"], hostile.text)).toEqual({ status: 0, output: "" });
  });
});

describe("the alert rules", () => {
  it("have each a test in which it fires, and a place in the documents", () => {
    const fired = new Set(
      parse(file("deploy/prometheus/alerts.test.yaml")).tests.flatMap(
        (test: { alert_rule_test?: { alertname: string; exp_alerts: unknown[] }[] }) =>
          (test.alert_rule_test ?? [])
            .filter(({ exp_alerts }) => exp_alerts.length > 0)
            .map(({ alertname }) => alertname),
      ),
    );
    for (const { alert, annotations, labels } of alerts()) {
      expect(fired, alert).toContain(alert);
      expect(["page", "ticket"]).toContain(labels.severity);
      expect(annotations.runbook_url).toBe(`${RUNBOOKS}/docs/operations.md#${alert.toLowerCase()}`);
      const [, section = ""] = file("docs/operations.md").split(`\n### ${alert}\n`);
      const [runbook = ""] = section.split("\n#");
      for (const part of ["Us or MX?", "Look at", "Do", "Call MX?"])
        expect(runbook, alert).toContain(`\n- **${part}** `);
      expect(file("docs/observability.md")).toContain(`\`${alert}\``);
    }
  });
});

async function scrapeWithFiles(): Promise<Scrape> {
  using certificates = makeCertificates();
  using volume = mountVolume({ cert: certificates.good.cert, key: certificates.good.key });
  const [cert, key] = [volume.path("cert"), volume.path("key")];
  const ofClient = { MX_CLIENT_CERT_FILE: cert, MX_CLIENT_KEY_FILE: key };
  const environment = { TLS_CERT_FILE: cert, TLS_KEY_FILE: key, ...ofClient };
  await using service = await start({ environment });
  return await scrape(service.operationsUrl);
}

const RUNBOOKS = `${JSON.parse(file("package.json")).bugs.replace(/\/issues$/, "")}/blob/main`;

type Alert = {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { runbook_url: string };
};

function alerts(): Alert[] {
  return parse(file("deploy/prometheus/alerts.yaml")).groups.flatMap(
    (group: { rules: Alert[] }) => group.rules,
  );
}

/** Of recording rules, too; what they record is none of the service's metrics. */
function alertExpressions(): string[] {
  const { groups } = parse(file("deploy/prometheus/rules.yaml"));
  const recording = groups.flatMap((group: { rules: { expr: string }[] }) => group.rules);
  return [...alerts(), ...recording].map(({ expr }) =>
    expr.replace(/\b(instance:)?mx_session_bff[\w:]*/g, "recorded:rule"),
  );
}

function dashboardExpressions(): string[] {
  const { panels } = JSON.parse(file("deploy/grafana/dashboard.json"));
  return panels.flatMap(({ targets = [] }: { targets?: { expr: string }[] }) =>
    targets.map(({ expr }) => expr),
  );
}

/** The metrics of an expression, with the labels that it selects. Those that it groups by are checked by Prometheus' tests. */
function toUses(expression: string): { name: string; labels: string[] }[] {
  const metrics = expression.matchAll(/\b((?:bff|mx|http|nodejs|process)_\w+)(?:\{([^}]*)\})?/g);
  return [...metrics]
    .filter(([, name = ""]) => !/^http_(request_method|route|response_status_\w+)$/.test(name))
    .map(([, name = "", selector = ""]) => ({
      name,
      labels: [...selector.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = ""]) => label),
    }));
}

/** Paths, methods and headers that try to become labels. */
async function sendHostile(service: Started, count: number): Promise<void> {
  const { hostname, port } = new URL(service.url);
  const paths = [
    "/session",
    "/session/",
    "/user/widget_urls",
    "/problems/x",
    "/%2e%2e",
    "/metrics",
  ];
  const methods = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "HEAD"];
  const one = (at: number) =>
    new Promise<void>((resolve) => {
      const noise = `canary${at}\u00ff"\\{}`;
      const sent = send({
        hostname,
        port,
        method: methods[at % methods.length],
        path: at % 3 === 0 ? `/canary-${at}?k=canary` : paths[at % paths.length],
        headers: {
          authorization: at % 2 === 0 ? `Bearer ${noise}` : `canary-${at} x`,
          "x-request-id": noise,
          traceparent: noise,
          "user-agent": noise,
          ...(at % 5 === 0 && { origin: `https://canary-${at}.example` }),
        },
      });
      sent.on("response", (response) => response.resume().once("close", resolve));
      sent.on("error", () => resolve());
      sent.end();
    });
  for (let at = 0; at < count; at += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, next) => one(at + next)));
  }
}
