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

    /** Adds by label values. `declare` makes a series with 0, so that its first event shows as an increase. */
    counter<Label extends string>(name: string, help: string, ...labelNames: Label[]) {
      const all: { labels: LabelValues<Label>; since: number }[] = [];
      const series = remember(labelNames, (labels) => {
        const one = { labels, since: 0 };
        all.push(one);
        return one;
      });
      new Counter({
        name,
        help,
        labelNames,
        registers,
        collect() {
          for (const one of all) {
            this.inc(one.labels, one.since);
            one.since = 0;
          }
        },
      });
      return {
        add(...values: string[]) {
          series(values).since += 1; // The library would look the series up anew each time.
        },
        declare: (...values: string[]) => void series(values),
      };
    },

    /** Without labels; `read` gives the number so far. */
    total(name: string, help: string, read: () => number): void {
      let before = 0;
      new Counter({
        name,
        help,
        registers,
        collect() {
          const now = read();
          this.inc(now - before);
          before = now;
        },
      });
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

function observe<Label extends string>(histogram: Histogram<Label>, labelNames: readonly Label[]) {
  const child = remember(labelNames, (labels) => histogram.labels(labels));
  return (seconds: number, ...values: string[]) => child(values).observe(seconds);
}

type Level<Child> = { path: readonly string[]; next: Map<string, Level<Child>>; child?: Child };

/** Per set of label values one child, made once. What is beyond the bound shares one in which the last label is `other`. */
function remember<Label extends string, Child>(
  labelNames: readonly Label[],
  create: (labels: LabelValues<Label>) => Child,
): (values: readonly string[]) => Child {
  const last = labelNames.length - 1;
  const root: Level<Child> = { path: [], next: new Map() };

  /** A level for each label: to join the values to one key would cost more than all else here. */
  function levelOf({ path, next }: Level<Child>, value: string): Level<Child> {
    const known = next.get(value);
    if (known) return known;
    if (path.length === last && next.size >= MAX_OPEN_VALUES && value !== "other")
      return levelOf({ path, next }, "other");
    const level: Level<Child> = { path: [...path, value], next: new Map() };
    next.set(value, level);
    return level;
  }

  return function childOf(values) {
    let level = root;
    for (const value of values) level = levelOf(level, value);
    level.child ??= create(toLabels(labelNames, level.path));
    return level.child;
  };
}

function toLabels<Label extends string>(names: readonly Label[], values: readonly string[]) {
  return Object.fromEntries(names.map((name, at) => [name, values[at]])) as LabelValues<Label>;
}
