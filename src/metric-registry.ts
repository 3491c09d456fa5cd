/**
 * Prometheus' client library with less to say per metric: counters and histograms by label values, gauges that are read
 * when they are asked for.
 *
 * The hot path makes no label objects: each series is looked up by its values, and made once. How many there can be is
 * bounded, whatever the values are.
 */

import { Counter, Gauge, Histogram, type LabelValues, Registry } from "@prometheus-io/client";

/** Seconds. A session waits for one to three round trips to MX. */
const BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5];
/** Values of a label that is not a closed set in the code; more are counted as `other`. */
const MAX_OPEN_VALUES = 20;

export type MetricRegistry = ReturnType<typeof createMetricRegistry>;

export function createMetricRegistry() {
  const registry = new Registry();
  const registers = [registry];

  return {
    registers,
    contentType: registry.contentType,
    text: () => registry.metrics(),

    counter<Label extends string>(name: string, help: string, ...labelNames: Label[]) {
      return count(new Counter({ name, help, labelNames, registers }), labelNames);
    },

    histogram<Label extends string>(name: string, help: string, ...labelNames: Label[]) {
      const buckets = BUCKETS;
      return observe(new Histogram({ name, help, labelNames, registers, buckets }), labelNames);
    },

    /** Without labels. */
    gauge(name: string, help: string, read: () => number): void {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read());
        },
      });
    },

    /** Gives what adds one more reading; where it is `undefined`, the series stays as it was. */
    gauges<Label extends string>(name: string, help: string, ...labelNames: Label[]) {
      const readings: { labels: LabelValues<Label>; read: () => number | undefined }[] = [];
      new Gauge({
        name,
        help,
        labelNames,
        registers,
        collect() {
          for (const { labels, read } of readings) {
            const value = read();
            if (value !== undefined) this.set(labels, value);
          }
        },
      });
      return (labels: LabelValues<Label>, read: () => number | undefined) =>
        void readings.push({ labels, read });
    },
  };
}

/** Adds by label values. `declare` makes a series with 0, so that its first event shows as an increase. */
function count<Label extends string>(counter: Counter<Label>, labelNames: readonly Label[]) {
  const child = remember(labelNames, (labels) => {
    const series = counter.labels(labels);
    series.inc(0);
    return () => series.inc(1);
  });
  return {
    add: (...values: string[]) => child(values)(),
    declare: (...values: string[]) => void child(values),
  };
}

function observe<Label extends string>(histogram: Histogram<Label>, labelNames: readonly Label[]) {
  const child = remember(labelNames, (labels) => histogram.labels(labels));
  return (seconds: number, ...values: string[]) => child(values).observe(seconds);
}

/** Per set of label values one child, made once. What is beyond the bound shares one in which the last label is `other`. */
function remember<Label extends string, Child>(
  labelNames: readonly Label[],
  create: (labels: LabelValues<Label>) => Child,
): (values: string[]) => Child {
  const children = new Map<string, Child>();
  const seen = new Map<string, number>();

  return function childOf(values) {
    const key = values.join("\n");
    const known = children.get(key);
    if (known) return known;
    const group = values.slice(0, -1).join("\n");
    const siblings = seen.get(group) ?? 0;
    const last = values.at(-1);
    if (siblings >= MAX_OPEN_VALUES && last !== "other") {
      return childOf([...values.slice(0, -1), "other"]);
    }
    seen.set(group, siblings + 1);
    const labels = Object.fromEntries(labelNames.map((name, at) => [name, values[at] ?? ""]));
    const child = create(labels as LabelValues<Label>);
    children.set(key, child);
    return child;
  };
}
