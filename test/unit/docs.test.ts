/**
 * What the documents name exists: the files that they link to, the headings, and the tests that they give as proof.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = new URL("../../", import.meta.url).pathname;

const PAGES = [
  ...["README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md"],
  ...readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".md"))
    .map((path) => join("docs", path)),
  ...["embed", "simulator"].map((name) => `packages/${name}/README.md`),
];

const read = (page: string) => readFileSync(join(ROOT, page), "utf8");

/** The anchors of a page, as GitHub makes them from its headings. */
function anchorsOf(page: string): string[] {
  return [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** A test is named by its path below test/, with or without its ending. */
const TEST_NAME =
  /`((?:unit|integration|contract|processes|browser|release|slow)\/[\w/-]+(?:\.test\.ts)?|[\w/-]+\.test\.ts)`/g;

describe.each(PAGES)("%s", (page) => {
  it("links to files and headings that exist", () => {
    const links = [...read(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)];
    const broken = links.filter(([, path = "", anchor]) => {
      const target = path ? relative(ROOT, resolve(ROOT, dirname(page), path)) : page;
      if (!existsSync(join(ROOT, target))) return true;
      return anchor && target.endsWith(".md") && !anchorsOf(target).includes(anchor);
    });
    expect(broken.map(([link]) => link)).toEqual([]);
  });

  it("names tests that exist", () => {
    const named = [...read(page).matchAll(TEST_NAME)].map(([, name = ""]) => name);
    const missing = named.filter((name) => {
      const path = name.replace(/^test\//, "").replace(/(\.test\.ts)?$/, ".test.ts");
      return !existsSync(join(ROOT, "test", path));
    });
    expect(missing).toEqual([]);
  });
});

/** Guides name files of the reader's own project. */
const ABOUT_THIS_PROJECT = PAGES.filter((page) => !page.startsWith("docs/guides/"));

it.each(ABOUT_THIS_PROJECT)("%s names sources that exist", (page) => {
  const named = [...read(page).matchAll(/`((?:src|bench|demo|deploy|scripts)\/[\w./-]+)`/g)];
  const missing = named.filter(([, path = ""]) => !existsSync(join(ROOT, path)));
  expect(missing.map(([, path]) => path)).toEqual([]);
});
