/** Looks at something once a second until disposed. */

export type Sampler<T> = Disposable & { samples: readonly T[] };

export function startSampler<T>(look: () => T | Promise<T>): Sampler<T> {
  const samples: T[] = [];
  const timer = setInterval(async () => samples.push(await look()), 1000);
  return { samples, [Symbol.dispose]: () => clearInterval(timer) };
}
