/** Rounds on a machine that others use too: the middle tells, and the spread says how far to trust it. */

export type Spread = { median: number; min: number; max: number };

export function toSpread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low = 0, high = low] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return { median: (low + high) / 2, min: sorted[0] ?? 0, max: sorted.at(-1) ?? 0 };
}

/** Of each round's pair: what disturbs a round disturbs both, more or less. */
export function toRatios(values: readonly number[], base: readonly number[]): Spread {
  return toSpread(values.map((value, round) => value / (base[round] ?? Number.NaN)));
}
