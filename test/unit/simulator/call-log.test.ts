import { describe, expect, it } from "vitest";
import { createCallLog, type OpenCall } from "../../../packages/simulator/src/call-log.ts";

describe("the depth of the call log", () => {
  it("is 0 without calls and 1 with one that is still open", () => {
    const calls = createCallLog();
    expect(calls.depth()).toBe(0);
    begin(calls);
    expect(calls.depth()).toBe(1);
  });

  it("counts calls one after another", () => {
    const calls = createCallLog();
    for (let n = 0; n < 3; n += 1) begin(calls).end(200);
    expect(calls.depth()).toBe(3);
  });

  it("counts calls side by side once", () => {
    const calls = createCallLog();
    const open = [begin(calls), begin(calls), begin(calls)];
    for (const call of open) call.end(200);
    expect(calls.depth()).toBe(1);
  });

  it("follows the longest chain when calls overlap", () => {
    const calls = createCallLog();
    const long = begin(calls);
    begin(calls).end(200);
    begin(calls).end(200);
    long.end(200);
    const last = begin(calls);
    last.end(200);
    expect(calls.depth()).toBe(3);
  });

  it("lets nothing follow a call that never ended", () => {
    const calls = createCallLog();
    begin(calls);
    begin(calls).end(200);
    expect(calls.depth()).toBe(1);
  });
});

describe("a recorded call", () => {
  it("keeps its first end", () => {
    const calls = createCallLog();
    const call = begin(calls);
    call.receive({ user: {} });
    call.end(200);
    call.end();
    expect(calls.all).toMatchObject([
      { status: 200, body: { user: {} }, startedAt: 1, endedAt: 2 },
    ]);
  });

  it("is found by its operation, until the log is cleared", () => {
    const calls = createCallLog();
    begin(calls);
    expect([calls.count, calls.of("sso.read_user").length]).toEqual([1, 1]);
    expect(calls.of("sso.create_user")).toEqual([]);
    calls.clear();
    expect([calls.count, calls.all.length]).toEqual([0, 0]);
  });

  it("is forgotten after 100,000 more, and still counted", () => {
    const calls = createCallLog();
    for (let n = 0; n < 200_001; n += 1) begin(calls);
    expect([calls.all.length, calls.count]).toEqual([100_000, 200_001]);
  });
});

function begin(calls: ReturnType<typeof createCallLog>): OpenCall {
  const path = "/user/u-1";
  return calls.begin({ operation: "sso.read_user", method: "GET", path, query: {}, headers: {} });
}
