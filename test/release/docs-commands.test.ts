/**
 * The commands of the documentation, run as they stand there.
 *
 * Each block of shell commands says in a comment above it whether it is tested, and with what: `demo` is a running demo, `service`
 * the environment of an operator whose upstreams are well. Or why not.
 */

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Demo, startDemo } from "../support/demo.ts";
import { COMPILE_CACHE } from "../support/program.ts";
import { startUpstreams } from "../support/start.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const FILES = ["README.md", "CONTRIBUTING.md", "docs/demo.md", "docs/operations.md"];

type Block = { file: string; line: number; marker: string; script: string };

const blocks = FILES.flatMap((file) => {
  const text = readFileSync(join(ROOT, file), "utf8");
  return [...text.matchAll(/^(?:<!-- ([^\n]*) -->\n)?[ ]*```sh\n(.*?)^[ ]*```$/gms)].map(
    ({ 1: marker = "", 2: script = "", index }): Block => {
      return { file, line: text.slice(0, index).split("\n").length, marker, script };
    },
  );
});
const of = (kind: string) => blocks.filter(({ marker }) => marker === `tested: ${kind}`);

/** With `set -e`, so that the exit code is that of the first command that fails. */
function run(
  script: string,
  environment: Record<string, string | undefined>,
): Promise<{ code: number; output: string }> {
  const bin = join(ROOT, "node_modules/.bin");
  const env = {
    HOME: process.env.HOME,
    ...COMPILE_CACHE,
    ...environment,
    PATH: `${bin}:${process.env.PATH}`,
  };
  const options = { cwd: ROOT, env };
  return new Promise((resolve) => {
    execFile("bash", ["-euo", "pipefail", "-c", script], options, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
    );
  });
}

describe("the documentation", () => {
  it("says of each block of commands whether it is tested", () => {
    expect(blocks.length).toBeGreaterThan(10);
    const unclear = blocks.filter(
      ({ marker }) => !/^(tested: (demo|service)|not tested: .+)$/.test(marker),
    );
    expect(unclear.map(({ file, line }) => `${file}:${line}`)).toEqual([]);
  });

  it("links to files that there are", () => {
    const broken = FILES.flatMap((file) => {
      const text = readFileSync(join(ROOT, file), "utf8");
      const paths = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(
        ({ 1: path = "" }) => path,
      );
      return paths.filter((path) => !isThere(join(ROOT, dirname(file), path)));
    });
    expect(broken).toEqual([]);
  });
});

describe("the commands for an operator", () => {
  it.each(of("service"))("run: $file:$line", async ({ script }) => {
    await using upstreams = await startUpstreams();
    const { code, output } = await run(script, upstreams.environment("both"));

    expect([code, output]).toEqual([0, output]);
    if (script.includes("check")) expect(output).toMatch(/All is well|"ok": true/);
  });
});

describe("the commands beside a running demo", () => {
  let demo: Demo;
  beforeAll(async () => {
    demo = await startDemo("platform");
  });
  afterAll(() => demo[Symbol.asyncDispose]());

  /** The addresses of the documentation are those of a machine where no port is taken. */
  function here(script: string): string {
    const [service = ""] = /http:\/\/[\d.:]+(?=\/session)/.exec(demo.curl) ?? [];
    return script
      .replaceAll("http://127.0.0.1:3000", service)
      .replaceAll("http://127.0.0.1:4000", demo.pageUrl)
      .replaceAll(/http:\/\/127\.0\.0\.1:\d+\/_simulator/g, demo.controlUrl);
  }

  it.each(of("demo"))("run: $file:$line", async ({ script }) => {
    const { code, output } = await run(here(script), {});

    expect([code, output]).toEqual([0, output]);
    if (script.includes("/session"))
      expect(output).toMatch(/"widget_url":\{"type":"\w+","url":"http/);
    if (script.includes("_simulator")) {
      const failed = await run(here(of("demo")[0]?.script ?? ""), {});
      expect(failed.output).toContain("/problems/upstream-rejected");
    }
  });
});

function isThere(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EISDIR";
  }
}
