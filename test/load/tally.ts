/**
 * What came of the requests of a load run, second by second.
 *
 * Requests count in the second they were due, answers in the second they came. Latency runs from when a request was
 * due, so that a service which makes its callers queue cannot hide it.
 */

export type Result = "ok" | "shed" | "other";

export type Latency = { p50: number; p99: number; max: number };

export type Second = {
  sent: number;
  ok: number;
  shed: number;
  other: number;
  okMs: Latency;
  shedMs: Latency;
  /** The longest that a request, once written, had to wait for its ending, whatever it was. */
  slowestMs: number;
};

export type LoadResult = {
  /** Epoch milliseconds. */
  startedAt: number;
  /** As long as requests were sent; a last one that was not full is left out. */
  seconds: Second[];
  /** Everything, also what came after the last second. */
  total: Second;
  /** Of `other`: `504 upstream-timeout`, `cut`, … */
  others: Record<string, number>;
  /** Refusals for overload that did not say when to come back. */
  shedsWithoutRetryAfter: number;
  /** How late the generator was at worst with sending what was due. */
  lagMs: number;
  /** Of another user, or handed out before. */
  wrongUrls: number;
};

export type Tally = {
  sent(dueMs: number): void;
  ended(result: Result, times: { dueMs: number; nowMs: number; waitedMs: number }): void;
  seconds(count: number): Second[];
  total(): Second;
};

type Bucket = {
  sent: number;
  other: number;
  ok: number[];
  shed: number[];
  slowestMs: number;
};

/** Times are milliseconds since the start of the run. */
export function createTally(): Tally {
  const buckets: Bucket[] = [];

  function at(ms: number): Bucket {
    const index = Math.max(0, Math.floor(ms / 1000));
    while (buckets.length <= index) buckets.push(createBucket());
    return buckets[index] ?? createBucket();
  }

  return {
    sent(dueMs) {
      at(dueMs).sent += 1;
    },
    ended(result, { dueMs, nowMs, waitedMs }) {
      const bucket = at(nowMs);
      if (result === "other") bucket.other += 1;
      else bucket[result].push(nowMs - dueMs);
      bucket.slowestMs = Math.max(bucket.slowestMs, waitedMs);
    },
    seconds: (count) => Array.from({ length: count }, (_, index) => toSecond([at(index * 1000)])),
    total: () => toSecond(buckets),
  };
}

function createBucket(): Bucket {
  return { sent: 0, other: 0, ok: [], shed: [], slowestMs: 0 };
}

function toSecond(buckets: readonly Bucket[]): Second {
  const ok = buckets.flatMap((bucket) => bucket.ok);
  const shed = buckets.flatMap((bucket) => bucket.shed);
  return {
    sent: sum(buckets.map(({ sent }) => sent)),
    ok: ok.length,
    shed: shed.length,
    other: sum(buckets.map(({ other }) => other)),
    okMs: toLatency(ok),
    shedMs: toLatency(shed),
    slowestMs: buckets.reduce((slowest, each) => Math.max(slowest, each.slowestMs), 0),
  };
}

function toLatency(values: readonly number[]): Latency {
  const sorted = Float64Array.from(values).sort();
  const quantile = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
  return { p50: quantile(0.5), p99: quantile(0.99), max: quantile(1) };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
