/** What repeats itself or takes long: `npm test` runs a part of it, and `npm run test:release` all. */

export const RUNS_ALL = process.env.TEST_ALL === "true";

/** Of a property, or of random cases. */
export const runsOf = (all: number) => (RUNS_ALL ? all : Math.ceil(all / 10));

/** Of rows that go the same way through the code: the first ones. */
export const rowsOf = <T>(all: readonly T[], count: number) =>
  RUNS_ALL ? all : all.slice(0, count);
