import { globSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { defineConfig, type Plugin } from "vitest/config";

const SOURCES = resolve("src");

/** Gives the tests what `npm run build` makes of src/. */
const insteadOfSources: Plugin = {
  name: "instead-of-sources",
  enforce: "pre",
  resolveId(specifier, importer) {
    const path = importer === undefined ? specifier : resolve(importer, "..", specifier);
    if (!specifier.startsWith(".") || !path.startsWith(`${SOURCES}/`)) return undefined;
    const built = path.replace(SOURCES, resolve("dist-test")).replace(/\.ts$/, ".js");
    return { id: built, external: true }; // Node loads it, as in the image.
  },
};

process.env.UV_THREADPOOL_SIZE = "1"; // So that a test can tell when a worker has nothing more to do (test/support/clock.ts).

const IN_PROCESS = "{unit,integration,contract}";

/** What `npm test` leaves to the tests of a release: the simulator, and the commands `--verify` and `--user`. */
const ASIDE = [
  "test/integration/{simulator,simulator-v3,user-command,verify}.test.ts",
  "test/contract/simulator.test.ts",
];

/** The files that `npm test` runs in part only. */
const IN_PART = globSync("test/{unit,integration,contract,processes}/**/*.test.ts").filter((path) =>
  readFileSync(path, "utf8").includes("/support/exhaustive.ts"),
);

/**
 * `npm test` runs the first three: everything in this process, real processes, and a real browser. `--project service`
 * alone is enough for most changes. `npm run test:release` runs the others. CONTRIBUTING.md says when.
 */
export default defineConfig({
  test: {
    testTimeout: 120_000, // Only catches what hangs: no test may depend on how fast the machine is.
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000, interval: 10 } }, // The same: it waits for an event.
    isolate: false, // No module keeps state, so a worker reads each only once.
    projects: [
      ...Object.entries({ service: IN_PROCESS, processes: "processes", browser: "browser" }).map(
        ([name, folder]) => ({
          extends: true as const,
          test: {
            name,
            include: [`test/${folder}/**/*.test.ts`],
            exclude: ASIDE,
            maxWorkers: 4, // Side by side: much of it is waiting for clocks and peers.
            sequence: { groupOrder: 1 },
          },
        }),
      ),
      {
        extends: true,
        test: {
          name: "release",
          include: ["test/release/**/*.test.ts"],
          maxWorkers: 3,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: "all",
          include: [...IN_PART, ...ASIDE],
          env: { TEST_ALL: "true" },
          maxWorkers: 3,
          sequence: { groupOrder: 3 },
        },
      },
      {
        extends: true,
        plugins: [insteadOfSources],
        test: {
          name: "built",
          include: ["test/integration/{mxconnect,sso-workflow,both-apis,service}.test.ts"],
          globalSetup: "test/support/build.ts",
          maxWorkers: 3,
          sequence: { groupOrder: 3 },
        },
      },
      {
        extends: true,
        test: {
          name: "engines",
          include: ["test/release/{mishaps,embed-blocked,hosted-engines}.test.ts"],
          env: { TEST_ENGINES: "firefox,webkit" },
          maxWorkers: 1, // One browser at a time: of two, WebKit kept one waiting for ever.
          retry: 1, // On a busy CPU, WebKitGTK under its driver at times stops loading pages, whichever.
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
});
