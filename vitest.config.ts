import { defineConfig } from "vitest/config";

/** Browsers come last and among themselves: beside them, tests of time limits would measure the machine. */
export default defineConfig({
  test: {
    testTimeout: 15_000,
    isolate: false, // No module keeps state, so a worker reads each only once.
    projects: [
      {
        extends: true,
        test: {
          name: "service",
          include: ["test/**/*.test.ts"],
          exclude: ["test/browser/**", "test/slow/**"], // npm run test:slow
          maxWorkers: 4, // Much of it is waiting for clocks and peers.
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          maxWorkers: 3,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
