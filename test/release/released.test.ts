/**
 * What has been released stays: versions agree, and the contract is not broken without anybody noticing.
 *
 * `released-openapi.yaml` is openapi.yaml as of the last release; a release replaces it (CONTRIBUTING.md).
 */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";

const ROOT = new URL("../../", import.meta.url).pathname;
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

describe("the version", () => {
  const [latest] = [...read("CHANGELOG.md").matchAll(/^## \[(\d[^\]]*)\]/gm)].map(([, it]) => it);

  it("is the same in package.json, the lock file, openapi.yaml and the changelog", () => {
    const { version } = JSON.parse(read("package.json"));

    expect(JSON.parse(read("package-lock.json")).version).toBe(version);
    expect(parse(read("openapi.yaml")).info.version).toBe(version);
    expect(latest).toBe(version);
  });

  it("is that of the released contract that changes are compared with", () => {
    expect(parse(read("test/contract/released-openapi.yaml")).info.version).toBe(latest);
  });
});

describe("npm run contract:diff", () => {
  const [, command = ""] =
    /^redocly (diff .*)$/.exec(JSON.parse(read("package.json")).scripts["contract:diff"]) ?? [];

  it.each([
    ["a path that is gone", (contract: Contract) => delete contract.paths["/user/widget_urls"]],
    [
      "a body that is now required",
      (contract: Contract) =>
        Object.assign(contract.paths["/session"].post.requestBody, { required: true }),
    ],
    [
      "a change of words",
      (contract: Contract) => Object.assign(contract.info, { summary: "Other." }),
    ],
  ])("judges %s", (name, plant) => {
    const folder = mkdtempSync(join(tmpdir(), "contract-"));
    const contract: Contract = parse(read("openapi.yaml"));
    plant(contract);
    writeFileSync(join(folder, "openapi.yaml"), stringify(contract));
    const args = command.replace(/ openapi\.yaml/, ` ${folder}/openapi.yaml`).split(" ");

    const { status } = spawnSync(join(ROOT, "node_modules/.bin/redocly"), args, { cwd: ROOT });

    expect(status).toBe(name === "a change of words" ? 0 : 1);
    rmSync(folder, { recursive: true });
  });
});

// biome-ignore lint/suspicious/noExplicitAny: a document to plant changes in.
type Contract = any;
