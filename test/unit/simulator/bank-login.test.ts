import { describe, expect, it } from "vitest";
// @ts-expect-error: a script of the simulated widget, without types
import { answerChallenge, logIn } from "../../../packages/simulator/src/widget/bank-login.js";

describe("the simulated bank", () => {
  it.each([
    ["mxuser", "anything", 6],
    ["mxuser", "toString", 6],
    ["mxuser", "challenge", 3],
    ["mxuser", "options", 3],
    ["mxuser", "image", 3],
    ["mxuser", "BAD_REQUEST", 14],
    ["mxuser", "UNAUTHORIZED", 2],
    ["mxuser", "INVALID", 2],
    ["mxuser", "LOCKED", 5],
    ["mxuser", "DISABLED", 2],
    ["mxuser", "SERVER_ERROR", 14],
    ["mxuser", "UNAVAILABLE", 14],
    ["somebody", "anything", 2],
  ])("answers the login %s, %s with status %i", (user, password, status) => {
    expect(logIn(user, password)).toMatchObject({ status });
  });

  it.each([
    ["correct", 6],
    ["challenge", 3],
    ["UNAVAILABLE", 14],
    ["wrong", 4],
  ])("answers %s to its question with status %i", (answer, status) => {
    expect(answerChallenge(answer)).toMatchObject({ status });
  });
});
