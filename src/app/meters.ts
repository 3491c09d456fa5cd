/**
 * The Prometheus client, with one registry and the few options that differ here. No metric is declared before it has a series.
 *
 * An error in counting must not fail the request, so what counts never throws. A missing metric shows on the dashboard.
 */

import { Counter, Gauge, Histogram, type LabelValues, type Registry } from "@prometheus-io/client";

/** Seconds. A session waits for one to three round trips to MX. */
const BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5];

export type Meters = ReturnType<typeof createMeters>;

/** Reads a value at the scrape; `undefined` if there is none yet. */
type Read = () => number | undefined;

export function createMeters(registry: Registry) {
  const registers = [registry];

  /** Gives what adds one more series. */
  function gauges<Label extends string>(name: string, help: string, labelNames: Label[]) {
    const all: { labels: LabelValues<Label>; read: Read }[] = [];
    function collect(this: Gauge<Label>): void {
      for (const { labels, read } of all) {
        const value = read();
        if (value !== undefined) this.set(labels, value);
      }
    }
    return (labels: LabelValues<Label>, read: Read) => {
      if (all.push({ labels, read }) === 1)
        new Gauge<Label>({ name, help, labelNames, registers, collect });
    };
  }

  return {
    gauges,

    /** Without labels. */
    gauge: (name: string, help: string, read: Read) => gauges<string>(name, help, [])({}, read),

    /** Gives what counts; 0 only makes the series. */
    counter<Label extends string>(name: string, help: string, labelNames: Label[]) {
      let counter: Counter<Label> | undefined;
      return neverThrows((labels: LabelValues<Label>, count?: number) => {
        counter ??= new Counter<Label>({ name, help, labelNames, registers });
        counter.inc(labels, count);
      });
    },

    /** Gives what observes a duration in milliseconds. */
    histogram<Label extends string>(name: string, help: string, labelNames: Label[]) {
      const buckets = BUCKETS;
      const histogram = new Histogram<Label>({ name, help, labelNames, registers, buckets });
      return neverThrows((labels: LabelValues<Label>, durationMs: number) =>
        histogram.observe(labels, durationMs / 1000),
      );
    },

    /** For a counter that is kept elsewhere. */
    total(name: string, help: string, read: () => number): void {
      new Counter({
        name,
        help,
        registers,
        collect() {
          this.reset();
          this.inc(read());
        },
      });
    },
  };
}

function neverThrows<Arguments extends unknown[]>(
  record: (...values: Arguments) => void,
): (...values: Arguments) => void {
  return (...values) => {
    try {
      record(...values);
    } catch {
      // The comment on this file says why.
    }
  };
}
