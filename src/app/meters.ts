/** The Prometheus client, with one registry and the few options that differ here. */

import { Counter, Gauge, Histogram, type LabelValues, type Registry } from "@prometheus-io/client";

/** Seconds. A session waits for one to three round trips to MX. */
const BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5];

export type Meters = ReturnType<typeof createMeters>;

/** Reads a value at the scrape; `undefined` if there is none yet. */
type Read = () => number | undefined;

export function createMeters(registry: Registry) {
  const registers = [registry];
  return {
    counter: <Label extends string = never>(name: string, help: string, ...labelNames: Label[]) =>
      new Counter<Label>({ name, help, labelNames, registers }),

    histogram: <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
      new Histogram<Label>({ name, help, labelNames, registers, buckets: BUCKETS }),

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

    /** Gives what adds one more series. */
    gauges<Label extends string>(name: string, help: string, ...labelNames: Label[]) {
      const all: { labels: LabelValues<Label>; read: Read }[] = [];
      new Gauge<Label>({
        name,
        help,
        labelNames,
        registers,
        collect() {
          for (const { labels, read } of all) {
            const value = read();
            if (value !== undefined) this.set(labels, value);
          }
        },
      });
      return (labels: LabelValues<Label>, read: Read) => void all.push({ labels, read });
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

/** An error in counting must not fail the request. A missing metric shows on the dashboard. */
export function neverThrows<Arguments extends unknown[]>(
  record: (...values: Arguments) => void,
): (...values: Arguments) => void {
  return (...values) => {
    try {
      record(...values);
    } catch {
      // See above.
    }
  };
}
