/**
 * What this process uses, under the names that Prometheus's client libraries share.
 *
 * Our own, as the library's set has some 150 series, and timers and observers that nobody can stop.
 */

import { readdirSync, readFileSync } from "node:fs";
import {
  constants,
  monitorEventLoopDelay,
  type PerformanceEntry,
  PerformanceObserver,
  performance,
} from "node:perf_hooks";
import { Counter, Gauge, type Registry } from "@prometheus-io/client";

const GC_KINDS = new Map([
  [constants.NODE_PERFORMANCE_GC_MAJOR, "major"],
  [constants.NODE_PERFORMANCE_GC_MINOR, "minor"],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, "incremental"],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, "weakcb"],
]);

/** Between two looks at the event loop. Node counts it as part of the delay. */
const RESOLUTION_MS = 20;

/** Gives the function that ends it. */
export function registerProcessMetrics(registers: Registry[]): () => void {
  const gauge = (name: string, help: string, read: () => number | undefined) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        const value = read();
        if (value !== undefined) this.set(value);
      },
    });

  let cpuBefore = 0;
  new Counter({
    name: "process_cpu_seconds_total",
    help: "CPU time, user and system.",
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      const cpu = (user + system) / 1e6;
      this.inc(cpu - cpuBefore);
      cpuBefore = cpu;
    },
  });
  gauge("process_start_time_seconds", "Start, in seconds since 1970.", () => {
    return performance.timeOrigin / 1000;
  });
  gauge("process_resident_memory_bytes", "Resident memory.", () => process.memoryUsage.rss());
  gauge("process_open_fds", "Open file descriptors (Linux).", openFiles);
  gauge("process_max_fds", "File descriptors that may be open (Linux).", maxFiles);
  gauge("nodejs_heap_size_used_bytes", "Heap in use.", () => process.memoryUsage().heapUsed);
  gauge("nodejs_heap_size_total_bytes", "Heap.", () => process.memoryUsage().heapTotal);
  gauge("nodejs_external_memory_bytes", "Memory of objects bound to the heap.", () => {
    return process.memoryUsage().external;
  });

  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  const lag = { mean: 0, p99: 0, max: 0 };
  gauge("nodejs_eventloop_lag_mean_seconds", "Mean lag since the last scrape.", () => {
    lag.mean = toLagSeconds(delay.mean);
    lag.p99 = toLagSeconds(delay.percentile(99));
    lag.max = toLagSeconds(delay.max);
    delay.reset();
    return lag.mean;
  });
  gauge("nodejs_eventloop_lag_p99_seconds", "99th percentile since then.", () => lag.p99);
  gauge("nodejs_eventloop_lag_max_seconds", "Longest lag since then.", () => lag.max);
  let utilization = performance.eventLoopUtilization();
  gauge("nodejs_eventloop_utilization_ratio", "Busy share of the event loop, 0 to 1.", () => {
    const before = utilization;
    utilization = performance.eventLoopUtilization();
    return performance.eventLoopUtilization(utilization, before).utilization;
  });

  const labels = { labelNames: ["kind"] as const, registers };
  const collections = new Counter({
    name: "nodejs_gc_runs_total",
    help: "Garbage collections.",
    ...labels,
  });
  const collectionSeconds = new Counter({
    name: "nodejs_gc_duration_seconds_total",
    help: "Time in garbage collections.",
    ...labels,
  });
  for (const kind of ["major", "minor"]) {
    collections.inc({ kind }, 0);
    collectionSeconds.inc({ kind }, 0);
  }
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const kind =
        GC_KINDS.get((entry as PerformanceEntry & { detail: { kind: number } }).detail.kind) ??
        "other";
      collections.inc({ kind });
      collectionSeconds.inc({ kind }, entry.duration / 1000);
    }
  });
  observer.observe({ entryTypes: ["gc"] });

  return () => {
    observer.disconnect();
    delay.disable();
  };
}

/** From nanoseconds between two looks; `NaN` where there was none. */
function toLagSeconds(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1000) || 0;
}

function openFiles(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length - 1; // The folder itself is one of them.
  } catch {
    return undefined;
  }
}

function maxFiles(): number | undefined {
  try {
    const [, soft] =
      /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}
