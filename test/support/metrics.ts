/** What `/metrics` says, taken apart; and traffic in which everything happens that is counted. */

import { spawnSync } from "node:child_process";
import request from "supertest";
import { WIDGET_TYPES } from "../../src/session/widget-options.ts";
import { type Started, type StartOptions, start } from "./start.ts";

export type Series = { name: string; labels: Record<string, string>; value: number };

export type Scrape = {
  text: string;
  series: Series[];
  /** Of the metrics, as declared by `# TYPE`. */
  types: Map<string, string>;
  /** The sum of the series that have these labels; `undefined` where there is none. */
  value(name: string, labels?: Record<string, string>): number | undefined;
};

export async function scrape(operationsUrl: string): Promise<Scrape> {
  const response = await fetch(`${operationsUrl}/metrics`);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`/metrics answered ${response.status}`);
  const lines = text.split("\n").filter((line) => line !== "");
  const series = lines.filter((line) => !line.startsWith("#")).map(toSeries);
  const types = new Map(
    lines
      .map((line) => /^# TYPE (\S+) (\S+)$/.exec(line))
      .filter((match) => match !== null)
      .map(([, name = "", type = ""]) => [name, type]),
  );
  return {
    text,
    series,
    types,
    value(name, labels = {}) {
      const found = series.filter(
        (one) =>
          one.name === name &&
          Object.entries(labels).every(([label, value]) => one.labels[label] === value),
      );
      return found.length === 0 ? undefined : found.reduce((sum, one) => sum + one.value, 0);
    },
  };
}

function toSeries(line: string): Series {
  const [, name = "", labels = "", value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
  const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
  return {
    name,
    labels: Object.fromEntries(pairs.map(([, label = "", text = ""]) => [label, text])),
    value: Number(value),
  };
}

/** A service for `haveABadNight`: both APIs, limits that are soon reached, a Redis that is not there. */
export function startForABadNight(options: StartOptions = {}): Promise<Started> {
  return start({
    apis: "both",
    environment: {
      RATE_LIMIT_USER: "40/1m",
      REDIS_URL: "redis://127.0.0.1:1",
      MX_CONNECTIONS: "1",
      MEMBER_CREDENTIALS: "claim",
      MEMBER_USERKEY_CLAIM: "sub",
      MEMBER_USERKEY_EXPIRES: "true",
      MEMBER_USERKEY_SECRET: "",
    },
    ...options,
  });
}

/** First and later logins, logins and bodies that are refused, and each way in which MX fails. */
export async function haveABadNight(service: Started): Promise<void> {
  const { mx } = service;
  const failAll = Number.POSITIVE_INFINITY;
  await service.post("ada");
  await service.post("ada");
  await service.post("ada", { widget_url: { nonsense: 1 } });
  for (let time = 0; time < 6; time += 1) {
    await service.check(service.request().set("Authorization", "Bearer a.b.c"));
  }
  for (let time = 0; time < 45; time += 1) await service.post("often", { widget_url: { no: 1 } });
  await request(service.url).get("/openapi.yaml");
  await request(service.url).get("/nowhere?key=canary");

  mx.failNext({ kind: "status", status: 503 }, { operation: "sso.read_user", times: 2 });
  await service.post("ada");
  for (const status of [401, 403, 422]) {
    mx.failNext({ kind: "status", status }, { operation: "platform.request_widget_url" });
    await service.post("ada");
  }
  for (const type of WIDGET_TYPES) {
    await service.post(`w-${type.slice(0, 4)}`, { widget_url: { widget_type: type } });
  }
  mx.failNext({ kind: "wrongUser" }, { operation: "sso.read_user" });
  await service.post("ada");
  mx.settings.latencyMs = 200;
  await Promise.all(Array.from({ length: 12 }, (_, at) => service.post(`u-${at}`)));
  mx.settings.latencyMs = 0;
  mx.failNext({ kind: "status", status: 502 }, { times: failAll });
  await Promise.all(Array.from({ length: 40 }, (_, at) => service.post(`v-${at}`)));
  mx.clearFaults();
}

/** In the folder of the rules. */
export function promtool(
  args: string[],
  input?: string,
): { status: number | null; output: string } {
  const cwd = new URL("../../deploy/prometheus/", import.meta.url);
  const { status, stdout, stderr } = spawnSync("promtool", args, { cwd, input });
  return { status, output: `${stdout}${stderr}` };
}
