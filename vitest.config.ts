import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/slow/**"], // npm run test:slow
    testTimeout: 15_000,
    maxWorkers: 3, // Much of it is waiting for clocks and peers.
  },
});
