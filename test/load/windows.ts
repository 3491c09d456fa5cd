/** Promises speak of every ten seconds, wherever they begin. */

export const WINDOW_SECONDS = 10;

/** All runs of ten neighbours; what is shorter than that is one window. */
export function toWindows<T>(seconds: readonly T[]): T[][] {
  const count = Math.max(1, seconds.length - WINDOW_SECONDS + 1);
  return Array.from({ length: count }, (_, start) => seconds.slice(start, start + WINDOW_SECONDS));
}

export function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / Math.max(1, numbers.length);
}
