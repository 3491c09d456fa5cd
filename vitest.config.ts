import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 15_000,
    maxWorkers: 3, // Much of it is waiting for clocks and peers.
  },
});
