import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { SECRET_NAMES, VARIABLE_NAMES } from "../../../src/config/variables.ts";

const ASSIGNMENT = /^(?:# ?)?([A-Z][A-Z0-9_]*)=/;

const text = readFileSync(new URL("../../../.env.example", import.meta.url), "utf8");

/** Blank lines part one subject from the next. */
const paragraphs = text.split(/\n\s*\n/).map((paragraph) => paragraph.split("\n"));

const listed = text.split("\n").flatMap((line) => ASSIGNMENT.exec(line)?.[1] ?? []);
const secretFiles = SECRET_NAMES.map((name) => `${name}_FILE`);

describe(".env.example", () => {
  it("lists every variable, and nothing else", () => {
    const names = listed.filter((name) => !secretFiles.includes(name));
    expect(names.sort()).toEqual([...VARIABLE_NAMES].sort());
  });

  it("lists nothing twice", () => {
    expect(listed).toEqual([...new Set(listed)]);
  });

  it("says which secrets can come as files", () => {
    expect(listed.filter((name) => name.endsWith("_FILE"))).toEqual(
      expect.arrayContaining(secretFiles),
    );
  });

  it("explains each in a comment above it", () => {
    const unexplained = paragraphs.flatMap((lines) => {
      const first = lines.findIndex((line) => ASSIGNMENT.test(line));
      const isExplained = lines.slice(0, first).some((line) => /^# .*\w{3}/.test(line));
      return first < 0 || isExplained ? [] : lines;
    });
    expect(unexplained).toEqual([]);
  });

  it("holds no secret", () => {
    for (const name of SECRET_NAMES)
      expect(text).not.toMatch(new RegExp(`^(# ?)?${name}=\\S`, "m"));
  });
});
