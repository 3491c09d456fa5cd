import { describe, expect, it } from "vitest";
import {
  asSomebodyElse,
  createFaultPlan,
  type Fault,
} from "../../../packages/simulator/src/faults.ts";

const BAD_GATEWAY: Fault = { kind: "status", status: 502 };
const SILENCE: Fault = { kind: "silence" };

describe("the plan of faults", () => {
  it("gives the oldest that fits, once", () => {
    const plan = createFaultPlan();
    plan.add(BAD_GATEWAY, { operation: "sso.create_user" });
    plan.add(SILENCE);
    expect(plan.take("sso.read_user")).toBe(SILENCE);
    expect(plan.take("sso.read_user")).toBeUndefined();
    expect(plan.take("sso.create_user")).toBe(BAD_GATEWAY);
    expect(plan.pending).toEqual([]);
  });

  it("gives as often as it was told, or for ever", () => {
    const plan = createFaultPlan();
    plan.add(BAD_GATEWAY, { times: 2 });
    plan.add(SILENCE, { times: Number.POSITIVE_INFINITY });
    const taken = [1, 2, 3, 4].map(() => plan.take("platform.list_users"));
    expect(taken).toEqual([BAD_GATEWAY, BAD_GATEWAY, SILENCE, SILENCE]);
    plan.clear();
    expect(plan.take("platform.list_users")).toBeUndefined();
  });

  it("gives nothing for no times", () => {
    const plan = createFaultPlan();
    plan.add(SILENCE, { times: 0 });
    expect(plan.take("unknown")).toBeUndefined();
  });

  it("hits paths that MX does not have only where any call is meant", () => {
    const plan = createFaultPlan();
    plan.add(SILENCE, { operation: "sso.read_user" });
    expect(plan.take("unknown")).toBeUndefined();
    plan.add(BAD_GATEWAY);
    expect(plan.take("unknown")).toBe(BAD_GATEWAY);
  });
});

describe("an answer about somebody else", () => {
  it("has other User ids at any depth, and else is the same", () => {
    const reply = {
      status: 200,
      body: {
        user: { guid: "USR-1", id: "u-1", email: "ada@example.com" },
        member: { guid: "MBR-1", user_guid: "USR-1" },
        users: [{ external_user_guid: "u-1", external_guid: null }],
      },
    };
    const other = "USR-99999999-9999-4999-8999-999999999999";
    expect(asSomebodyElse(reply)).toEqual({
      status: 200,
      body: {
        user: { guid: other, id: "somebody-else", email: "ada@example.com" },
        member: { guid: "MBR-1", user_guid: other },
        users: [{ external_user_guid: "somebody-else", external_guid: null }],
      },
    });
  });

  it("stays empty or silent where the answer was", () => {
    expect(asSomebodyElse("silence")).toBe("silence");
    expect(asSomebodyElse({ status: 204 })).toEqual({ status: 204 });
  });
});
