/** A straight line through samples taken at equal distances. */

export type Slope = {
  perSample: number;
  /** The true slope is within ± this, nineteen times of twenty. */
  uncertainty: number;
};

/**
 * A process takes and returns memory in steps, so neighbouring samples say the same thing twice, and a fit through all of
 * them would look far too certain. The means of twelve stretches are nearly independent.
 */
const STRETCHES = 12;
/** Student's t for 95 % and 12 - 2 degrees of freedom. */
const T = 2.23;

/** `undefined`: too few samples to say anything. */
export function fitSlope(samples: readonly number[]): Slope | undefined {
  const length = Math.floor(samples.length / STRETCHES);
  if (length === 0) return undefined;
  const stretches = Array.from({ length: STRETCHES }, (_, index) =>
    mean(samples.slice(index * length, (index + 1) * length)),
  );
  const middle = (STRETCHES - 1) / 2;
  const average = mean(stretches);
  const spread = sum(stretches.map((_, index) => (index - middle) ** 2));
  const slope = sum(stretches.map((value, index) => (index - middle) * (value - average))) / spread;
  const residuals = stretches.map((value, index) => value - average - slope * (index - middle));
  const variance = sum(residuals.map((residual) => residual ** 2)) / (STRETCHES - 2);
  return { perSample: slope / length, uncertainty: (T * Math.sqrt(variance / spread)) / length };
}

function mean(numbers: readonly number[]): number {
  return sum(numbers) / numbers.length;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
