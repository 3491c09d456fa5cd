import { defineConfig } from "vitest/config";

/** `npm run test:slow`: what takes too long for every change, one file after the other. */
export default defineConfig({
  test: {
    include: ["test/slow/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 30_000,
    fileParallelism: false,
  },
});
