import { describe, expect, it } from "vitest";
import { findNearest } from "../../src/text.ts";

const NAMES = ["color_scheme", "mode", "locale", "connect_widget", "connections_widget"];

describe("the nearest name", () => {
  it.each([
    ["colour_scheme", "color_scheme"],
    ["colorScheme", "color_scheme"],
    ["COLOR-SCHEME", "color_scheme"],
    ["cloor_scheme", "color_scheme"],
    ["clor_schem", "color_scheme"],
    ["locael", "locale"],
    ["mod", "mode"],
    ["connec_widget", "connect_widget"],
  ])("to %s is %s", (name, nearest) => {
    expect(findNearest(name, NAMES)).toBe(nearest);
  });

  it.each(["", "user_guid", "model_x", "lcoael", "clr_schm", "x".repeat(64)])(
    "to %j is none",
    (name) => {
      expect(findNearest(name, NAMES)).toBeUndefined();
    },
  );

  it("is the one with fewer edits", () => {
    expect(findNearest("bbbbbbbb", ["aabbbbbb", "abbbbbbb"])).toBe("abbbbbbb");
  });
});
