import { describe, expect, it } from "vitest";
import { toFailure, toOpenFailure } from "../../../src/upstream/failure.ts";

function errorOf(code: string, syscall?: string): Error {
  return Object.assign(new Error("canary"), { code, ...(syscall && { syscall }) });
}

describe("a host that cannot be reached", () => {
  it.each(["EHOSTUNREACH", "ENETUNREACH"])("%s while connecting: nothing was sent", (code) => {
    expect(toOpenFailure(errorOf(code, "connect")).failure).toBe("not_sent");
  });

  it.each(["EHOSTUNREACH", "ENETUNREACH"])(
    "%s of every address of a host: nothing was sent",
    (code) => {
      const errors = [errorOf(code, "connect"), errorOf(code, "connect")];
      expect(toOpenFailure(new AggregateError(errors))).toEqual({
        kind: "failure",
        failure: "not_sent",
        reason: code.toLowerCase(),
      });
    },
  );

  it.each([
    ["EHOSTUNREACH", "read"],
    ["ENETUNREACH", "write"],
    ["EHOSTUNREACH", undefined],
  ])("%s on an open connection (%s): MX may have done it", (code, syscall) => {
    const certificate = { isAsked: false, isShown: false };
    const connection = { certificate, hasHeaders: false, isMute: false, isFirst: false };
    expect(toFailure(errorOf(code, syscall), { ...connection, refusal: undefined }).failure).toBe(
      "connection_lost",
    );
  });
});
