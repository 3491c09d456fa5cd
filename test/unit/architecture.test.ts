/**
 * The pictures of docs/architecture.md, and the limits of the house, held against the code.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = new URL("../../", import.meta.url).pathname;
const SOURCES = join(ROOT, "src");
const PAGE = readFileSync(join(ROOT, "docs/architecture.md"), "utf8");

/** What every room may import, and which is not drawn. */
const GROUND = ["errors", "secret", "text"];

const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).filter((path) =>
  path.endsWith(".ts"),
);

/** The room of a path below src/: a folder, or a file of the root without its ending. */
const roomOf = (path: string) => path.split("/")[0]?.replace(/\.ts$/, "") ?? "";

function importsOf(path: string): string[] {
  const text = readFileSync(join(SOURCES, path), "utf8");
  const specifiers = text.matchAll(/(?:from |import\(|import )"(\.[^"]+)"/g);
  return [...specifiers].map(([, specifier = ""]) =>
    relative(SOURCES, join(SOURCES, dirname(path), specifier)),
  );
}

const arrows = new Set(
  files.flatMap((path) =>
    importsOf(path)
      .map(roomOf)
      .filter((room) => room !== roomOf(path) && !GROUND.includes(room) && room !== "..")
      .map((room) => `${roomOf(path)} -> ${room}`),
  ),
);

it("the picture of the rooms has the arrows of the imports, and no other", () => {
  const [, picture = ""] = /```mermaid\nflowchart TD\n(.*?)```/s.exec(PAGE) ?? [];
  const drawn = picture
    .trim()
    .split("\n")
    .flatMap((line) => {
      const [from = "", to = ""] = line.replaceAll(/\[[^\]]*\]/g, "").split("-->");
      return to.split("&").map((room) => `${from.trim()} -> ${room.trim()}`);
    });
  expect(drawn.toSorted()).toEqual([...arrows].toSorted());
});

it("no room imports one that imports it, directly or around corners", () => {
  const below = (room: string, seen: string[] = []): string[] =>
    seen.includes(room)
      ? seen
      : [...arrows]
          .filter((arrow) => arrow.startsWith(`${room} -> `))
          .reduce((all, arrow) => below(arrow.split(" -> ")[1] ?? "", all), [...seen, room]);
  for (const arrow of arrows) {
    const [from = "", to = ""] = arrow.split(" -> ");
    expect(below(to), arrow).not.toContain(from);
  }
});

it("what everybody may import imports nothing", () => {
  for (const name of GROUND) expect(importsOf(`${name}.ts`)).toEqual([]);
});

describe("the house", () => {
  it("has at most seven files in its root", () => {
    expect(files.filter((path) => !path.includes("/")).length).toBeLessThanOrEqual(7);
  });

  const own = ["src", "demo", "scripts", "bench", "packages/simulator/src", "packages/embed/src"];
  const sources = own.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
      .filter((path) => /\.[cm]?[jt]s$/.test(path) && !path.includes("node_modules"))
      .map((path) => join(folder, path)),
  );

  it.each(sources)("%s has at most 250 lines, and casts nothing through unknown", (path) => {
    const text = readFileSync(join(ROOT, path), "utf8");
    expect(text.split("\n").length - 1).toBeLessThanOrEqual(250);
    expect(text).not.toMatch(/\bas unknown as\b/);
  });

  it("the architecture page names files that there are", () => {
    const named = [...PAGE.matchAll(/`((?:[\w-]+\/)*[\w-]+(?:\.(?:ts|md|yaml|json)|\/))`/g)].map(
      ([, path = ""]) => path,
    );
    expect(named.length).toBeGreaterThan(30);
    const rooms = new Set(files.map((path) => join(SOURCES, dirname(path))));
    const missing = named.filter(
      (path) => ![ROOT, SOURCES, ...rooms].some((at) => existsSync(join(at, path))),
    );
    expect(missing).toEqual([]);
  });

  it("the order of the middleware is the one of http/session.ts", () => {
    const [, list = ""] =
      /router\.post\(\s*\w+,([^)]*)\)/.exec(
        readFileSync(join(SOURCES, "http/session.ts"), "utf8"),
      ) ?? [];
    const steps = list.split(",").flatMap((step) => step.trim() || []);
    expect(steps).toContain("authenticate");
    const places = steps
      .slice(0, -1)
      .map((step) => PAGE.indexOf(step, PAGE.indexOf("sequenceDiagram")));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });

  it("the order of the policies is the one of mx/client.ts", () => {
    const text = readFileSync(join(SOURCES, "mx/client.ts"), "utf8");
    const [, composed = ""] = /return (serializeWrites\(.*?createSend\()/s.exec(text) ?? [];
    const policies = composed.match(/\b(?:serializeWrites|with[A-Z]\w+)(?=\()/g) ?? [];
    expect(policies.length).toBeGreaterThan(4);
    const [, drawn = ""] = /Note over M: (serializeWrites.*)/.exec(PAGE) ?? [];
    expect(drawn.match(/\b(?:serializeWrites|with[A-Z]\w+)/g)).toEqual(policies);
  });
});

it("no file imports one that imports it, types included, directly or around corners", () => {
  const imports = new Map(files.map((path) => [path, importsOf(path)]));
  const below = (path: string, seen: Set<string>): Set<string> => {
    for (const next of imports.get(path) ?? []) {
      if (!seen.has(next)) below(next, seen.add(next));
    }
    return seen;
  };
  expect(files.filter((path) => below(path, new Set()).has(path))).toEqual([]);
});
