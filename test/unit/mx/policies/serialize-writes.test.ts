import { describe, expect, it } from "vitest";
import type { MxCall, Send } from "../../../../src/mx/call.ts";
import { serializeWrites } from "../../../../src/mx/policies/serialize-writes.ts";
import { answerOf, frozenBudget, settle } from "../../fakes.ts";

const READ: MxCall = {
  operation: "sso.read_user",
  userId: "u-1",
  kind: "read",
  method: "GET",
  path: "/user/u-1",
};

const write = (path: string, serializeBy: string): MxCall => ({
  operation: "sso.create_user",
  userId: "u-1",
  kind: "create_user",
  method: "POST",
  path,
  serializeBy,
});

/** Sends that begin at once and end when the test says so, the oldest first. */
function held() {
  const paths: string[] = [];
  const doors: (() => void)[] = [];
  const send: Send = async ({ path }) => {
    paths.push(path);
    await new Promise<void>((resolve) => doors.push(resolve));
    return answerOf("ok", { status: 200 });
  };
  const runExclusive = serializeWrites(send);
  return {
    paths,
    send: (call: MxCall) => runExclusive(call, frozenBudget()),
    async end() {
      doors.shift()?.();
      await settle();
    },
  };
}

describe("writes for one User or Member", () => {
  it("are sent one after the other", async () => {
    const { paths, send, end } = held();
    const calls = [send(write("create", "u-1")), send(write("update", "u-1"))];
    await settle();
    expect(paths).toEqual(["create"]);
    await end();
    expect(paths).toEqual(["create", "update"]);
    await end();
    expect(await Promise.all(calls)).toEqual([
      answerOf("ok", { status: 200 }),
      answerOf("ok", { status: 200 }),
    ]);
  });

  it("hold up no read of the same, and no write for another", async () => {
    const { paths, send } = held();
    void send(write("create u-1", "u-1"));
    void send(write("create M-u-1", "M-u-1"));
    void send(write("create u-2", "u-2"));
    void send(READ);
    await settle();
    expect(paths).toEqual(["create u-1", "create M-u-1", "create u-2", "/user/u-1"]);
  });

  it("do not wait for those of another tenant, who may have the same ids", async () => {
    const [one, two] = [held(), held()];
    void one.send(write("create", "u-1"));
    void two.send(write("create", "u-1"));
    await settle();
    expect([one.paths, two.paths]).toEqual([["create"], ["create"]]);
  });
});
